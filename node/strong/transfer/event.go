package transfer

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of transfers.
func Events() core.EventKinds { return events }

// The events say how the base came to this node.
var (
	EventBaseEmpty       = events.Debug("base_empty", "this node got the base: it is empty")
	EventBaseDelta       = events.Debug("base_by_entries", "this node got the base as `count` entries on top of its state")
	EventBaseWhole       = events.Debug("base_whole", "this node got the base as a whole copy")
	EventBaseMerged      = events.Debug("base_merged", "this node got the base by merging histories")
	EventHistoriesMerged = events.Warn("histories_merged", "groups that had lived apart were joined; `count` keys had been written on both sides")
)
