package causal

import "github.com/cohortkv/cohort/node/wire"

// The events of causal replication.
const (
	EventReady            wire.EventKind = "causal_ready"             // all owned slots may be served
	EventReadyUnproven    wire.EventKind = "causal_ready_unproven"    // slots are served although some nodes that may hold them could not be asked
	EventSynced           wire.EventKind = "causal_synced"            // all that can be had was brought in and handed over
	EventBack             wire.EventKind = "causal_peer_back"         // a member greets again, or for the first time
	EventGap              wire.EventKind = "causal_gap"               // writes are missing, and asked for
	EventResent           wire.EventKind = "causal_resent"            // writes were sent again
	EventTruncated        wire.EventKind = "causal_truncated"         // missing writes are not in the window any more
	EventAsideFull        wire.EventKind = "causal_aside_full"        // too much waits for slots to be ready
	EventApart            wire.EventKind = "causal_apart"             // no exchange with another group
	EventItemAbsent       wire.EventKind = "causal_item_absent"       // an item was dropped because it had been deleted elsewhere
	EventSlotsReleased    wire.EventKind = "causal_slots_released"    // slots of other owners were dropped here: all owners have them
	EventFormerDrained    wire.EventKind = "causal_former_drained"    // all that former members had has come to its owners
	EventWaits            wire.EventKind = "causal_waits"             // a request waits
	EventForwardInDoubt   wire.EventKind = "causal_forward_in_doubt"  // a forwarded write is given up: an owner may have applied it
	EventForwardLate      wire.EventKind = "causal_forward_late"      // a forwarded write that may be old is refused
	EventForwardRepeated  wire.EventKind = "causal_forward_repeated"  // a forwarded write was applied before
	EventForwardForgotten wire.EventKind = "causal_forward_forgotten" // no room to remember a forwarded write: copies of it are refused
	EventCollected        wire.EventKind = "causal_collected"         // tombstones were collected
	EventStableCut        wire.EventKind = "causal_stable_cut"        // a stable cut was published
	EventBootEnded        wire.EventKind = "causal_boot_ended"        // writes of an ended boot that no node has are lost
	EventForgotten        wire.EventKind = "causal_node_forgotten"    // writes that only this node had are lost; Count: versions that requests waited for
	EventConflict         wire.EventKind = "causal_two_contents"      // one version has two contents; all replicas take the same one
	EventMalformed        wire.EventKind = "message_malformed"        // a peer's message breaks a rule: nothing of it was looked at
	EventIncredible       wire.EventKind = "causal_incredible"        // a message with a counter that leaves no room is dropped
)
