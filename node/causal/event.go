package causal

import "github.com/cohortkv/cohort/node/core"

// The events of causal replication.
const (
	EventReady            core.EventKind = "causal_ready"             // all owned slots may be served
	EventReadyUnproven    core.EventKind = "causal_ready_unproven"    // slots are served although some nodes that may hold them could not be asked
	EventSynced           core.EventKind = "causal_synced"            // all that can be had was brought in and handed over
	EventBack             core.EventKind = "causal_peer_back"         // a member greets again, or for the first time
	EventGap              core.EventKind = "causal_gap"               // writes are missing, and asked for
	EventResent           core.EventKind = "causal_resent"            // writes were sent again
	EventTruncated        core.EventKind = "causal_truncated"         // missing writes are not in the window any more
	EventAsideFull        core.EventKind = "causal_aside_full"        // too much waits for slots to be ready
	EventApart            core.EventKind = "causal_apart"             // no exchange with another group
	EventItemAbsent       core.EventKind = "causal_item_absent"       // an item was dropped because it had been deleted elsewhere
	EventSlotsReleased    core.EventKind = "causal_slots_released"    // slots of other owners were dropped here: all owners have them
	EventFormerDrained    core.EventKind = "causal_former_drained"    // all that former members had has come to its owners
	EventWaits            core.EventKind = "causal_waits"             // a request waits
	EventForwardInDoubt   core.EventKind = "causal_forward_in_doubt"  // a forwarded write is given up: an owner may have applied it
	EventForwardLate      core.EventKind = "causal_forward_late"      // a forwarded write that may be old is refused
	EventForwardRepeated  core.EventKind = "causal_forward_repeated"  // a forwarded write was applied before
	EventForwardForgotten core.EventKind = "causal_forward_forgotten" // no room to remember a forwarded write: copies of it are refused
	EventCollected        core.EventKind = "causal_collected"         // tombstones were collected
	EventStableCut        core.EventKind = "causal_stable_cut"        // a stable cut was published
	EventBootEnded        core.EventKind = "causal_boot_ended"        // writes of an ended boot that no node has are lost
	EventForgotten        core.EventKind = "causal_node_forgotten"    // writes that only this node had are lost; Count: versions that requests waited for
	EventConflict         core.EventKind = "causal_two_contents"      // one version has two contents; all replicas take the same one
	EventMalformed        core.EventKind = "message_malformed"        // a peer's message breaks a rule: nothing of it was looked at
	EventIncredible       core.EventKind = "causal_incredible"        // a message with a counter that leaves no room is dropped
)
