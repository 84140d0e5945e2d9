package forgetting

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of forgetting.
var (
	EventForgotten = events.Warn("causal_node_forgotten", "an operator forgot `peer`; `count` versions that requests waited for are lost", core.OfPeer)
)
