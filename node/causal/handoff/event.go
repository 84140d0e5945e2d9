package handoff

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of hand-offs.
var (
	EventSlotsReleased = events.Info("causal_slots_released", "`count` slots went to their new owners, all of which have them")
)
