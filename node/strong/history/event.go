package history

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events that concern a history.
func Events() core.EventKinds { return events }

// EventAbandoned says that a write in the log is marked.
var EventAbandoned = events.Debug("write_abandoned", "the client of the write at position `count` of the log has left")

// EventDiffers says that a member's log has not the content that its primary gave it.
var EventDiffers = events.Warn("content_differs", "`peer` has other entries at position `count` than its primary. The round that follows gives it the data anew", core.OfPeer)
