package put

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of PUTs.
func Events() core.EventKinds { return events }

// The events say what a PUT has made and found out. A refusal at a member also emits
// EventForeign.
var (
	EventCreated = events.Debug("view_created", "this node made a view after it had heard `count` members")
	EventSame    = events.Debug("view_same", "a PUT found its list in force already")
	EventLoss    = events.Warn("data_lost", "a view was made whose members have none of the data that was held in view `count` (0: a node was started with `--expect-data`)")
	EventUnheard = events.Warn("member_unheard", "a PUT of a view ended, and `peer` had said nothing; `why` is explained in §3", core.OfPeer, core.WithCause, core.OncePerMinute)
	EventForeign = events.Warn("other_cluster", "a node of another cluster is at the address of `peer`; it was not taken in", core.OfPeer, core.OncePerMinute)
)
