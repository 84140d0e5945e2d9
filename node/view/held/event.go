package held

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of the view that a node holds.
func Events() core.EventKinds { return events }

// The events say how the view changes, and which views are refused.
var (
	EventRenumbered = events.Debug("view_renumbered", "the list got a new id, above a view that stood against it")
	EventMalformed  = events.Warn("view_malformed", "`peer` sent a view that no node can have made", core.OfPeer, core.OncePerView)
	EventStranger   = events.Warn("view_from_stranger", "`peer` brought a view that does not name it and that it did not make; it was refused", core.OfPeer, core.OncePerView)
)
