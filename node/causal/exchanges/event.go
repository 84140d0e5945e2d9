package exchanges

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// The events of exchanges.
var (
	EventApart      = events.Info("causal_apart", "`peer` belongs to another group; nothing is exchanged with it", core.OfPeer, core.OncePerView)
	EventItemAbsent = events.Debug("causal_item_absent", "an item was dropped because it had been deleted at `peer`", core.OfPeer)
)
