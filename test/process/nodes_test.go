package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/benchmark/cluster"
)

const (
	// patience bounds a wait that should take no time.
	patience = 30 * time.Second

	// variable holds the length of a load in seconds.
	variable = "COHORT_PROCESS_SECONDS"
	// roundsVariable holds how often each restart of nodes with data on disk is tried.
	roundsVariable = "COHORT_PROCESS_ROUNDS"
)

var (
	seconds  = 5 * time.Second // length of a load
	rounds   = 2               // how often each restart is tried
	binaries string            // folder of the programs that are built for the tests
)

func TestMain(m *testing.M) {
	if err := settings(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	dir, err := os.MkdirTemp("", "cohort-process-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	binaries = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// settings reads the environment and removes the variables from it: nodes refuse to start
// with an unknown COHORT_ variable.
func settings() error {
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n <= 0 {
			return fmt.Errorf("%s=%q is not a number of seconds", variable, text)
		}
		seconds = time.Duration(n * float64(time.Second))
	}
	if text := os.Getenv(roundsVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%s=%q is not a number of rounds", roundsVariable, text)
		}
		rounds = n
	}
	var errs []error
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "COHORT_") {
			errs = append(errs, os.Unsetenv(name))
		}
	}
	return errors.Join(errs...)
}

// binary is built once for all tests of a run. It has the race detector if the tests have
// it.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(builtForParent); path != "" {
		return path, nil
	}
	if !raceDetector {
		return cluster.Build(context.Background(), binaries)
	}
	path := filepath.Join(binaries, "cohort")
	out, err := exec.Command("go", "build", "-race", "-o", path, "github.com/cohortkv/cohort/cmd/cohort").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build cohort with the race detector: %w\n%s", err, out)
	}
	return path, err
})

// nodes are the real nodes of a test.
type nodes struct {
	*cluster.Cluster
	t *testing.T
}

// start starts three nodes without a view. They end with the test.
func start(t *testing.T) nodes {
	t.Helper()
	return startThree(t, false)
}

// startThree starts three nodes without a view, with cuts or not.
func startThree(t *testing.T, cuts bool) nodes {
	t.Helper()
	return startMore(t, 3, cuts)
}

// startMore starts count nodes without a view.
func startMore(t *testing.T, count int, cuts bool) nodes {
	t.Helper()
	return startConfigured(t, func(c *cluster.Config) { c.Cuts, c.Nodes = cuts, count })
}

// startConfigured starts nodes without a view, three unless configure says otherwise.
func startConfigured(t *testing.T, configure func(*cluster.Config)) nodes {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cfg := cluster.Default()
	cfg.Binary, cfg.Dir = path, t.TempDir()
	configure(&cfg)
	c, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := nodes{c, t}
	t.Cleanup(n.close)
	return n
}

// startServing starts three nodes with a view of all.
func startServing(t *testing.T) nodes {
	t.Helper()
	n := start(t)
	n.putView(0, 1, 2)
	return n
}

// close ends the nodes. It shows their logs if the test has failed or a node has found a
// data race.
func (n nodes) close() {
	n.must(n.Close())
	for _, i := range n.All() {
		said, err := os.ReadFile(n.LogFile(i))
		n.must(err)
		if n.t.Failed() || strings.Contains(string(said), "DATA RACE") {
			n.t.Errorf("node %d said:\n%s", i, said)
		}
	}
}

func (n nodes) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// putView puts the view of some nodes to each of them, one after another.
func (n nodes) putView(members ...int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	n.must(n.PutView(ctx, members...))
}
