package sim

import "github.com/cohortkv/cohort/node/wire"

// causalTransitions are the edges of docs/causal.md that a run of many schedules must
// have taken, section by section.
var causalTransitions = []string{
	// Reads, writes, lists (§3).
	"event: causal_waits", "session: read", "session: answered", "session: listed", "session: left", "session: turned away", "session: forged",

	// Broadcast (§4).
	"message: Batch", "message: BatchAck", "message: Missing", "message: Outrun",
	"event: causal_gap", "event: causal_resent", "event: causal_outrun", "event: causal_aside_full",

	// Exchange (§6).
	"exchange: all is equal", "exchange: slots differ", "exchange: with an heir",
	"exchange: of who has taken alone", "exchange: with who is outside", "exchange: with who is unsettled", "exchange: tells of former members", "exchange: tells of lives that are over",
	"exchange: a piece, and more to come", "exchange: floor counters come with items", "event: causal_absent", "event: causal_apart", "event: causal_peer_back",

	// Views (§7).
	"adopt: the first of a life", "adopt: all stays ready", "adopt: has to ask", "adopt: keeps slots for others", "adopt: from outside", "adopt: told to be outside",
	"message: Offer", "message: Taken", "event: causal_ready", "event: causal_unproven", "event: causal_settled", "event: causal_gave_up", "event: causal_emptied",
	"ask: served", "ask: allowed", "ask: not ready there", "ask: not held there",

	// Forwarding (§8).
	"carry: done", "carry: done, nothing there", "carry: late", "carry: else", "carry: held", "message: CarryCancel", "event: causal_carry_late", "event: causal_taken_before", "event: causal_carry_in_doubt", "session: in doubt",

	// Surveys, floors, tombstones (§9).
	"survey: of slots", "survey: of who knows the floor", "floor: published", "floor: common", "floor: named in a context",
	"event: causal_collected", "truth: tombstone dropped", "truth: floor published",

	// What is lost (§10).
	"explain: views", "explain: which life", "event: causal_stream_ended", "truth: write lost with its last holder", "truth: a lost write in a context",
}

// causalTransitionsOf are those that only some operators bring about.
var causalTransitionsOf = [operators][]string{
	Splitting:   {"operator: group split", "operator: groups joined", "truth: collected while somebody unknown had less"},
	Adversarial: {"truth: collected while somebody unknown had less"},
}

// countMessage counts what a message of causal buckets stands for.
func (w *world) countMessage(m wire.Message) {
	switch m := m.(type) {
	case *wire.Open:
		w.countOpen(m)
	case *wire.Have:
		w.countHave(m)
	case *wire.Items:
		w.count(!m.Last, "exchange", "a piece, and more to come")
		w.count(len(m.Floors) > 0, "exchange", "floor counters come with items")
	case *wire.KeyAnswer:
		w.counts.add("ask", askName(m))
	case *wire.CarryAnswer:
		w.counts.add("carry", fateName(m))
	case *wire.Explain:
		w.count(len(m.Views) > 0, "explain", "views")
		w.count(len(m.Views) == 0, "explain", "which life")
	case *wire.Explained:
		for i := range m.Views {
			w.count(m.Views[i].HasFloor, "floor", "published")
			w.count(m.Views[i].Common, "floor", "common")
		}
	}
}

func (w *world) count(holds bool, group, what string) {
	if holds {
		w.counts.add(group, what)
	}
}

func (w *world) countOpen(m *wire.Open) {
	w.count(!m.Survey && len(m.Slots) == 0, "exchange", "of who has taken alone")
	w.count(m.Survey && len(m.Slots) > 0, "survey", "of slots")
	w.count(m.Survey && len(m.Slots) == 0, "survey", "of who knows the floor")
}

func (w *world) countHave(m *wire.Have) {
	const group = "exchange"
	w.count(len(m.Groups) == 0, group, "all is equal")
	w.count(len(m.Groups) > 0, group, "slots differ")
	w.count(m.Heir, group, "with an heir")
	w.count(m.Frozen, group, "with who is outside")
	w.count(m.Unsettled, group, "with who is unsettled")
	w.count(len(m.Former) > 0, group, "tells of former members")
	w.count(len(m.Over) > 0, group, "tells of lives that are over")
}

func askName(m *wire.KeyAnswer) string {
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

func fateName(m *wire.CarryAnswer) string {
	switch {
	case m.Fate == wire.CarryLate:
		return "late"
	case m.Fate == wire.CarryElse:
		return "else"
	case m.Fate == wire.CarryHeld:
		return "held"
	case m.Fate == wire.CarryImplausible:
		return "implausible"
	case m.Present:
		return "done"
	default:
		return "done, nothing there"
	}
}

// countAdopted counts in which way a node has come to another view, if it has.
func (w *world) countAdopted(before, after *wire.NodeStatus) {
	if !after.Present || before.Present && before.View.ID == after.View.ID {
		return
	}
	const group = "adopt"
	w.count(!before.Present, group, "the first of a life")
	w.count(before.Member && !after.Member, group, "told to be outside")
	w.count(before.Present && !before.Member && after.Member, group, "from outside")
	w.count(before.Present && after.CausalReady, group, "all stays ready")
	w.count(after.Causal && !after.CausalReady, group, "has to ask")
	w.count(after.Other > 0, group, "keeps slots for others")
}
