package strong

import "github.com/cohortkv/cohort/node/wire"

// The events of strong replication.
const (
	EventRound          wire.EventKind = "round_begun"
	EventDecided        wire.EventKind = "round_decided"
	EventStuck          wire.EventKind = "round_stuck"
	EventStagedDropped  wire.EventKind = "staged_base_dropped"
	EventForgotten      wire.EventKind = "history_forgotten"
	EventStagedEmpty    wire.EventKind = "base_empty"
	EventStagedDelta    wire.EventKind = "base_by_entries"
	EventStagedWhole    wire.EventKind = "base_whole"
	EventActive         wire.EventKind = "ballot_active"
	EventSwapped        wire.EventKind = "base_swapped_in"
	EventGateClosed     wire.EventKind = "gate_closed"
	EventResent         wire.EventKind = "prepare_resent"
	EventGap            wire.EventKind = "prepare_gap"
	EventDuplicate      wire.EventKind = "prepare_duplicate"
	EventMalformed      wire.EventKind = "message_malformed"
	EventStranger       wire.EventKind = "member_stranger"
	EventRetryAnswered  wire.EventKind = "retry_answered"
	EventRetryPending   wire.EventKind = "retry_pending"
	EventForwardRefused wire.EventKind = "forward_refused"
	EventForwardLate    wire.EventKind = "forward_late"
	EventExpired        wire.EventKind = "forward_expired"
)
