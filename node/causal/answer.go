package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnDigestRequest answers with what is held here, in any view and in none, and waits for no
// other node. This node keeps no state of the exchange (docs/causal.md §6.1, rule 8). K is
// noted in this step, before any item is read: items that are read later say at least as
// much as that K, or the exchange begins again (I15).
func (r *Replica) OnDigestRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.DigestRequest) {
	if !r.guard.Credible(h.From, m) {
		return
	}
	r.raiseGCCounter(m.Collecting)
	r.hearForgotten(h.From, m.Forgotten)
	list := slots.Valid(r.slots.Space(), m.Slots)
	if !m.Survey && len(list) > 0 {
		r.requesters.NoteRequest(h, r.step.Now())
	}
	reply := &wire.Digest{
		Session: m.Session, View: r.view.ID(), Layout: r.view.Layout(), Revision: r.slots.Revision(), Frozen: r.view.Closed(),
		Descends: r.view.Descends(h.View),
		Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Ended: r.boots.List(), GCCounter: r.collector.Counter, Former: r.peers.FormerFor(h.View),
		Heard: r.heardAt(h.View), Acked: r.requesters.AckedAt(h.View, r.slots.Revision()), Requesting: r.requesters.Asking(h.View, r.step.Now()),
		Held: r.slots.Holdings(list, h.View == r.view.ID()), Forgotten: r.boots.ForgottenList(),
	}
	if !m.Survey && len(reply.Held.Held) > 0 {
		reply.Groups = r.slots.Differing(list, m.Sums)
	}
	// Sums may count items, and K and the GC counter may rest on writes, that are not durable yet.
	r.step.Commit()
	r.step.Respond(h.From, replyTo, reply)
}

// heardAt are the positions of all slots that this node knows of, for a requester in another
// view. A requester in this view learns them with the slots that it requests.
func (r *Replica) heardAt(view ids.View) wire.Vector {
	if !r.view.None() && view == r.view.ID() {
		return nil
	}
	return r.slots.Heard()
}

// unsynced reports that data may still be on its way here, or may come from a former member
// (docs/causal.md §7.6, rule 3). Surveys and inquiries do not count such a node's answer.
func (r *Replica) unsynced() bool {
	return r.view.None() || !r.synced || r.slots.Unready() > 0 || r.peers.HasFormer()
}

// maxWants bounds the reads of slots that are under way. Each peer has one question open, so
// a FetchItems beyond the bound is dropped, and its requester repeats it (docs/causal.md
// §12, rule 6).
const maxWants = 256

// OnFetchItems answers with a piece of the items of some slots, after a place. The answer
// says when an item was last removed from the slots that are not complete yet. If that is
// after the requester's Digest, these items belong to a later K than that of the Digest
// (docs/causal.md §6.3, rule 3).
func (r *Replica) OnFetchItems(h wire.Header, replyTo ids.ReplyTo, m *wire.FetchItems) {
	r.requesters.NoteRequest(h, r.step.Now())
	list := slots.Valid(r.slots.Space(), m.Slots)
	if r.items.Pieces() >= maxWants {
		return
	}
	r.items.ReadSlots(list, m.After, func(in *core.SlotsRead) {
		first, last := r.slotsIn(m.After, in)
		r.step.Respond(h.From, replyTo, &wire.Items{
			Session: m.Session, RemovedAt: r.slots.LastRemoval(list, first), After: m.After,
			GCCounters: r.slots.GCCounters(list, first, last), Items: r.items.Newest(in.Items), Last: in.Last,
		})
	})
}

// slotsIn are the first and the last slot that a piece of items touches, when the piece
// begins after a place. The last slot may be incomplete.
func (r *Replica) slotsIn(after wire.SlotCursor, in *core.SlotsRead) (first, last hashing.Slot) {
	last = hashing.Slot(r.slots.Len() - 1)
	if after.Begun {
		first = r.slots.Space().Slot(after.Hash)
	}
	if n := len(in.Items); !in.Last && n > 0 {
		last = r.slots.Space().Slot(hashing.Hash(in.Items[n-1].Key))
	}
	return first, last
}
