package view

import "github.com/cohortkv/cohort/node/wire"

// The events of views.
const (
	EventMinted     wire.EventKind = "view_minted"
	EventReminted   wire.EventKind = "view_reminted"
	EventAdopted    wire.EventKind = "view_adopted"
	EventSame       wire.EventKind = "view_same"
	EventRefused    wire.EventKind = "view_refused"
	EventLeftBehind wire.EventKind = "left_behind"
)
