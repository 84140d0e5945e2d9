package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// This file joins the hand-off of slots (docs/causal.md §7.3) to the peers, the view and
// the outbox.

// offerTo offers a member what it owns and is held here. A PUT /view is answered, and
// slots are released, only when it has acknowledged that.
func (r *Replica) offerTo(p *peer) {
	p.offer = nil
	if !p.member || r.view == nil || !r.member && r.hasAll(p) {
		return
	}
	if shard, ok := r.catalog.Get(r.view.ID).ShardOf(p.id); ok {
		p.offer = handoff.Begin(&r.slots, r.ring.Slots(shard), r.now)
	}
	if p.offer != nil {
		_, next := p.offer.Due(r.now)
		r.alarm(next)
	}
}

// hasAll reports that a member has acknowledged everything before this node heard of the
// view.
func (r *Replica) hasAll(p *peer) bool {
	return slices.ContainsFunc(r.requesters.AckedAt(r.view.ID, r.slots.Revision()), func(o wire.NodeBoot) bool {
		return o.Node == p.id && p.Is(o.Boot)
	})
}

// tickHandoffs re-sends the offers that are not acknowledged.
func (r *Replica) tickHandoffs() {
	for _, p := range r.peers {
		if p.offer == nil {
			continue
		}
		m, next := p.offer.Due(r.now)
		if m != nil {
			r.sendDurable(p.id, m)
		}
		r.alarm(next)
	}
}

// OnHandoff begins an exchange with a node that holds slots of this one, in the same
// view.
func (r *Replica) OnHandoff(h wire.Header, m *wire.Handoff) {
	p := r.sign(h)
	if r.view == nil || h.View != r.view.ID {
		return // until this node, or that one, has come to the view
	}
	if p == nil {
		p = r.guest(h) // outside the view, and listed in it as a source
	}
	if p == nil {
		return
	}
	switch x := r.exchangeOf(p); {
	case x != nil && (x.Digest() == nil || x.Boot() == h.Boot && x.Digest().Revision >= m.Revision):
		// the exchange under way brings it
	case p.receipt.Has(h.Boot, m.Revision):
		r.sendDurable(p.id, p.receipt.Ack()) // it is here, and the acknowledgement was lost
	default:
		r.exchangeWith(p)
	}
}

// guest adds a node outside the view that hands off what it holds.
func (r *Replica) guest(h wire.Header) *peer {
	if r.peer(h.From) != nil {
		return nil
	}
	for _, m := range r.view.Sources {
		if m.ID == h.From {
			delete(r.boots.forgotten, m.ID)
			p := &peer{id: m.ID, at: m, guest: true, Contact: peers.Heard(r.now, h.Boot)}
			r.addPeer(p)
			r.restartInquiry()
			r.views.Reach()
			return p
		}
	}
	return nil
}

// ackHandoff tells a peer that an exchange with it is over: of the slots that are owned
// here, everything that the peer had then is here, durably.
func (r *Replica) ackHandoff(x *exchange) {
	switch {
	case x.Digest() == nil:
		return
	case x.Brief():
		if !slices.Contains(x.Digest().Acked, wire.NodeBoot{Node: r.cfg.Self, Boot: r.cfg.Boot}) {
			r.sendDurable(x.peer.id, x.peer.receipt.Ack()) // the acknowledgement was lost
		}
		return
	}
	taken := handoff.Taken(&r.slots, x.Slots(), &x.Digest().Held)
	if len(taken) == 0 && !x.peer.former {
		return
	}
	ack := &wire.HandoffAck{Boot: x.Boot(), Revision: x.Digest().Revision, Slots: taken}
	deferred := !x.peer.former && x.Digest().View != r.viewID() // until the peer has adopted the view
	if m := x.peer.receipt.Note(ack, deferred, r.now); m != nil {
		r.sendDurable(x.peer.id, m)
	}
}

// sendDeferredAck acknowledges an exchange that was over before the peer adopted this
// view.
func (r *Replica) sendDeferredAck(p *peer, h wire.Header) {
	if r.view == nil || h.View != r.view.ID {
		return
	}
	if m := p.receipt.Heard(h.Boot, r.now); m != nil {
		r.sendDurable(p.id, m)
	}
}

// OnHandoffAck notes what a peer has of the slots that it owns and this node holds. A
// slot that is held for others is released when every owner has all that is in it now
// (I25).
//
// A node outside its view releases nothing. It only needs to know that the owners have
// its data, in whichever view of its layout they were then: nodes that are told at the
// same time may each have made one.
func (r *Replica) OnHandoffAck(h wire.Header, m *wire.HandoffAck) {
	p := r.sign(h)
	if m.Boot == r.cfg.Boot {
		r.requesters.NoteAck(h, m.Revision)
	}
	if p == nil || p.offer == nil || m.Boot != r.cfg.Boot || !p.offer.Counts(m) || r.member && h.View != r.viewID() {
		return
	}
	r.advance()
	free, done := p.offer.Ack(&r.slots, m)
	r.releasable.Add(free)
	if done {
		p.offer = nil
	}
	r.release()
	r.checkSynced()
}

// release drops slots that all owners have, as many as go into one step. A node outside
// its view keeps them.
func (r *Replica) release() {
	if r.closed() {
		r.releasable.Set(nil)
	}
	if !r.releasable.Waiting() {
		return
	}
	list := r.releasable.Next(&r.slots)
	if r.releasable.Waiting() {
		r.alarm(r.now)
	}
	r.slots.Release(list)
	r.commit() // writes to these slots in this step come first
	r.overlay.free(r, list)
	r.change.Free = append(r.change.Free, slots.Hashes(r.slots.Space(), list)...)
	r.collector.Released(func(at hashing.Slot) bool { return slots.In(list, at) })
	r.commit()
	if n := r.releasable.Freed(); n > 0 {
		r.box.Event(core.Event{Kind: EventSlotsReleased, View: r.viewID(), Count: n})
	}
}

// beginHandoffs begins the hand-off to every member. For slots that are held for
// others, the count of owners starts again.
func (r *Replica) beginHandoffs() {
	r.releasable.Set(r.slots.CountOwners())
	if r.releasable.Waiting() {
		r.alarm(r.now)
	}
	for _, p := range r.peers {
		r.offerTo(p)
		if p.offer == nil {
			continue
		}
		for at := range p.offer.Unacked().All() {
			r.slots.AwaitOwner(at)
		}
	}
}
