// Package mutant names the deliberate bugs that the simulator must find (docs/testing.md
// §5).
//
// The source of the protocols has no trace of them. Each is a patch in the folder patches,
// named after it, and package patch plants all of them into copies of the source (decision
// 32). There On returns true for the one mutant that Choose selected. The selection holds
// for the whole process, so it must be made before any run starts.
//
// A mutant that no schedule finds shows a hole in the checks or in the schedules.
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
	AckOfOtherIncarnation            // an acknowledgement counts from any incarnation of the member (I3)
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
	SendViewToDropped                // a view is sent to the nodes that it drops, too (I23)
	FollowByNumber                   // a view is followed because its number is larger
	AlwaysNewView                    // every PUT makes a new view
	SameListUnasked                  // a PUT of the list that this node holds is answered without a query to its members
	AnswerBeforeReady                // PUT /view is answered before the node is ready
	FollowOwnPutOnly                 // a member follows only a list that was put to itself
	KeepOldAddress                   // a peer that moved is dialled where it was
	MergeHigherWins                  // of diverged histories the one with the higher ballot is kept whole (I8)
	MergeOwnWins                     // of diverged histories the primary's own is kept whole (I8)
	MergeUnion                       // per key, a value that any side holds stays
	MergeIDsOneSide                  // one side's request ids are forgotten in a merge (I11)
	PullWithoutPromise               // a node that is pulled from goes on in its view (I22)
	ForgetOwed                       // a view starts without what its author heard of (I24)
	TruncateAtOnce                   // an abandoned write leaves the log at once, its index is used again
	NeverTruncate                    // an abandoned write stays in the log
	TruncateAfterRestart             // a primary that restarted truncates what it may have committed
	SilentNotReported                // a node that waits for silent members reports that it waits for none
	FollowForeign                    // a view takes in nodes of another cluster that were not told its list
	UncheckedViewNumber              // any view number from a peer is accepted
	UncheckedRound                   // any round number from a peer is accepted
	UncheckedStatus                  // an answer may have a status that does not fit its write
	UncheckedContent                 // checksums of logs are not compared
	FollowElsewhere                  // a process follows a view that gives its id to another address
	BothTwins                        // two processes with one id both count as the member
	StayLeftBehind                   // a node stays left behind when its list is put again
	ForwardAtTick                    // a backup sends its clients' writes at its next tick
	EmptyKeepsIncarnation            // a node that starts without its state keeps its incarnation (I9)
	ConfirmAtTick                    // a read that arrives during a round of confirmations begins the next one at a tick
	RecoverUncommitted               // a node that restarts applies an entry more than it knows to be committed (I4)

	CausalPruneStable         // positions that all members have are dropped from contexts
	CausalNoCeil              // folding forgets the counters
	CausalEarlyKnowledge      // K grows before the items are here (I15)
	CausalExchangeInViewOnly  // no exchange but within one view (I18)
	CausalPlainVersion        // versions are (counter, node), without the dot (I16)
	CausalNoFormerMembers     // former members are not asked for their data
	CausalNoGCCounter         // collected tombstones leave no GC counter
	CausalGCCounterUnsent     // GC counters are not sent to later owners of the slot
	CausalOneCollectRound     // a tombstone is collected after one round: when all have it
	CausalLateBatches         // batches of other views count, and are applied to slots that are not ready
	CausalCutReferenceByView  // a node that holds a view treats the view's stable cut as satisfied
	CausalHigherWinsTie       // on equal counters the higher node id wins
	CausalCounterByDependency // any dependency raises the counter of a write
	CausalNotTransitive       // a reader does not take in what the item depends on
	CausalDropSlotEarly       // a node drops a slot that it no longer owns when one owner has it (I25)
	CausalAnswerUnready       // a new owner answers 404 before it has asked
	CausalWriteUnready        // a new owner takes a write before its slot has come
	CausalReadyByOne          // a slot is ready when one peer was asked
	CausalReadyAfterJoin      // ready slots stay ready in a view that joins groups
	CausalWriteAfterLoss      // an owner that lost a slot goes on to take its writes
	CausalNoExchangeRetry     // an exchange that got no answer is not repeated
	CausalReuseDots           // a boot that starts with nothing continues the stream of the boot before (I16)
	CausalLocalWins           // of two versions with equal counters the local one stays
	CausalMissedWakeup        // a broadcast does not wake requests that wait for a slot's K
	CausalForwardTwice        // an owner applies a repeated write again
	CausalForwardFinished     // an owner applies a forwarded write that its forwarder has finished with
	CausalForwardAnyBoot      // an owner applies a forwarded write that was sent to an earlier boot of it
	CausalForwardEnded        // writes of forwarders that have ended are forgotten, and not refused
	CausalForgetWithoutRoom   // without room, results of forwarded writes are forgotten, and the writes not refused
	CausalLowestOpenIsNext    // a forwarder says that none of its writes is open
	CausalReadWithoutWait     // a read waits for nothing (I14)
	CausalStaleItems          // items count for the K sent with them although some were removed since
	CausalLostStaysInContext  // a context keeps lost versions and not those read in their place (I14)
	CausalForgetForwarded     // results of forwarded writes are forgotten while the writes are open
	CausalForgedContexts      // contexts are not checked for plausibility
	CausalAcksIgnored         // a write waits for its whole time, though all other replicas have acknowledged it
	CausalForgetResults       // a node that restarts with its disk does not know the results of forwarded writes
	CausalFoldUnready         // after a restart, positions of tracks go into K of slots that were not ready, too (I15)
	CausalForgetGCCounter     // a node that restarts with its disk does not know its GC counter
	CausalForgetLeftBehind    // a node that restarts with its disk does not know that it was left behind
	CausalReadyEarly          // a slot is durably ready before the items that were kept aside are merged (I15)
	CausalLiveBeyondGap       // positions of tracks are persisted beyond the first gap (I15)
	CausalBatchAtNextWrite    // writes that come while a batch is under way are sent when another write comes
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
	SendViewToDropped:         "SendViewToDropped",
	FollowByNumber:            "FollowByNumber",
	AlwaysNewView:             "AlwaysNewView",
	SameListUnasked:           "SameListUnasked",
	AnswerBeforeReady:         "AnswerBeforeReady",
	FollowOwnPutOnly:          "FollowOwnPutOnly",
	KeepOldAddress:            "KeepOldAddress",
	MergeHigherWins:           "MergeHigherWins",
	MergeOwnWins:              "MergeOwnWins",
	MergeUnion:                "MergeUnion",
	MergeIDsOneSide:           "MergeIDsOneSide",
	PullWithoutPromise:        "PullWithoutPromise",
	ForgetOwed:                "ForgetOwed",
	TruncateAtOnce:            "TruncateAtOnce",
	NeverTruncate:             "NeverTruncate",
	TruncateAfterRestart:      "TruncateAfterRestart",
	SilentNotReported:         "SilentNotReported",
	FollowForeign:             "FollowForeign",
	UncheckedViewNumber:       "UncheckedViewNumber",
	UncheckedRound:            "UncheckedRound",
	UncheckedStatus:           "UncheckedStatus",
	UncheckedContent:          "UncheckedContent",
	FollowElsewhere:           "FollowElsewhere",
	BothTwins:                 "BothTwins",
	StayLeftBehind:            "StayLeftBehind",
	ForwardAtTick:             "ForwardAtTick",
	EmptyKeepsIncarnation:     "EmptyKeepsIncarnation",
	ConfirmAtTick:             "ConfirmAtTick",
	RecoverUncommitted:        "RecoverUncommitted",

	CausalPruneStable:         "CausalPruneStable",
	CausalNoCeil:              "CausalNoCeil",
	CausalEarlyKnowledge:      "CausalEarlyKnowledge",
	CausalExchangeInViewOnly:  "CausalExchangeInViewOnly",
	CausalPlainVersion:        "CausalPlainVersion",
	CausalNoFormerMembers:     "CausalNoFormerMembers",
	CausalNoGCCounter:         "CausalNoGCCounter",
	CausalGCCounterUnsent:     "CausalGCCounterUnsent",
	CausalOneCollectRound:     "CausalOneCollectRound",
	CausalLateBatches:         "CausalLateBatches",
	CausalCutReferenceByView:  "CausalCutReferenceByView",
	CausalHigherWinsTie:       "CausalHigherWinsTie",
	CausalCounterByDependency: "CausalCounterByDependency",
	CausalNotTransitive:       "CausalNotTransitive",
	CausalDropSlotEarly:       "CausalDropSlotEarly",
	CausalAnswerUnready:       "CausalAnswerUnready",
	CausalWriteUnready:        "CausalWriteUnready",
	CausalReadyByOne:          "CausalReadyByOne",
	CausalReadyAfterJoin:      "CausalReadyAfterJoin",
	CausalWriteAfterLoss:      "CausalWriteAfterLoss",
	CausalNoExchangeRetry:     "CausalNoExchangeRetry",
	CausalReuseDots:           "CausalReuseDots",
	CausalLocalWins:           "CausalLocalWins",
	CausalMissedWakeup:        "CausalMissedWakeup",
	CausalForwardTwice:        "CausalForwardTwice",
	CausalForwardFinished:     "CausalForwardFinished",
	CausalForwardAnyBoot:      "CausalForwardAnyBoot",
	CausalForwardEnded:        "CausalForwardEnded",
	CausalForgetWithoutRoom:   "CausalForgetWithoutRoom",
	CausalLowestOpenIsNext:    "CausalLowestOpenIsNext",
	CausalReadWithoutWait:     "CausalReadWithoutWait",
	CausalStaleItems:          "CausalStaleItems",
	CausalLostStaysInContext:  "CausalLostStaysInContext",
	CausalForgetForwarded:     "CausalForgetForwarded",
	CausalForgedContexts:      "CausalForgedContexts",
	CausalAcksIgnored:         "CausalAcksIgnored",
	CausalForgetResults:       "CausalForgetResults",
	CausalFoldUnready:         "CausalFoldUnready",
	CausalForgetGCCounter:     "CausalForgetGCCounter",
	CausalForgetLeftBehind:    "CausalForgetLeftBehind",
	CausalReadyEarly:          "CausalReadyEarly",
	CausalLiveBeyondGap:       "CausalLiveBeyondGap",
	CausalBatchAtNextWrite:    "CausalBatchAtNextWrite",
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
