package machine

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/strong"
	"github.com/cohortkv/cohort/node/view"
)

// Events lists the event kinds of all cores.
func Events() core.EventKinds {
	return slices.Concat(core.Events(), view.Events(), strong.Events(), causal.Events())
}

// The events that the runtime does more with than to log and count them.
var (
	EventViewAdopted     = view.EventAdopted
	EventHistoriesMerged = strong.EventHistoriesMerged
)
