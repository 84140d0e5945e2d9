package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/requests"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/core"
)

var events core.EventKinds

// Events lists the kinds of events of causal buckets.
func Events() core.EventKinds {
	return slices.Concat(events, requests.Events(), plausible.Events(), loss.Events(), results.Events(), items.Events())
}

// The events of a Replica. Each is emitted where the state changes, so a quiet cluster emits
// none.
var (
	EventReady         = events.Info("causal_ready", "the node has all slots that it owns")
	EventReadyUnproven = events.Warn("causal_ready_unproven", "`count` slots are served, though not every node that may hold them could be asked")
	EventSynced        = events.Info("causal_synced", "everything that can be had was brought in, and handed off")
	EventBack          = events.Debug("causal_peer_back", "`peer` says hello for the first time, or again", core.OfPeer)
	EventGap           = events.Debug("causal_gap", "`count` writes of `peer` are missing, and are requested", core.OfPeer)
	EventResent        = events.Debug("causal_resent", "writes were sent to `peer` again", core.OfPeer)
	EventTruncated     = events.Debug("causal_truncated", "missing writes have left `peer`'s window; an exchange brings them", core.OfPeer)
	EventAsideFull     = events.Debug("causal_aside_full", "too much waits for slots to become ready; batches of `peer` are refused meanwhile", core.OfPeer)
	EventApart         = events.Info("causal_apart", "`peer` belongs to another group; nothing is exchanged with it", core.OfPeer, core.OncePerView)
	EventItemAbsent    = events.Debug("causal_item_absent", "an item was dropped because it had been deleted at `peer`", core.OfPeer)
	EventSlotsReleased = events.Info("causal_slots_released", "`count` slots went to their new owners, all of which have them")
	EventFormerDrained = events.Info("causal_former_drained", "all data of `count` former members has come to its owners")
	EventCollected     = events.Debug("causal_collected", "`count` tombstones were collected")
	EventStableCut     = events.Debug("causal_stable_cut", "a stable cut with `count` streams was published")
	EventForgotten     = events.Warn("causal_node_forgotten", "an operator forgot `peer`; `count` versions that requests waited for are lost", core.OfPeer)
)
