package causal

import "github.com/cohortkv/cohort/node/wire"

// The events of causal replication.
const (
	EventReady        wire.EventKind = "causal_ready"          // all owned slots may be served
	EventUnproven     wire.EventKind = "causal_unproven"       // slots are served though not all could be asked
	EventSettled      wire.EventKind = "causal_settled"        // all that can be had was brought in and handed over
	EventBack         wire.EventKind = "causal_peer_back"      // a member greets again, or for the first time
	EventGap          wire.EventKind = "causal_gap"            // writes are missing, and asked for
	EventResent       wire.EventKind = "causal_resent"         // writes were sent again
	EventOutrun       wire.EventKind = "causal_outrun"         // what is missing is not in the window any more
	EventAsideFull    wire.EventKind = "causal_aside_full"     // too much waits for slots to be ready
	EventApart        wire.EventKind = "causal_apart"          // no exchange with another group
	EventAbsent       wire.EventKind = "causal_absent"         // an item was forgotten because it had been deleted elsewhere
	EventGaveUp       wire.EventKind = "causal_gave_up"        // lost slots, all owners have them
	EventEmptied      wire.EventKind = "causal_emptied"        // former members, all they had has come to its owners
	EventWaits        wire.EventKind = "causal_waits"          // a request waits
	EventCarryInDoubt wire.EventKind = "causal_carry_in_doubt" // a carried write is given up, and its client told that it may have been taken
	EventCarryLate    wire.EventKind = "causal_carry_late"     // a carried write that may be old is refused
	EventTakenBefore  wire.EventKind = "causal_taken_before"   // a carried write was taken before
	EventTakenLost    wire.EventKind = "causal_taken_lost"     // there is no room to remember a carried write: copies of it are refused
	EventCollected    wire.EventKind = "causal_collected"      // tombstones are gone
	EventFloor        wire.EventKind = "causal_floor"          // a floor was published
	EventEnded        wire.EventKind = "causal_stream_ended"   // a life's writes that nobody has are lost
	EventForgotten    wire.EventKind = "causal_node_forgotten" // what only the node had is lost; Count: versions that requests waited for
	EventConflict     wire.EventKind = "causal_two_contents"   // one version has two contents; all replicas take the same one
	EventMalformed    wire.EventKind = "message_malformed"     // a peer's message breaks a rule: nothing of it was looked at
	EventIncredible   wire.EventKind = "causal_incredible"     // a message with a counter that leaves no room is dropped
)
