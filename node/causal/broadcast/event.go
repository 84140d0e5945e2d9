package broadcast

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of streams.
var (
	EventGap       = events.Debug("causal_gap", "`count` writes of `peer` are missing, and are requested", core.OfPeer)
	EventResent    = events.Debug("causal_resent", "writes were sent to `peer` again", core.OfPeer)
	EventTruncated = events.Debug("causal_truncated", "missing writes have left `peer`'s window; an exchange brings them", core.OfPeer)
	EventAsideFull = events.Debug("causal_aside_full", "too much waits for slots to become ready; batches of `peer` are refused meanwhile", core.OfPeer)
)
