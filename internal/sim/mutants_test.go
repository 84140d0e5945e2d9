//go:build mutants

package sim

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/internal/mutant"
)

// mutantBound is how many schedules may be needed to find a mutant.
const mutantBound = 8000

// finders says whose schedules find a mutant, where those of a sane operator do
// not, or only after many. COHORT_SIM_OPERATOR overrules it.
var finders = map[mutant.Mutant]Operator{
	mutant.FollowByNumber: Mad, mutant.AlwaysMint: Mad, mutant.AnswerBeforeReady: Mad, mutant.OnlyWhoWasTold: Mad,
	mutant.MergeHigherWins: Splitting, mutant.MergeOwnWins: Splitting, mutant.MergeUnion: Splitting, mutant.MergeIDsOneSide: Splitting,
	mutant.PullWithoutPromise: Mad, mutant.ForgetOwed: Mad, mutant.CutAtOnce: Mad, mutant.NeverCut: Mad,
}

// bent are the profiles of schedules that find a mutant, where the usual ones do not,
// or only after many.
var bent = map[mutant.Mutant]Profile{
	mutant.CausalPlainVersion: Sparse,
	mutant.CausalNameByView:   Named,
	mutant.CausalLateBatches:  Haunted,
}

// unfound are deliberate bugs that no schedules find yet, or only many thousands of
// them: they are run when COHORT_SIM_MUTANT names them, and are a debt of the schedules.
var unfound = []mutant.Mutant{
	mutant.CausalPlainVersion, mutant.CausalOneRound, mutant.CausalLateBatches, mutant.CausalNameByView,
	mutant.CausalMissedWakeup, mutant.CausalForwardLate,
}

// finder is the operator that a mutant is run under, and whose clients there are.
func finder(t *testing.T, m mutant.Mutant) (Operator, Model, Profile) {
	kind, model := finders[m], Strong
	if strings.HasPrefix(m.String(), "Causal") {
		model = Causal
	}
	if os.Getenv("COHORT_SIM_OPERATOR") != "" {
		kind = operatorSet(t)
	}
	if os.Getenv("COHORT_SIM_MODEL") != "" {
		model = modelSet(t)
	}
	profile := bent[m]
	if os.Getenv("COHORT_SIM_PROFILE") != "" {
		profile = profileSet(t)
	}
	return kind, model, profile
}

// TestMutants plants one deliberate bug after the other and counts the schedules
// until a check finds it. COHORT_SIM_MUTANT selects one, COHORT_SIM_MODEL those of a
// model. The selection is the process's, so nothing else runs meanwhile.
func TestMutants(t *testing.T) {
	defer mutant.Choose(mutant.None)
	chosen := slices.DeleteFunc(mutant.All(), func(m mutant.Mutant) bool { return slices.Contains(unfound, m) })
	if only := os.Getenv("COHORT_SIM_MUTANT"); only != "" {
		m, ok := mutant.Named(only)
		if !ok {
			t.Fatalf("COHORT_SIM_MUTANT=%q is none of %v", only, mutant.All())
		}
		chosen = []mutant.Mutant{m}
	} else if os.Getenv("COHORT_SIM_MODEL") != "" {
		chosen = slices.DeleteFunc(chosen, func(m mutant.Mutant) bool {
			return strings.HasPrefix(m.String(), "Causal") != modelSet(t).causal()
		})
	}
	bound := setting(t, "COHORT_SIM_SCHEDULES", mutantBound)
	var table strings.Builder
	fmt.Fprintf(&table, "%-26s %-9s %6s  %s\n", "mutant", "operator", "seeds", "found by")
	for _, m := range chosen {
		mutant.Choose(m)
		kind, model, profile := finder(t, m)
		f := fleet{operator: kind, model: model, profile: profile}
		f.next.Store(1)
		f.run(func(done uint64) bool { return done < bound && f.failures() == 0 })
		if len(f.mu.failed) == 0 {
			fmt.Fprintf(&table, "%-26s %-9s %6s  after %d\n", m, f.operator, "none", f.mu.runs)
			t.Errorf("%s was not found in %d schedules", m, f.mu.runs)
			continue
		}
		seed := slices.Min(f.mu.failed)
		r := Run(Generate(seed, f.operator, f.model, f.profile), nil)
		fmt.Fprintf(&table, "%-26s %-9s %6d  %s: %.100s\n", m, f.operator, seed, r.Failure.Check, r.Failure.What)
	}
	t.Log("\n" + table.String())
}
