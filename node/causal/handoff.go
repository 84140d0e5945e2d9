package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// This file joins the hand-off of slots (docs/causal.md §7.3) to the peers, the view and
// the outbox.

// offerTo begins the hand-off to a member of the slots that it owns and that hold something
// here. This node is not synced, and releases none of those slots, until the member has
// acknowledged them (I25; docs/causal.md §7.3).
func (r *Replica) offerTo(p *peers.Peer) {
	r.offers[p] = nil
	if !p.Member || r.view.None() || !r.view.Member() && r.hasAll(p) {
		return
	}
	r.offers[p] = handoff.Begin(r.slots, r.view.SlotsOf(p.ID), r.step.Now())
	if r.offers[p] != nil {
		_, next := r.offers[p].Due(r.step.Now())
		r.step.Alarm(next)
	}
}

// hasAll reports that a member had acknowledged everything that is held here before this node
// came to the view.
func (r *Replica) hasAll(p *peers.Peer) bool {
	return slices.ContainsFunc(r.requesters.AckedAt(r.view.ID(), r.slots.Revision()), func(o wire.NodeBoot) bool {
		return o.Node == p.ID && p.Is(o.Boot)
	})
}

// tickHandoffs sends Handoff again for each offer that is not acknowledged in time.
func (r *Replica) tickHandoffs() {
	for _, p := range r.peers.All() {
		if r.offers[p] == nil {
			continue
		}
		m, next := r.offers[p].Due(r.step.Now())
		if m != nil {
			r.step.SendDurable(p.ID, m)
		}
		r.step.Alarm(next)
	}
}

// OnHandoff begins an exchange with a node of the same view that holds slots which this node
// owns. It does not if an exchange that brings the offered revision is under way or over
// (docs/causal.md §7.3, rule 4). If one is over, its acknowledgement was lost and goes again.
func (r *Replica) OnHandoff(h wire.Header, m *wire.Handoff) {
	p := r.peers.Get(h.From)
	if r.view.None() || h.View != r.view.ID() {
		return // the holder sends again, and by then both nodes may be in one view
	}
	if p == nil {
		p = r.guest(h)
	}
	if p == nil {
		return
	}
	switch x := r.exchangeOf(p); {
	case x != nil && (x.Digest() == nil || x.Boot() == h.Boot && x.Digest().Revision >= m.Revision):
		// the exchange under way brings the revision
	case r.receipt(p).Has(h.Boot, m.Revision):
		r.step.SendDurable(p.ID, r.receipt(p).Ack()) // everything is here, and the acknowledgement was lost
	default:
		r.exchangeWith(p)
	}
}

// guest adds the sender of a Handoff as a guest; nil: it is none. A node that has turned up
// begins an inquiry.
func (r *Replica) guest(h wire.Header) *peers.Peer {
	p := r.peers.Guest(h)
	if p != nil {
		r.boots.Readmit(p.ID)
		r.boots.Restart()
		r.peers.Reach()
	}
	return p
}

// receipt is what this node has acknowledged of a peer's data, in this view.
func (r *Replica) receipt(p *peers.Peer) *handoff.Receipt {
	if r.receipts[p] == nil {
		r.receipts[p] = &handoff.Receipt{}
	}
	return r.receipts[p]
}

// ackHandoff acknowledges a peer's data after an exchange: of the slots that this node owns,
// everything that the peer had at the digest's revision is here, durably. A peer that has
// not come to this view yet would not count the acknowledgement, so the acknowledgement is deferred.
func (r *Replica) ackHandoff(x *exchange) {
	switch {
	case x.Digest() == nil:
		return
	case x.Brief():
		if !slices.Contains(x.Digest().Acked, wire.NodeBoot{Node: r.cfg.Self, Boot: r.cfg.Boot}) {
			r.step.SendDurable(x.peer.ID, r.receipt(x.peer).Ack()) // the acknowledgement was lost
		}
		return
	}
	taken := handoff.Taken(r.slots, x.Slots(), &x.Digest().Held)
	if len(taken) == 0 && !x.peer.Former {
		return
	}
	ack := &wire.HandoffAck{Boot: x.Boot(), Revision: x.Digest().Revision, Slots: taken}
	deferred := !x.peer.Former && x.Digest().View != r.view.ID() // until the peer is heard in this view
	if m := r.receipt(x.peer).Note(ack, deferred, r.step.Now()); m != nil {
		r.step.SendDurable(x.peer.ID, m)
	}
}

// sendDeferredAck sends the deferred acknowledgement to a peer that is heard in this view
// (docs/causal.md §7.3, rule 6).
func (r *Replica) sendDeferredAck(p *peers.Peer, h wire.Header) {
	if r.view.None() || h.View != r.view.ID() {
		return
	}
	if m := r.receipt(p).Heard(h.Boot, r.step.Now()); m != nil {
		r.step.SendDurable(p.ID, m)
	}
}

// OnHandoffAck notes which of its slots an owner has taken from this node. A slot held for
// others may be released when every owner has acknowledged it as it is now (I25).
//
// At a member an acknowledgement counts only in this view. At a node outside its view it
// counts in any view: nothing is released there, and nodes that were told at the same time
// may each have made a view of the same list (docs/causal.md §7.3, rule 7).
func (r *Replica) OnHandoffAck(h wire.Header, m *wire.HandoffAck) {
	p := r.peers.Get(h.From)
	if m.Boot == r.cfg.Boot {
		r.requesters.NoteAck(h, m.Revision)
	}
	if p == nil || r.offers[p] == nil || m.Boot != r.cfg.Boot || !r.offers[p].Counts(m) || r.view.Member() && h.View != r.view.ID() {
		return
	}
	r.advance()
	free, done := r.offers[p].Ack(r.slots, m)
	r.releasable.Add(free)
	if done {
		r.offers[p] = nil
	}
	r.release()
	r.checkSynced()
}

// release drops slots that all owners have acknowledged, a bounded number in each step: their
// items, and their K, which without the items would be untrue (I15). A node that is outside
// its view or left behind keeps them (docs/causal.md §7.3, rule 10).
func (r *Replica) release() {
	if r.view.Closed() {
		r.releasable.Set(nil)
	}
	if !r.releasable.Waiting() {
		return
	}
	list := r.releasable.Next(r.slots)
	if r.releasable.Waiting() {
		r.step.Alarm(r.step.Now())
	}
	r.items.Release(list)
	if n := r.releasable.Freed(); n > 0 {
		r.step.Event(core.Event{Kind: EventSlotsReleased, View: r.view.ID(), Count: n})
	}
}

// beginHandoffs begins the hand-off to every member anew, and counts the owners of slots held
// for others again: the view, or those slots, have changed.
func (r *Replica) beginHandoffs() {
	r.releasable.Set(r.slots.CountOwners())
	if r.releasable.Waiting() {
		r.step.Alarm(r.step.Now())
	}
	for _, p := range r.peers.All() {
		r.offerTo(p)
		if r.offers[p] == nil {
			continue
		}
		for at := range r.offers[p].Unacked().All() {
			r.slots.AwaitOwner(at)
		}
	}
}
