package sim

import (
	"testing"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/tally"
)

func TestEveryKindOfRequestIsHeldAgainstItsBound(t *testing.T) {
	counts := tally.Counts{}
	for seed := range uint64(24) {
		kind := schedule.Operator(seed) % schedule.Operators
		r := Run(schedule.Generate(seed, kind, schedule.Both, schedule.CalmStretches), nil)
		if r.Failure != nil {
			t.Fatalf("seed %d, %s operator: %v", seed, kind, r.Failure)
		}
		counts.Merge(r.Counts)
	}
	for _, what := range []string{
		"strong read", "strong write", "causal write", "causal write at another owner", "causal read at another owner",
		"causal read of what its node has", "causal read of what its node has yet to get",
	} {
		if n := counts.Of("promptness", what); n < 10 {
			t.Errorf("%s: %d were judged", what, n)
		}
	}
}
