package waits

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of waits.
func Events() core.EventKinds { return events }

// The events say that strong requests wait for a member, and that such a wait is over.
var (
	EventWaits = events.Warn("strong_waits", "strong requests have waited 2 s for `peer`; `why` is explained in §3", core.OfPeer, core.Duration, core.WithCause)
	EventOver  = events.Info("strong_wait_over", "that wait is over; `for` is how long it lasted", core.OfPeer, core.Duration)
)
