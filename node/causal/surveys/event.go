package surveys

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of surveys.
var (
	EventCollected = events.Debug("causal_collected", "`count` tombstones were collected")
	EventStableCut = events.Debug("causal_stable_cut", "a stable cut with `count` streams was published")
)
