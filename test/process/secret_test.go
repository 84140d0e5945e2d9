package process

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cohortkv/cohort/benchmark/cluster"
)

// startSecret starts three nodes with a view of all and an encrypted bus. Proxies can cut
// them off.
func startSecret(t *testing.T) (n nodes, secretFile string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cfg := cluster.Default()
	cfg.Binary, cfg.Dir, cfg.Cuts, cfg.Secret = path, t.TempDir(), true, "the first secret"
	c, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	n = nodes{c, t}
	t.Cleanup(n.close)
	n.putView(0, 1, 2)
	return n, filepath.Join(cfg.Dir, "secret")
}

// TestNothingIsLostWhileTheSecretChanges changes the secret under load, as docs/security.md
// describes. A node is cut off meanwhile.
func TestNothingIsLostWhileTheSecretChanges(t *testing.T) {
	n, file := startSecret(t)
	r := newTrial(n)
	r.load(func() {
		for round, text := range []string{"the first secret\nthe second", "the second\nthe first secret", "the second"} {
			n.must(os.WriteFile(file, []byte(text), 0o600))
			for _, i := range n.All() {
				n.hangUp(i, round+1)
				r.pause(seconds / 20)
			}
		}
		n.must(n.Isolate(2))
		r.pause(seconds / 10)
		n.must(n.HealAll())
	})
	r.readAll(0, 1, 2)
	r.judge()
}

// hangUp sends SIGHUP to a node, and waits until the node has read its secrets so many
// times.
func (n nodes) hangUp(i, times int) {
	n.t.Helper()
	n.must(syscall.Kill(n.Process(i).Pid(), syscall.SIGHUP))
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	for {
		said, err := os.ReadFile(n.LogFile(i))
		n.must(err)
		if strings.Count(string(said), `msg="SIGHUP: reloaded" what=secrets`) >= times {
			return
		}
		if ctx.Err() != nil {
			n.t.Fatalf("node %d has not read its secrets again", i)
		}
	}
}
