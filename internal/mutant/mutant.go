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
	SpreadToDropped                  // a view is spread to the nodes that it drops, too (I23)
	FollowByNumber                   // a view is followed because its number is larger
	AlwaysMint                       // every PUT makes a new view
	EqualIsNothing                   // the list that this node holds is taken for granted: nobody is asked
	AnswerBeforeReady                // PUT /view is answered before the node is ready
	OnlyWhoWasTold                   // a member follows only a list that was put to itself
	KeepOldAddress                   // a peer that moved is dialled where it was
	MergeHigherWins                  // where histories went apart the higher ballot is the truth (I8)
	MergeOwnWins                     // where histories went apart the primary's own is the truth (I8)
	MergeUnion                       // per key, whatever any side holds stays
	MergeIDsOneSide                  // one side's request ids are forgotten in a merge (I11)
	PullWithoutPromise               // a node that is pulled from goes on in its view (I22)
	ForgetOwed                       // a view starts without what its author heard of (I24)
	CutAtOnce                        // an abandoned write leaves the log at once, its index is used again
	NeverCut                         // an abandoned write stays in the log
	CutAfterRestart                  // a primary that restarted cuts what it may have committed
	SilentUntold                     // a node says that nobody is waited for while members are silent
	FollowForeign                    // the nodes of another cluster are taken in by a view that they were not told
	AnyViewNumber                    // a view's number may be whatever a peer says
	AnyRound                         // a round may be whatever a peer says
	AnyStatus                        // an answer may have a status that does not fit its write
	AnyContent                       // nobody looks whether logs have the same content

	CausalPruneStable         // what all members have is dropped from contexts
	CausalNoCeil              // folding forgets the counters
	CausalEarlyKnowledge      // K grows before the items are here (I15)
	CausalViewFence           // no exchange but within one view (I18)
	CausalPlainVersion        // versions are (counter, node), without the dot (I16)
	CausalNoFormerMembers     // who is not a member is not asked for what it has
	CausalNoFloorCounter      // collected tombstones leave no counter
	CausalGoneUntold          // and who may own their slots later is not told
	CausalOneRound            // a tombstone goes when all have it
	CausalLateBatches         // batches of other views count, and are applied to slots that are not ready
	CausalNameByView          // a name is taken for reached by whoever holds the view
	CausalHigherWinsTie       // on equal counters the higher node id wins
	CausalCounterByDependency // any dependency raises the counter of a write
	CausalNotTransitive       // a reader does not take in what the item depends on
	CausalGiveUpEarly         // a lost slot goes when one owner has it (I25)
	CausalAnswerUnready       // a new owner answers 404 before it has asked
	CausalWriteUnready        // a new owner takes a write before its slot has come
	CausalWriteAfterLoss      // an owner that lost a slot goes on to take its writes
	CausalStopAfterError      // an exchange that got no answer is not repeated
	CausalReuseDots           // a life that starts with nothing goes on under the old stream (I16)
	CausalLocalWins           // of two versions with equal counters the local one stays
	CausalMissedWakeup        // who waits for a slot's K is not woken by a broadcast
	CausalForwardTwice        // a repeated write is taken again
	CausalForwardForever      // a write is repeated for longer than its owners remember it
	CausalForwardLate         // a carried write is taken however old it is
	CausalReadBehind          // a read waits for nothing (I14)
	CausalStaleItems          // items count for the K that was told before some of them were taken away
	CausalLostStays           // a context goes on naming what is lost, and not what was read since (I14)
	CausalForgetTaken         // carried writes are forgotten as soon as they are over, whatever is under way
	CausalForgeries           // a context counts whatever it says
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
	SpreadToDropped:           "SpreadToDropped",
	FollowByNumber:            "FollowByNumber",
	AlwaysMint:                "AlwaysMint",
	EqualIsNothing:            "EqualIsNothing",
	AnswerBeforeReady:         "AnswerBeforeReady",
	OnlyWhoWasTold:            "OnlyWhoWasTold",
	KeepOldAddress:            "KeepOldAddress",
	MergeHigherWins:           "MergeHigherWins",
	MergeOwnWins:              "MergeOwnWins",
	MergeUnion:                "MergeUnion",
	MergeIDsOneSide:           "MergeIDsOneSide",
	PullWithoutPromise:        "PullWithoutPromise",
	ForgetOwed:                "ForgetOwed",
	CutAtOnce:                 "CutAtOnce",
	NeverCut:                  "NeverCut",
	CutAfterRestart:           "CutAfterRestart",
	SilentUntold:              "SilentUntold",
	FollowForeign:             "FollowForeign",
	AnyViewNumber:             "AnyViewNumber",
	AnyRound:                  "AnyRound",
	AnyStatus:                 "AnyStatus",
	AnyContent:                "AnyContent",

	CausalPruneStable:         "CausalPruneStable",
	CausalNoCeil:              "CausalNoCeil",
	CausalEarlyKnowledge:      "CausalEarlyKnowledge",
	CausalViewFence:           "CausalViewFence",
	CausalPlainVersion:        "CausalPlainVersion",
	CausalNoFormerMembers:     "CausalNoFormerMembers",
	CausalNoFloorCounter:      "CausalNoFloorCounter",
	CausalGoneUntold:          "CausalGoneUntold",
	CausalOneRound:            "CausalOneRound",
	CausalLateBatches:         "CausalLateBatches",
	CausalNameByView:          "CausalNameByView",
	CausalHigherWinsTie:       "CausalHigherWinsTie",
	CausalCounterByDependency: "CausalCounterByDependency",
	CausalNotTransitive:       "CausalNotTransitive",
	CausalGiveUpEarly:         "CausalGiveUpEarly",
	CausalAnswerUnready:       "CausalAnswerUnready",
	CausalWriteUnready:        "CausalWriteUnready",
	CausalWriteAfterLoss:      "CausalWriteAfterLoss",
	CausalStopAfterError:      "CausalStopAfterError",
	CausalReuseDots:           "CausalReuseDots",
	CausalLocalWins:           "CausalLocalWins",
	CausalMissedWakeup:        "CausalMissedWakeup",
	CausalForwardTwice:        "CausalForwardTwice",
	CausalForwardForever:      "CausalForwardForever",
	CausalForwardLate:         "CausalForwardLate",
	CausalReadBehind:          "CausalReadBehind",
	CausalStaleItems:          "CausalStaleItems",
	CausalLostStays:           "CausalLostStays",
	CausalForgetTaken:         "CausalForgetTaken",
	CausalForgeries:           "CausalForgeries",
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
