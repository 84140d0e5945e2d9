package tally

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// causalTransitions are the transitions of docs/causal.md that a run of many schedules must
// have taken, by section.
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
	"forward: done", "forward: done, nothing there", "forward: for another boot", "forward: finished", "forward: to another owner", "forward: waiting", "message: CausalForwardCancel", "event: causal_forward_finished", "event: causal_forward_forgotten", "event: causal_forward_repeated", "session: in doubt",

	// Surveys, stable cuts, tombstones (docs/causal.md §9).
	"survey: of slots", "survey: of the stable cut", "stable cut: published", "stable cut: common", "stable cut: referenced by a context",
	"event: causal_collected", "truth: tombstone dropped", "truth: stable cut published",

	// Requests that were checked against the bounds of a steady view.
	"promptness: causal read of what its node has", "promptness: causal read of what its node has yet to get", "promptness: causal read at another owner",
	"promptness: causal write", "promptness: causal write at another owner",

	// Data loss (docs/causal.md §10).
	"view info: views", "view info: boot", "event: causal_boot_ended", "truth: write lost with its last holder", "truth: a lost write in a context",
}

// causalTransitionsOf are the transitions that only some operators cause.
var causalTransitionsOf = [schedule.Operators][]string{
	schedule.Splitting:   {"operator: group split", "operator: groups joined", "truth: collected while somebody unknown had less"},
	schedule.Adversarial: {"truth: collected while somebody unknown had less"},
}

// Message counts a message by its kind. A message of causal buckets is also counted by its
// case.
func (c Counts) Message(m wire.Message) {
	c.Add("message", trace.KindName(m))
	switch m := m.(type) {
	case *wire.DigestRequest:
		c.digestRequest(m)
	case *wire.Digest:
		c.digest(m)
	case *wire.Items:
		c.AddIf(!m.Last, "exchange", "a piece, and more to come")
		c.AddIf(len(m.GCCounters) > 0, "exchange", "GC counters come with items")
	case *wire.KeyReply:
		c.Add("key request", keyReplyName(m))
	case *wire.CausalForwardReply:
		c.Add("forward", forwardFateName(m))
	case *wire.ViewInfoRequest:
		c.AddIf(len(m.Views) > 0, "view info", "views")
		c.AddIf(len(m.Views) == 0, "view info", "boot")
	case *wire.ViewInfo:
		for i := range m.Views {
			c.AddIf(m.Views[i].HasStableCut, "stable cut", "published")
			c.AddIf(m.Views[i].Common, "stable cut", "common")
		}
	}
}

// AddIf counts an event if holds is true.
func (c Counts) AddIf(holds bool, group, what string) {
	if holds {
		c.Add(group, what)
	}
}

func (c Counts) digestRequest(m *wire.DigestRequest) {
	c.AddIf(!m.Survey && len(m.Slots) == 0, "exchange", "about no slots")
	c.AddIf(m.Survey && len(m.Slots) > 0, "survey", "of slots")
	c.AddIf(m.Survey && len(m.Slots) == 0, "survey", "of the stable cut")
}

func (c Counts) digest(m *wire.Digest) {
	const group = "exchange"
	c.AddIf(len(m.Groups) == 0, group, "all is equal")
	c.AddIf(len(m.Groups) > 0, group, "slots differ")
	c.AddIf(m.Descends, group, "with a descendant view")
	c.AddIf(m.Frozen, group, "with a node outside its view")
	c.AddIf(m.Unsynced, group, "with a node that is not synced")
	c.AddIf(len(m.Former) > 0, group, "tells of former members")
	c.AddIf(len(m.Ended) > 0, group, "tells of ended boots")
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
	case m.Fate == wire.ForwardOtherBoot:
		return "for another boot"
	case m.Fate == wire.ForwardFinished:
		return "finished"
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

// Adopted counts how a node came to another view, if it did.
func (c Counts) Adopted(before, after *core.NodeStatus) {
	if !after.Present || before.Present && before.View.ID == after.View.ID {
		return
	}
	const group = "adopt"
	c.AddIf(!before.Present, group, "the first of a boot")
	c.AddIf(before.Member && !after.Member, group, "told to be outside")
	c.AddIf(before.Present && !before.Member && after.Member, group, "from outside")
	c.AddIf(before.Present && after.CausalReady, group, "all stays ready")
	c.AddIf(after.Causal && !after.CausalReady, group, "has to ask")
	c.AddIf(after.Other > 0, group, "keeps slots for others")
}
