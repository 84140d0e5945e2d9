package view

import "github.com/cohortkv/cohort/node/wire"

// The events of views.
const (
	EventCreated    wire.EventKind = "view_created"
	EventRenumbered wire.EventKind = "view_renumbered"
	EventAdopted    wire.EventKind = "view_adopted"
	EventSame       wire.EventKind = "view_same"
	EventRefused    wire.EventKind = "view_refused"
	EventLeftBehind wire.EventKind = "left_behind"
	EventLoss       wire.EventKind = "data_lost"      // the members of a new view have nothing of what was held in view Count
	EventUnheard    wire.EventKind = "member_unheard" // a PUT ends, and Peer has not said anything
	EventForeign    wire.EventKind = "other_cluster"  // Peer belongs to another one, and was not taken in
	EventTwin       wire.EventKind = "id_given_away"  // another process has this node's id, or that of Peer
	EventMalformed  wire.EventKind = "view_malformed"
	EventStranger   wire.EventKind = "view_from_stranger"
)
