package history

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events that concern a history.
func Events() core.EventKinds { return events }

// EventAbandoned says that an entry in the log was marked, because its client has left.
var EventAbandoned = events.Debug("write_abandoned", "the client of the write at position `count` of the log has left")

// EventDiffers says that a member's log has other content than its primary wrote.
var EventDiffers = events.Warn("content_differs", "`peer` has other entries at position `count` than its primary. The round that follows gives it the data anew", core.OfPeer)
