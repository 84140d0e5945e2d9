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
	// patience bounds what should take no time at all.
	patience = 30 * time.Second

	// variable says how many seconds a load lasts.
	variable = "COHORT_PROCESS_SECONDS"
)

var (
	seconds  = 5 * time.Second // how long a load lasts
	binaries string            // where what is built for the tests goes
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

// settings reads the environment, and keeps it from the nodes: they refuse to
// start with a COHORT_ variable that is not theirs.
func settings() error {
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n <= 0 {
			return fmt.Errorf("%s=%q is not a number of seconds", variable, text)
		}
		seconds = time.Duration(n * float64(time.Second))
	}
	var errs []error
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "COHORT_") {
			errs = append(errs, os.Unsetenv(name))
		}
	}
	return errors.Join(errs...)
}

// binary is built once for all tests of a run, with the race detector if they
// have it.
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

// nodes are three real nodes, and what the test expects of them.
type nodes struct {
	*cluster.Cluster
	t *testing.T
}

// start starts three nodes without a view. They end with the test.
func start(t *testing.T) nodes {
	t.Helper()
	return startThree(t, false)
}

// startThree starts nodes that can be cut off from one another, or not.
func startThree(t *testing.T, cuts bool) nodes {
	t.Helper()
	return startMore(t, 3, cuts)
}

// startMore starts so many.
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

// startServing starts three nodes that are the view.
func startServing(t *testing.T) nodes {
	t.Helper()
	n := start(t)
	n.putView(0, 1, 2)
	return n
}

// close ends the nodes, and shows what they said when the test has failed or a
// node has found a data race.
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

// putView tells the members, one after another, that they are the view.
func (n nodes) putView(members ...int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	n.must(n.PutView(ctx, members...))
}
