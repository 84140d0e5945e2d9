package process

import (
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/benchmark"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// restart loads both models while nodes with data on disk are killed and start again. No view is
// put. All answers are judged, and at the end what each replica holds.
func restart(t *testing.T, faults string) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		var out strings.Builder
		cfg := benchmark.Default(&out)
		cfg.Binary, cfg.LogDir, cfg.Durability = path, t.TempDir(), "fsync"
		cfg.Models = []workload.Model{workload.Strong, workload.Causal}
		w := &cfg.Workload
		w.Clients, w.Keys, w.ValueSize, w.Seed = 32, 32, 64, uint64(round)
		w.Puts, w.Gets, w.Deletes = 45, 45, 10
		w.Warmup, w.Duration, w.Timeout = 0, 5*time.Second, patience
		for _, text := range strings.Fields(faults) {
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Faults = append(cfg.Faults, f)
		}
		reports, err := benchmark.Run(t.Context(), cfg)
		t.Logf("round %d\n%s", round, out.String())
		if err != nil || reports.ExitCode() != 0 {
			t.Fatalf("round %d: exit status %d, %v", round, reports.ExitCode(), err)
		}
	}
}

func TestNothingIsLostWhenAllNodesAreKilledTogether(t *testing.T) {
	restart(t, "kill=0@2s kill=1@2s kill=2@2s restart=2@2s restart=0@2s restart=1@2s")
}

func TestNothingIsLostWhenNodesAreKilledOneAfterAnother(t *testing.T) {
	restart(t, "kill=2@1s restart=2@1s kill=1@2s restart=1@2s kill=0@3s restart=0@3s")
}
