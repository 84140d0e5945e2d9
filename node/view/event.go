package view

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of views.
func Events() core.EventKinds { return events }

var (
	EventCreated    = events.Debug("view_created", "this node made a view after it had heard `count` members")
	EventRenumbered = events.Debug("view_renumbered", "the list got a new id, above a view that stood against it")
	EventAdopted    = events.Info("view_adopted", "the node holds another view")
	EventSame       = events.Debug("view_same", "a PUT found its list in force already")
	EventRefused    = events.Debug("view_refused", "a view of `peer` was not followed", core.OfPeer)
	EventLeftBehind = events.Warn("left_behind", "members of this node's view went on without it", core.OfPeer)
	EventLoss       = events.Warn("data_lost", "a view was made whose members have none of the data that was held in view `count` (0: a node was started with `--expect-data`)")
	EventUnheard    = events.Warn("member_unheard", "a PUT of a view ended, and `peer` had said nothing; `why` is explained in §3", core.OfPeer, core.WithCause, core.OncePerMinute)
	EventForeign    = events.Warn("other_cluster", "a node of another cluster is at the address of `peer`; it was not taken in", core.OfPeer, core.OncePerMinute)
	EventTwin       = events.Warn("id_given_away", "another process has this node's id, or that of `peer`", core.OfPeer, core.OncePerMinute)
	EventMalformed  = events.Warn("view_malformed", "`peer` sent a view that no node can have made", core.OfPeer, core.OncePerView)
	EventStranger   = events.Warn("view_from_stranger", "`peer` brought a view that does not name it and that it did not make; it was refused", core.OfPeer, core.OncePerView)
)
