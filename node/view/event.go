package view

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/view/hello"
	"github.com/cohortkv/cohort/node/view/put"
)

var events core.EventKinds

// Events lists the events of views.
func Events() core.EventKinds {
	return slices.Concat(events, held.Events(), hello.Events(), put.Events())
}

// The events say which view the node holds, and how it stands there.
var (
	EventAdopted    = events.Info("view_adopted", "the node holds another view")
	EventRefused    = events.Debug("view_refused", "a view of `peer` was not followed", core.OfPeer)
	EventLeftBehind = events.Warn("left_behind", "members of this node's view went on without it", core.OfPeer)
)
