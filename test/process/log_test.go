package process

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/ports"
	"github.com/cohortkv/cohort/client"
)

// logged is a node whose log goes to a file of the test.
type logged struct {
	*cluster.Process
	client *client.Client
	member api.Member
}

func startLogged(t *testing.T, log string) logged {
	t.Helper()
	return startAlone(t, 0, log, "--log-level", "debug")
}

// startAlone starts a node with an id and flags of its own.
func startAlone(t *testing.T, id int, log string, flags ...string) logged {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	reserved, err := ports.Reserve(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reserved.Close() })
	http, bus := reserved.Addrs()[0], reserved.Addrs()[1]
	args := append([]string{"serve", "--id", strconv.Itoa(id), "--http", http, "--bus", bus}, flags...)
	p, err := cluster.Launch("n"+strconv.Itoa(id), log, path, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	c, err := client.New(http, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := logged{p, c, api.Member{ID: uint64(id), Address: http, Bus: bus}}
	n.untilAlive(t)
	return n
}

func (n logged) untilAlive(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n.client.Live(ctx) != nil {
		if ctx.Err() != nil || !n.Alive() {
			t.Fatal("the node does not answer")
		}
	}
}

// talk makes the node log some hundred lines: it adopts views, and reports each PUT of one.
func (n logged) talk(t *testing.T) {
	t.Helper()
	for i := range 300 {
		view := api.View{Flat: true, Shards: []api.Shard{{Members: []api.Member{n.member}}}}
		if i%2 == 1 {
			view.Flat, view.Shards[0].Name = false, "a"
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := n.client.PutView(ctx, api.ViewRequest{View: view}); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if _, err := n.client.PutData(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
}

// leave ends the node, and fails if its log delays the end.
func (n logged) leave(t *testing.T) {
	t.Helper()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- n.Terminate() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("it left after %v", time.Since(began))
	case <-time.After(3 * leaves):
		t.Fatal("it does not end after SIGTERM")
	}
}

func fifo(t *testing.T) (path string, reader *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // opened for both directions, so that neither end waits for the other
	if err != nil {
		t.Fatal(err)
	}
	return path, reader
}

func TestALogReaderThatGoesAwayChangesNothingButTheLog(t *testing.T) {
	path, reader := fifo(t)
	n := startLogged(t, path)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	n.talk(t)
	n.leave(t)
}

func TestALogReaderThatIsStuckChangesNothingButTheLog(t *testing.T) {
	path, reader := fifo(t)
	defer reader.Close()
	n := startLogged(t, path)
	n.talk(t)
	n.leave(t)
}

func TestAFullLogDiskChangesNothingButTheLog(t *testing.T) {
	n := startLogged(t, "/dev/full")
	n.talk(t)
	var metrics strings.Builder
	if err := n.client.Metrics(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(metrics.String(), "\ncohort_log_lines_lost_total 0\n") {
		t.Error("no line counts as lost")
	}
	n.leave(t)
}

func TestAHangupIsLoggedAndEndsNothing(t *testing.T) {
	n := startServing(t)
	n.must(syscall.Kill(n.Process(0).Pid(), syscall.SIGHUP))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		said, err := os.ReadFile(n.LogFile(0))
		n.must(err)
		if strings.Contains(string(said), "SIGHUP") {
			break
		}
		if ctx.Err() != nil || !n.Process(0).Alive() {
			t.Fatal("the node says nothing of SIGHUP")
		}
	}
	_, err := n.Client(0).PutData(ctx, "k", "v")
	n.must(err)
}
