package exchanges

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxWants bounds the reads of slots that are under way. Each peer has one question open, so
// a FetchItems beyond the bound is dropped, and its requester repeats it (docs/causal.md
// §12, rule 6).
const maxWants = 256

// Owner is the replica that answers.
type Owner interface {
	// Unsynced reports that data may still be on its way here.
	Unsynced() bool
	// HearForgotten takes in nodes that a member lists as forgotten.
	HearForgotten(from ids.Node, list []wire.Forgotten)
	// RaiseGCCounter raises the GC counter of this node.
	RaiseGCCounter(n uint64)
	// CutSum is the fingerprint of the view's stable cut.
	CutSum() uint64
}

// Responder answers the exchanges of other nodes. It keeps no state of them (docs/causal.md §6.1,
// rule 8).
type Responder struct {
	step      *step.Step
	view      *membership.View
	peers     *peers.List
	slots     *slots.Table
	items     *items.Items
	boots     *loss.Boots
	guard     *plausible.Guard
	handoffs  *handoff.Handoffs
	collector *gc.Collector
	host      Owner
}

// Responder returns what answers the exchanges of other nodes.
func (e *Exchanges) Responder(c *gc.Collector, o Owner) *Responder {
	return &Responder{
		step: e.step, view: e.view, peers: e.peers, slots: e.slots, items: e.items, boots: e.boots, guard: e.guard,
		handoffs: e.handoffs, collector: c, host: o,
	}
}

// OnDigestRequest answers with what is held here, in any view and in none, and waits for no
// other node. This node keeps no state of the exchange (docs/causal.md §6.1, rule 8). K is
// noted in this step, before any item is read: items that are read later say at least as
// much as that K, or the exchange begins again (I15).
func (a *Responder) OnDigestRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.DigestRequest) {
	if !a.guard.Credible(h.From, m) {
		return
	}
	a.host.RaiseGCCounter(m.Collecting)
	a.host.HearForgotten(h.From, m.Forgotten)
	list := slots.Valid(a.slots.Space(), m.Slots)
	if !m.Survey && len(list) > 0 {
		a.handoffs.Requesters.NoteRequest(h, a.step.Now())
	}
	reply := &wire.Digest{
		Session: m.Session, View: a.view.ID(), Layout: a.view.Layout(), Revision: a.slots.Revision(), Frozen: a.view.Closed(),
		Descends: a.view.Descends(h.View),
		Unsynced: a.host.Unsynced(), StableCut: a.host.CutSum(), Ended: a.boots.List(), GCCounter: a.collector.Counter, Former: a.peers.FormerFor(h.View),
		Heard: a.heardAt(h.View), Acked: a.handoffs.Requesters.AckedAt(h.View, a.slots.Revision()), Requesting: a.handoffs.Requesters.Asking(h.View, a.step.Now()),
		Held: a.slots.Holdings(list, h.View == a.view.ID()), Forgotten: a.boots.ForgottenList(),
	}
	if !m.Survey && len(reply.Held.Held) > 0 {
		reply.Groups = slots.Differing(a.slots, list, m.Sums)
	}
	// Sums may count items, and K and the GC counter may rest on writes, that are not durable yet.
	a.step.Commit()
	a.step.Respond(h.From, replyTo, reply)
}

// heardAt are the positions of all slots that this node knows of, for a requester in another
// view. A requester in this view learns them with the slots that it requests.
func (a *Responder) heardAt(view ids.View) wire.Vector {
	if !a.view.None() && view == a.view.ID() {
		return nil
	}
	return slots.Heard(a.slots)
}

// OnFetchItems answers with a piece of the items of some slots, after a place. The answer
// says when an item was last removed from the slots that are not complete yet. If that is
// after the requester's Digest, these items belong to a later K than that of the Digest
// (docs/causal.md §6.3, rule 3).
func (a *Responder) OnFetchItems(h wire.Header, replyTo ids.ReplyTo, m *wire.FetchItems) {
	a.handoffs.Requesters.NoteRequest(h, a.step.Now())
	list := slots.Valid(a.slots.Space(), m.Slots)
	if a.items.Pieces() >= maxWants {
		return
	}
	a.items.ReadSlots(list, m.After, func(in *core.SlotsRead) {
		first, last := a.slotsIn(m.After, in)
		a.step.Respond(h.From, replyTo, &wire.Items{
			Session: m.Session, RemovedAt: slots.LastRemoval(a.slots, list, first), After: m.After,
			GCCounters: slots.GCCounters(a.slots, list, first, last), Items: a.items.Newest(in.Items), Last: in.Last,
		})
	})
}

// slotsIn are the first and the last slot that a piece of items touches, when the piece
// begins after a place. The last slot may be incomplete.
func (a *Responder) slotsIn(after wire.SlotCursor, in *core.SlotsRead) (first, last hashing.Slot) {
	last = hashing.Slot(a.slots.Len() - 1)
	if after.Begun {
		first = a.slots.Space().Slot(after.Hash)
	}
	if n := len(in.Items); !in.Last && n > 0 {
		last = a.slots.Space().Slot(hashing.Hash(in.Items[n-1].Key))
	}
	return first, last
}
