package primary

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of a primary in its steady state.
func Events() core.EventKinds { return events }

// The events concern single writes and write batches.
var (
	EventGateClosed    = events.Debug("gate_closed", "the primary orders no writes while a member is silent; `strong_waits` follows")
	EventResent        = events.Debug("prepare_resent", "a batch of `count` entries was sent again to `peer`", core.OfPeer)
	EventRetryAnswered = events.Debug("retry_answered", "a repeated forwarded write of `peer` was answered from memory", core.OfPeer)
	EventRetryPending  = events.Debug("retry_pending", "a repeated forwarded write of `peer` is still in the log", core.OfPeer)
	EventExpired       = events.Debug("forward_expired", "a write of `peer` was dropped, because no node asks for it any more", core.OfPeer)
)
