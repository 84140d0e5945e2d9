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
	mutant.FollowForeign: Mad, mutant.PullWithoutPromise: Mad, mutant.ForgetOwed: Mad, mutant.CutAtOnce: Mad, mutant.NeverCut: Mad,
}

// bent are the profiles of schedules that find a mutant, where the usual ones do not,
// or only after many.
var bent = map[mutant.Mutant]Profile{
	// One node gives one key the same counter twice, in a life that does not know of the
	// first time: after a crash, or when it lost the slot and got it back while who has
	// it cannot be reached. Each replica keeps the one that it got first. Where keys are
	// written dozens of times, counters hardly ever meet.
	mutant.CausalPlainVersion: Sparse,
	// A context has a floor's name. A node of that view begins with nothing and is cut
	// off before it has what the floor counts, so it serves what it has: a read under
	// the context must wait there, and is answered. (And the other way about: who has
	// it all by an exchange, in a view that does not replace the named one, waits.)
	mutant.CausalNameByView: Named,
	// A node takes a write, is cut off, and loses it with its memory: nobody's K has it.
	// A tombstone that wins over it is collected without it, rightly. Then the node is a
	// member again, in a life that the others have not heard from yet, and the old batch
	// arrives. (Who is not ready is spared by the exchange that makes it ready: it
	// forgets what its peer's K covers and the peer has not got, except for what comes
	// while its own items are being read.)
	mutant.CausalLateBatches: Haunted,
	// What a client is shown after a loss is less than what its context names, and less
	// than that is elsewhere.
	mutant.CausalLostStays: Bereft,
	// The answer to a carried write is lost, and it is repeated when its owner has
	// forgotten it.
	mutant.CausalForwardForever: Forgetful,
	// What nobody says who does not lie.
	mutant.AnyViewNumber: Garbled, mutant.AnyRound: Garbled, mutant.AnyStatus: Garbled, mutant.AnyContent: Garbled,
}

// Three that the usual schedules find by what the truth asks:
//
//   - CausalOneRound: a write is on its way to a replica that has the tombstone over it
//     already. All have the tombstone: it goes, and then the write arrives where nothing
//     is. An exchange with who has the write in K makes it go again within a second, so
//     only a look at the moment itself finds it: nobody puts what a collected tombstone
//     in its K won over (truth: I19).
//   - CausalMissedWakeup: a read waits for a stream, and a broadcast closes the gap. The
//     next exchange wakes it, within a second: so a read may wait for less than that
//     when its node has all that it needs.
//   - CausalForwardLate: a carried write arrives when its client has been answered, or
//     has left, long ago: no write is taken more than 2.5 s after.

// finder is the operator that a mutant is run under, whose clients there are, and the
// profile.
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
// until a check finds it, from COHORT_SIM_SEED on. COHORT_SIM_MUTANT selects one,
// COHORT_SIM_MODEL those of a model. The selection is the process's, so nothing else runs meanwhile.
func TestMutants(t *testing.T) {
	defer mutant.Choose(mutant.None)
	chosen := mutant.All()
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
	fmt.Fprintf(&table, "%-26s %-9s %-8s %6s  %s\n", "mutant", "operator", "profile", "seeds", "found by")
	for _, m := range chosen {
		mutant.Choose(m)
		kind, model, profile := finder(t, m)
		f := fleet{operator: kind, model: model, profile: profile}
		f.next.Store(setting(t, "COHORT_SIM_SEED", 1))
		f.run(func(done uint64) bool { return done < bound && f.failures() == 0 })
		if len(f.mu.failed) == 0 {
			fmt.Fprintf(&table, "%-26s %-9s %-8s %6s  after %d\n", m, f.operator, f.profile, "none", f.mu.runs)
			t.Errorf("%s was not found in %d schedules", m, f.mu.runs)
			continue
		}
		seed := slices.Min(f.mu.failed)
		r := Run(Generate(seed, f.operator, f.model, f.profile), nil)
		fmt.Fprintf(&table, "%-26s %-9s %-8s %6d  %s: %.100s\n", m, f.operator, f.profile, seed, r.Failure.Check, r.Failure.What)
	}
	t.Log("\n" + table.String())
}
