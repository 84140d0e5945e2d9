package ready

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of readiness.
var (
	EventReady         = events.Info("causal_ready", "the node has all slots that it owns")
	EventReadyUnproven = events.Warn("causal_ready_unproven", "`count` slots are served, though not every node that may hold them could be asked")
)
