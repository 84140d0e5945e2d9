package syncing

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of Sync.
var (
	EventSynced        = events.Info("causal_synced", "everything that can be had was brought in, and handed off")
	EventFormerDrained = events.Info("causal_former_drained", "all data of `count` former members has come to its owners")
)
