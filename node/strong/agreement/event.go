package agreement

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of ballots.
func Events() core.EventKinds { return events }

// The events say how a node comes into an active ballot.
var (
	EventRound    = events.Debug("round_begun", "the primary began a round")
	EventPulled   = events.Warn("history_pulled", "data was fetched from `peer`, which is outside the view", core.OfPeer)
	EventActive   = events.Info("ballot_active", "the primary's round is done: strong requests are answered. `count` is its duration in ns")
	EventSwapped  = events.Debug("base_swapped_in", "the staged base became the state")
	EventStranger = events.Warn("member_stranger", "`peer` came back without its state, or another process has its id", core.OfPeer)
)
