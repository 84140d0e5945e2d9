package requests

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of requests.
var (
	EventForwardFinished = events.Debug("causal_forward_finished", "a late copy of a forwarded write was refused: its client waits no longer", core.OfPeer)
	EventForwardRepeated = events.Debug("causal_forward_repeated", "a forwarded write had been taken before, and was answered again", core.OfPeer)
	EventWaits           = events.Debug("causal_waits", "a request waits")
)
