//go:build mutants

package sim

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/internal/sim/schedule"
)

// mutantBound is how many schedules may be needed to find a mutant.
const mutantBound = 8000

// operatorFor is the operator whose schedules find a mutant, if those of a sane operator
// find it not at all or late. COHORT_SIM_OPERATOR overrules it.
var operatorFor = map[mutant.Mutant]schedule.Operator{
	mutant.FollowByNumber: schedule.Adversarial, mutant.AlwaysNewView: schedule.Adversarial, mutant.AnswerBeforeReady: schedule.Adversarial,
	mutant.MergeHigherWins: schedule.Splitting, mutant.MergeOwnWins: schedule.Splitting, mutant.MergeUnion: schedule.Splitting, mutant.MergeIDsOneSide: schedule.Splitting,
	mutant.FollowForeign: schedule.Adversarial, mutant.PullWithoutPromise: schedule.Adversarial, mutant.ForgetOwed: schedule.Adversarial, mutant.TruncateAtOnce: schedule.Adversarial, mutant.NeverTruncate: schedule.Adversarial,
}

// profileFor is the profile whose schedules find a mutant, if the usual ones find it not
// at all or late.
var profileFor = map[mutant.Mutant]schedule.Profile{
	// One node gives one key the same counter twice: its second boot does not know of the
	// first time, after a crash or after it lost the slot. Each replica keeps the version
	// that it got first. If keys are written dozens of times, counters hardly ever meet.
	mutant.CausalPlainVersion: schedule.ReusedCounters,
	// A context has a stable-cut reference. A node of that view begins with nothing and is
	// cut off before it has all that the cut covers, so it serves what it has. A read
	// under the context must wait there, and the mutant answers it.
	mutant.CausalCutReferenceByView: schedule.CutReferences,
	// A node takes a write, is cut off, and loses the write in a crash: no K covers it. The
	// others collect a tombstone that wins over it. Then the node is a member again, and
	// the old batch arrives before its new boot has sent anything.
	mutant.CausalLateBatches: schedule.LateDelivery,
	// After a loss a client sees versions that are older than its context names, and some
	// replicas have even older ones.
	mutant.CausalLostStaysInContext: schedule.DataLoss,
	// Only a node that sends garbled messages says this.
	mutant.UncheckedViewNumber: schedule.Garbled, mutant.UncheckedRound: schedule.Garbled, mutant.UncheckedStatus: schedule.Garbled, mutant.UncheckedContent: schedule.Garbled,
	// These need two processes with one id.
	mutant.FollowElsewhere: schedule.Twins, mutant.BothTwins: schedule.Twins,
	// Members hold a view in which others left a node behind, and the node that made that
	// view loses its state: where ids are given away, that comes about.
	mutant.StayLeftBehind: schedule.Twins,
	// These cost time alone. Nothing else goes on in a calm stretch, so it is not hidden.
	mutant.ForwardAtTick: schedule.CalmStretches, mutant.ConfirmAtTick: schedule.CalmStretches,
	mutant.CausalAcksIgnored: schedule.CalmStretches, mutant.CausalBatchAtNextWrite: schedule.CalmStretches,
}

// Two that the usual schedules find by what the truth asks:
//
//   - CausalOneCollectRound: a write is on its way to a replica that already has the
//     tombstone over it. All replicas have the tombstone, so it is collected, and then the
//     write arrives. An exchange with a node whose K covers the write removes it again
//     within a second. So only a check at the moment itself finds it: a node must not
//     apply what a collected tombstone in its K won over (truth: I19).
//   - CausalMissedWakeup: a read waits for a stream, and a broadcast closes the gap. The
//     next exchange wakes it, within a second: so a read may wait for less than that
//     when its node has all that it needs.

// finder is the operator that a mutant is run under, whose clients there are, and the
// profile.
func finder(t *testing.T, m mutant.Mutant) (schedule.Operator, schedule.Model, schedule.Profile) {
	kind, model := operatorFor[m], schedule.Strong
	if strings.HasPrefix(m.String(), "Causal") {
		model = schedule.Causal
	}
	if os.Getenv("COHORT_SIM_OPERATOR") != "" {
		kind = operatorSet(t)
	}
	if os.Getenv("COHORT_SIM_MODEL") != "" {
		model = modelSet(t)
	}
	profile := profileFor[m]
	if os.Getenv("COHORT_SIM_PROFILE") != "" {
		profile = profileSet(t)
	}
	return kind, model, profile
}

// mutantSet is the deliberate bug in the environment: None, unless it says otherwise.
func mutantSet(t *testing.T) mutant.Mutant {
	text := os.Getenv("COHORT_SIM_MUTANT")
	m, ok := mutant.Named(text)
	if text != "" && !ok {
		t.Fatalf("COHORT_SIM_MUTANT=%q is none of %v", text, mutant.All())
	}
	return m
}

func init() {
	plant = func(t *testing.T) {
		mutant.Choose(mutantSet(t))
		t.Cleanup(func() { mutant.Choose(mutant.None) })
	}
}

// TestMutants plants one deliberate bug after the other and counts the schedules
// until a check finds it, from COHORT_SIM_SEED on. COHORT_SIM_MUTANT selects one,
// COHORT_SIM_MODEL those of a model. The selection is the process's, so nothing else runs meanwhile.
func TestMutants(t *testing.T) {
	defer mutant.Choose(mutant.None)
	chosen := mutant.All()
	if m := mutantSet(t); m != mutant.None {
		chosen = []mutant.Mutant{m}
	} else if os.Getenv("COHORT_SIM_MODEL") != "" {
		chosen = slices.DeleteFunc(chosen, func(m mutant.Mutant) bool {
			return strings.HasPrefix(m.String(), "Causal") != modelSet(t).Causal()
		})
	}
	bound := setting(t, "COHORT_SIM_SCHEDULES", mutantBound)
	var table strings.Builder
	fmt.Fprintf(&table, "%-26s %-11s %-15s %6s  %s\n", "mutant", "operator", "profile", "seeds", "found by")
	for _, m := range chosen {
		mutant.Choose(m)
		kind, model, profile := finder(t, m)
		f := fleet{operator: kind, model: model, profile: profile}
		f.next.Store(setting(t, "COHORT_SIM_SEED", 1))
		f.run(func(done uint64) bool { return done < bound && f.failures() == 0 })
		if len(f.mu.failed) == 0 {
			fmt.Fprintf(&table, "%-26s %-11s %-15s %6s  after %d\n", m, f.operator, f.profile, "none", f.mu.runs)
			t.Errorf("%s was not found in %d schedules", m, f.mu.runs)
			continue
		}
		seed := slices.Min(f.mu.failed)
		r := Run(schedule.Generate(seed, f.operator, f.model, f.profile), nil)
		fmt.Fprintf(&table, "%-26s %-11s %-15s %6d  %s: %.100s\n", m, f.operator, f.profile, seed, r.Failure.Check, r.Failure.What)
	}
	t.Log("\n" + table.String())
}
