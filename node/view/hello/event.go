package hello

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of hellos.
func Events() core.EventKinds { return events }

// EventTwin says that two processes have one id.
var EventTwin = events.Warn("id_given_away", "another process has this node's id, or that of `peer`", core.OfPeer, core.OncePerMinute)
