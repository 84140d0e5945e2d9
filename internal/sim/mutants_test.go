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

// mutantBound is the number of schedules within which a deliberate bug must be found.
const mutantBound = 8000

// operatorFor names the operator whose schedules find a mutant, where schedules of a sane
// operator find it late or never. COHORT_SIM_OPERATOR overrules it.
var operatorFor = map[mutant.Mutant]schedule.Operator{
	mutant.FollowByNumber: schedule.Adversarial, mutant.AlwaysNewView: schedule.Adversarial, mutant.AnswerBeforeReady: schedule.Adversarial,
	mutant.MergeHigherWins: schedule.Splitting, mutant.MergeOwnWins: schedule.Splitting, mutant.MergeUnion: schedule.Splitting, mutant.MergeIDsOneSide: schedule.Splitting,
	mutant.FollowForeign: schedule.Adversarial, mutant.PullWithoutPromise: schedule.Adversarial, mutant.ForgetOwed: schedule.Adversarial, mutant.TruncateAtOnce: schedule.Adversarial, mutant.NeverTruncate: schedule.Adversarial,
}

// profileFor names the profile whose schedules find a mutant, where the usual schedules
// find it late or never.
var profileFor = map[mutant.Mutant]schedule.Profile{
	// One node gives one counter of a key twice: its second boot does not know of the first
	// assignment, after a crash or after the node lost the slot. Each replica keeps the
	// version that arrived first. If keys are written dozens of times, equal counters are
	// rare.
	mutant.CausalPlainVersion: schedule.ReusedCounters,
	// A context has a stable-cut reference. A node of that view begins with nothing and is
	// cut off before it has all that the cut covers, so it serves what it has. A read
	// under the context must wait there, and the mutant answers it.
	mutant.CausalCutReferenceByView: schedule.CutReferences,
	// A node takes a write, is cut off, and loses the write in a crash: no K covers it. The
	// others collect a tombstone that wins over it. Then the node is a member again, and
	// the old batch arrives before its new boot has sent anything.
	mutant.CausalLateBatches: schedule.LateDelivery,
	// After a loss, a client sees versions that are older than those in its context. Some
	// replicas hold older ones still.
	mutant.CausalLostStaysInContext: schedule.DataLoss,
	// Only a node that sends garbled messages sends these values.
	mutant.UncheckedViewNumber: schedule.Garbled, mutant.UncheckedRound: schedule.Garbled, mutant.UncheckedStatus: schedule.Garbled, mutant.UncheckedContent: schedule.Garbled,
	// These need two processes with one id.
	mutant.FollowElsewhere: schedule.Twins, mutant.BothTwins: schedule.Twins,
	// Members hold a view in which another node was left behind, and the author of that
	// view loses its state. This happens where ids are given away.
	mutant.StayLeftBehind: schedule.Twins,
	// Crashes keep the disk.
	mutant.CausalForgetResults: schedule.RestartsWithDisk, mutant.CausalFoldUnready: schedule.RestartsWithDisk, mutant.CausalReadyEarly: schedule.RestartsWithDisk,
	mutant.CausalLiveBeyondGap: schedule.RestartsWithDisk, mutant.CausalForgetGCCounter: schedule.RestartsWithDisk, mutant.CausalForgetLeftBehind: schedule.RestartsWithDisk,
	// These bugs cost only time. A calm stretch shows them, because nothing else delays
	// requests.
	mutant.ForwardAtTick: schedule.CalmStretches, mutant.ConfirmAtTick: schedule.CalmStretches,
	mutant.CausalAcksIgnored: schedule.CalmStretches, mutant.CausalBatchAtNextWrite: schedule.CalmStretches,
}

// Two mutants are found by usual schedules only because package truth checks a precise
// moment:
//
//   - CausalOneCollectRound: a write is under way to a replica that already holds the
//     tombstone above it. All replicas hold the tombstone, so it is collected, and then the
//     write arrives. An exchange with a node whose K covers the write removes it within a
//     second. So only a check at the moment of the write finds the bug: a node must not
//     apply a write that loses to a collected tombstone in its K (truth: I19).
//   - CausalMissedWakeup: a read waits for a stream, and a broadcast closes the gap. The
//     next exchange wakes the read within a second. So a read at a node that has all it
//     needs may wait for less than that.

// finder returns the operator, the model and the profile that a mutant is run under.
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

// mutantSet reads the deliberate bug from the environment. The default is None.
func mutantSet(t *testing.T) mutant.Mutant {
	text := os.Getenv("COHORT_SIM_MUTANT")
	m, ok := mutant.Named(text)
	if text != "" && !ok {
		t.Fatalf("COHORT_SIM_MUTANT=%q is none of %v", text, mutant.All())
	}
	return m
}

// plant selects the deliberate bug that COHORT_SIM_MUTANT names. Only a build of
// internal/cmd/mutants has deliberate bugs.
func plant(t *testing.T) {
	m := mutantSet(t)
	if m != mutant.None && !mutant.Built {
		t.Fatalf("%s is not in this build: use go run ./internal/cmd/mutants in the place of go", m)
	}
	mutant.Choose(m)
	t.Cleanup(func() { mutant.Choose(mutant.None) })
}

// TestMutants plants one deliberate bug after the other, and counts the schedules from
// COHORT_SIM_SEED on until a check finds it. COHORT_SIM_MUTANT selects one bug,
// COHORT_SIM_MODEL those of one model. A bug is selected for the whole process, so the test
// runs alone.
func TestMutants(t *testing.T) {
	if !mutant.Built {
		t.Skip("the deliberate bugs are not in this build: make mutants")
	}
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
