package process

import (
	"os"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/test/harness"
	"github.com/cohortkv/cohort/test/scenarios"
)

// TestScenarios plays the scenarios in which no node changes its address. Package
// containers plays all scenarios.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios.All() {
		if s.Needs == scenarios.Networks || s.Long {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { s.Play(harness.New(t, newProcesses(t, s))) })
	}
}

// newProcesses returns the world of processes that a scenario needs. The processes end with
// the test.
func newProcesses(t *testing.T, s scenarios.Scenario) *harness.Processes {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cfg := cluster.Default()
	cfg.Binary, cfg.Dir, cfg.Cuts = path, t.TempDir(), s.Needs == scenarios.Cuts
	if s.Causal {
		cfg.Bucket = api.BucketCausal
	}
	world := harness.NewProcesses(cfg)
	t.Cleanup(func() {
		if world.Cluster == nil {
			return
		}
		if err := world.Close(); err != nil {
			t.Error(err)
		}
		for _, node := range world.All() {
			said, err := os.ReadFile(world.LogFile(node))
			if t.Failed() || err != nil || strings.Contains(string(said), "DATA RACE") {
				t.Errorf("node %d said (%v):\n%s", node, err, said)
			}
		}
	})
	return world
}
