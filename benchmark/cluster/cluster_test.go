package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
)

// TestMain turns this binary into a node when a cluster starts it as one, and
// into a parent of a node for the test that kills the parent.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		fakeNode(os.Args[2:])
	case len(os.Args) > 1 && os.Args[1] == "parent":
		fakeParent(os.Args[2])
	}
	os.Exit(m.Run())
}

// fakeNode answers /ping, and PUT /view with "unready" once, then "ready".
func fakeNode(args []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	id, addr := flags.Int("id", -1, ""), flags.String("http", "", "")
	for _, name := range []string{"default-bucket", "cluster", "log-level", "log-format"} {
		_ = flags.String(name, "", "")
	}
	bus, fail := flags.String("bus", "", ""), flags.Bool("fail", false, "")
	_ = flags.Parse(args) // exits on error
	fmt.Printf("node %d on %s\n", *id, *addr)
	if *fail {
		fmt.Fprintln(os.Stderr, "told to fail")
		os.Exit(3)
	}
	var puts atomic.Int32
	http.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	http.HandleFunc("PUT /view", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request, err := api.ParseViewRequest(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Printf("view %s\n", body)
		answer := api.ViewAnswer{Result: api.ViewReady, View: request.View, Number: 1}
		if puts.Add(1) == 1 {
			answer.Result = api.ViewUnready
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	http.HandleFunc("GET /dial", dialBus)
	go greet(*bus)
	fmt.Println(http.ListenAndServe(*addr, nil))
	os.Exit(1)
}

// greet sends a greeting to each connection, as a NATS server does.
func greet(bus string) {
	ln, err := net.Listen("tcp", bus)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "INFO")
		conn.Close()
	}
}

// dialBus answers 200 if a server greets at the address.
func dialBus(w http.ResponseWriter, r *http.Request) {
	conn, err := net.Dial("tcp", r.FormValue("addr"))
	if err == nil {
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = io.ReadFull(conn, make([]byte, len("INFO")))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// fakeParent starts a node, reports that, and waits to be killed.
func fakeParent(dir string) {
	c, err := Start(context.Background(), Config{Binary: os.Args[0], Nodes: 1, Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.Process(0).Pid(), strings.TrimPrefix(c.URL(0), "http://"))
	select {}
}

func start(t *testing.T, nodes int) *Cluster {
	t.Helper()
	return startAs(t, Config{Nodes: nodes})
}

func startCuttable(t *testing.T, nodes int) *Cluster {
	t.Helper()
	return startAs(t, Config{Nodes: nodes, Cuts: true})
}

func startAs(t *testing.T, want Config) *Cluster {
	t.Helper()
	config := Default()
	config.Binary, config.Nodes, config.Dir, config.Cuts = os.Args[0], want.Nodes, t.TempDir(), want.Cuts
	c, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func logOf(t *testing.T, c *Cluster, i int) string {
	t.Helper()
	log, err := os.ReadFile(c.LogFile(i))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

func TestNodesAreStartedAndNoneIsLeft(t *testing.T) {
	c := start(t, 2)
	for i := range 2 {
		if err := c.Client(i).Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if want := fmt.Sprintf("node %d on %s\n", i, strings.TrimPrefix(c.URL(i), "http://")); logOf(t, c, i) != want {
			t.Errorf("log of n%d: %q, want %q", i, logOf(t, c, i), want)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if c.Process(i).Alive() {
			t.Errorf("n%d is alive after Close", i)
		}
	}
	if err := c.Restart(t.Context(), 0); err == nil {
		t.Error("a closed cluster started a node")
	}
}

func TestAKilledNodeStartsAgainWhereItWas(t *testing.T) {
	c := start(t, 1)
	first := c.Process(0).Pid()
	if err := c.Restart(t.Context(), 0); err == nil {
		t.Fatal("a node that runs was started again")
	}
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Client(0).Ping(t.Context()); err == nil {
		t.Fatal("a killed node answers")
	}
	if err := c.Restart(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if c.Process(0).Pid() == first || strings.Count(logOf(t, c, 0), "node 0 on") != 2 {
		t.Fatalf("pid %d, log %q", c.Process(0).Pid(), logOf(t, c, 0))
	}
}

func TestAPausedNodeIsSilentUntilItIsResumed(t *testing.T) {
	c := start(t, 1)
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Client(0).Ping(ctx); err == nil {
		t.Fatal("a paused node answers")
	}
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Client(0).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(0); err != nil { // Close must end a paused node too
		t.Fatal(err)
	}
}

func TestNoThreadOfAProcessRunsOnceItIsPaused(t *testing.T) {
	p := start(t, 1).Process(0)
	for range 20 {
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid()))
		if err != nil || len(threads) == 0 {
			t.Fatalf("threads %v, %v", threads, err)
		}
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			if _, state, _ := strings.Cut(string(stat), ") "); err != nil || !strings.HasPrefix(state, "T") {
				t.Fatalf("a thread is not stopped: %q, %v", stat, err)
			}
		}
		if err := p.Pause(); err != nil {
			t.Fatalf("paused twice: %v", err)
		}
		if err := p.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Pause(); err == nil {
		t.Error("a process that has ended was paused")
	}
}

func TestAViewIsPutUntilEveryMemberIsReady(t *testing.T) {
	c := start(t, 3)
	if err := c.PutView(t.Context(), 0, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.PutViewAtOnce(t.Context(), c.All()...); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Members()); got != "[0 1 2]" {
		t.Errorf("members %s", got)
	}
	for i, want := range []int{3, 2, 3} { // the first answer of each node was "unready"
		if got := strings.Count(logOf(t, c, i), "view "); got != want {
			t.Errorf("n%d had %d views, want %d: %s", i, got, want, logOf(t, c, i))
		}
	}
	if log := logOf(t, c, 0); !strings.Contains(log, `"bus":"127.0.0.1:`) {
		t.Errorf("a view without bus addresses: %s", log)
	}
}

func TestProcessorTimeSurvivesADeath(t *testing.T) {
	c := start(t, 1)
	before, err := c.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	dead, err := c.CPU()
	if err != nil || dead <= 0 || dead < before-tick {
		t.Fatalf("%v, then %v at the end, err %v", before, dead, err)
	}
	if err := c.Restart(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if after, err := c.CPU(); err != nil || after < dead {
		t.Fatalf("%v at the end, %v in the next process, err %v", dead, after, err)
	}
}

func TestANodeThatCannotStartIsReported(t *testing.T) {
	config := Default()
	config.Binary, config.Dir, config.Extra = os.Args[0], t.TempDir(), []string{"--fail"}
	if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "told to fail") {
		t.Fatal(err)
	}
	config.Binary = filepath.Join(t.TempDir(), "none")
	if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Default()); err == nil {
		t.Fatal("a cluster without a binary")
	}
}

// TestNodesDieWithTheirParent holds a connection to the node. The kernel closes the
// connection when the node ends.
func TestNodesDieWithTheirParent(t *testing.T) {
	parent := exec.Command(os.Args[0], "parent", t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var addr string
	if _, err := fmt.Fscan(out, &pid, &addr); err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed on purpose
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		if child, err := os.FindProcess(pid); err == nil {
			_ = child.Kill()
		}
		t.Fatalf("process %d outlived its parent", pid)
	}
}
