// Package mutant names the deliberate bugs that the simulator must find.
//
// The cores plant each as `if mutant.On(mutant.X)`. In a normal build On is the
// constant false, inlined, so that the branch is not in the binary at all. Built
// with -tags mutants, On answers for the one mutant that Choose selected, for
// the whole process; choose before the runs start, not while they run.
//
// A mutant that no schedule finds is a hole in the checkers or the schedules,
// which is what the list is for.
package mutant

// Mutant is one deliberate bug.
type Mutant uint8

// The mutants. Each is a tempting simplification of a rule in docs/views.md or
// docs/strong.md.
const (
	None                      Mutant = iota
	ViewIDNumberOnly                 // view ids are compared by number, without author and boot
	RoundWithoutBoot                 // ballots are compared without the primary's boot
	AckWithoutPromise                // a member acknowledges below its promise (I2)
	AckOfOtherIncarnation            // an acknowledgement counts whoever sent it (I3)
	CommitWithoutOne                 // commits with one member missing (I4)
	JoinerNotAwaited                 // the old members commit before the joiner has the base (I5)
	BaseEntryByEntry                 // a base replaces the state piece by piece, not at once (I10)
	ServeBeforeBaseEverywhere        // the primary serves once it has the base itself (I5)
	ReadUncommitted                  // reads see entries that are not committed (I6)
	ReadByMajority                   // reads are confirmed by more than half of the members
	AckConfirmsRead                  // an acknowledgement of a write confirms an open read
	RetryByAppliedOnly               // retries are recognised by applied request ids only (I11)
	ResultWithoutPending             // results are decided without the entries before them
	AckBeforeDurable                 // a member acknowledges what is not durable yet (I4)
	EmptyRejoins                     // an emptied member follows its old view by itself (I9)
	count
)

var names = [count]string{
	None:                      "None",
	ViewIDNumberOnly:          "ViewIDNumberOnly",
	RoundWithoutBoot:          "RoundWithoutBoot",
	AckWithoutPromise:         "AckWithoutPromise",
	AckOfOtherIncarnation:     "AckOfOtherIncarnation",
	CommitWithoutOne:          "CommitWithoutOne",
	JoinerNotAwaited:          "JoinerNotAwaited",
	BaseEntryByEntry:          "BaseEntryByEntry",
	ServeBeforeBaseEverywhere: "ServeBeforeBaseEverywhere",
	ReadUncommitted:           "ReadUncommitted",
	ReadByMajority:            "ReadByMajority",
	AckConfirmsRead:           "AckConfirmsRead",
	RetryByAppliedOnly:        "RetryByAppliedOnly",
	ResultWithoutPending:      "ResultWithoutPending",
	AckBeforeDurable:          "AckBeforeDurable",
	EmptyRejoins:              "EmptyRejoins",
}

// String is the mutant's name.
func (m Mutant) String() string {
	if m >= count {
		return "Mutant?"
	}
	return names[m]
}

// All lists the mutants.
func All() []Mutant {
	all := make([]Mutant, 0, count-1)
	for m := None + 1; m < count; m++ {
		all = append(all, m)
	}
	return all
}

// Named finds a mutant by its name.
func Named(name string) (Mutant, bool) {
	for _, m := range All() {
		if names[m] == name {
			return m, true
		}
	}
	return None, false
}
