package sim

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// causalTransitions are the edges of docs/causal.md that a run of many schedules must
// have taken, section by section.
var causalTransitions = []string{
	// Reads, writes, lists (docs/causal.md §3).
	"event: causal_waits", "session: read", "session: answered", "session: listed", "session: left", "session: turned away", "session: forged",

	// Broadcast (docs/causal.md §4).
	"message: Batch", "message: BatchAck", "message: ResendRequest", "message: Truncated",
	"event: causal_gap", "event: causal_resent", "event: causal_truncated", "event: causal_aside_full",

	// Exchange (docs/causal.md §6).
	"exchange: all is equal", "exchange: slots differ", "exchange: with a descendant view",
	"exchange: about no slots", "exchange: with a node outside its view", "exchange: with a node that is not synced", "exchange: tells of former members", "exchange: tells of ended boots",
	"exchange: a piece, and more to come", "exchange: GC counters come with items", "event: causal_item_absent", "event: causal_apart", "event: causal_peer_back",

	// Views (docs/causal.md §7).
	"adopt: the first of a boot", "adopt: all stays ready", "adopt: has to ask", "adopt: keeps slots for others", "adopt: from outside", "adopt: told to be outside",
	"message: Handoff", "message: HandoffAck", "event: causal_ready", "event: causal_ready_unproven", "event: causal_synced", "event: causal_slots_released", "event: causal_former_drained",
	"key request: served", "key request: allowed", "key request: not ready there", "key request: not held there",

	// Forwarding (docs/causal.md §8).
	"forward: done", "forward: done, nothing there", "forward: late", "forward: to another owner", "forward: waiting", "message: CausalForwardCancel", "event: causal_forward_late", "event: causal_forward_repeated", "event: causal_forward_in_doubt", "session: in doubt",

	// Surveys, stable cuts, tombstones (docs/causal.md §9).
	"survey: of slots", "survey: of the stable cut", "stable cut: published", "stable cut: common", "stable cut: referenced by a context",
	"event: causal_collected", "truth: tombstone dropped", "truth: stable cut published",

	// What is lost (docs/causal.md §10).
	"view info: views", "view info: boot", "event: causal_boot_ended", "truth: write lost with its last holder", "truth: a lost write in a context",
}

// causalTransitionsOf are those that only some operators bring about.
var causalTransitionsOf = [operators][]string{
	Splitting:   {"operator: group split", "operator: groups joined", "truth: collected while somebody unknown had less"},
	Adversarial: {"truth: collected while somebody unknown had less"},
}

// message counts a message, and what it stands for if it concerns causal buckets.
func (c Counts) message(m wire.Message) {
	c.add("message", kindNames[m.Kind()])
	switch m := m.(type) {
	case *wire.DigestRequest:
		c.digestRequest(m)
	case *wire.Digest:
		c.digest(m)
	case *wire.Items:
		c.addIf(!m.Last, "exchange", "a piece, and more to come")
		c.addIf(len(m.GCCounters) > 0, "exchange", "GC counters come with items")
	case *wire.KeyReply:
		c.add("key request", keyReplyName(m))
	case *wire.CausalForwardReply:
		c.add("forward", forwardFateName(m))
	case *wire.ViewInfoRequest:
		c.addIf(len(m.Views) > 0, "view info", "views")
		c.addIf(len(m.Views) == 0, "view info", "boot")
	case *wire.ViewInfo:
		for i := range m.Views {
			c.addIf(m.Views[i].HasStableCut, "stable cut", "published")
			c.addIf(m.Views[i].Common, "stable cut", "common")
		}
	}
}

func (c Counts) addIf(holds bool, group, what string) {
	if holds {
		c.add(group, what)
	}
}

func (c Counts) digestRequest(m *wire.DigestRequest) {
	c.addIf(!m.Survey && len(m.Slots) == 0, "exchange", "about no slots")
	c.addIf(m.Survey && len(m.Slots) > 0, "survey", "of slots")
	c.addIf(m.Survey && len(m.Slots) == 0, "survey", "of the stable cut")
}

func (c Counts) digest(m *wire.Digest) {
	const group = "exchange"
	c.addIf(len(m.Groups) == 0, group, "all is equal")
	c.addIf(len(m.Groups) > 0, group, "slots differ")
	c.addIf(m.Descends, group, "with a descendant view")
	c.addIf(m.Frozen, group, "with a node outside its view")
	c.addIf(m.Unsynced, group, "with a node that is not synced")
	c.addIf(len(m.Former) > 0, group, "tells of former members")
	c.addIf(len(m.Ended) > 0, group, "tells of ended boots")
}

func keyReplyName(m *wire.KeyReply) string {
	switch {
	case !m.Held:
		return "not held there"
	case !m.Ready:
		return "not ready there"
	case m.Present:
		return "served"
	default:
		return "allowed"
	}
}

func forwardFateName(m *wire.CausalForwardReply) string {
	switch {
	case m.Fate == wire.ForwardLate:
		return "late"
	case m.Fate == wire.ForwardElsewhere:
		return "to another owner"
	case m.Fate == wire.ForwardWaiting:
		return "waiting"
	case m.Fate == wire.ForwardImplausible:
		return "implausible"
	case m.Present:
		return "done"
	default:
		return "done, nothing there"
	}
}

// adopted counts in which way a node has come to another view, if it has.
func (c Counts) adopted(before, after *core.NodeStatus) {
	if !after.Present || before.Present && before.View.ID == after.View.ID {
		return
	}
	const group = "adopt"
	c.addIf(!before.Present, group, "the first of a boot")
	c.addIf(before.Member && !after.Member, group, "told to be outside")
	c.addIf(before.Present && !before.Member && after.Member, group, "from outside")
	c.addIf(before.Present && after.CausalReady, group, "all stays ready")
	c.addIf(after.Causal && !after.CausalReady, group, "has to ask")
	c.addIf(after.Other > 0, group, "keeps slots for others")
}
