package view

import "github.com/cohortkv/cohort/node/core"

// The events of views.
const (
	EventCreated    core.EventKind = "view_created"
	EventRenumbered core.EventKind = "view_renumbered"
	EventAdopted    core.EventKind = "view_adopted"
	EventSame       core.EventKind = "view_same"
	EventRefused    core.EventKind = "view_refused"
	EventLeftBehind core.EventKind = "left_behind"
	EventLoss       core.EventKind = "data_lost"      // the members of a new view have nothing of what was held in view Count
	EventUnheard    core.EventKind = "member_unheard" // a PUT ends, and Peer has not said anything
	EventForeign    core.EventKind = "other_cluster"  // Peer belongs to another one, and was not taken in
	EventTwin       core.EventKind = "id_given_away"  // another process has this node's id, or that of Peer
	EventMalformed  core.EventKind = "view_malformed"
	EventStranger   core.EventKind = "view_from_stranger"
)
