package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// handoff is what this node holds and a peer owns. A PUT /view is answered, and slots
// are released, only when the peer has acknowledged it (docs/causal.md §7).
type handoff struct {
	revision uint64    // of the slots when the hand-off began
	unacked  slots.Set // slots that the peer has not acknowledged
	askedAt  wire.Instant
	interval wire.Instant
}

// beginHandoff notes what a member owns and is held here. Members exchange after they
// have adopted a view, without being asked. A member that has not acknowledged
// everything in time is sent a Handoff.
func (r *Replica) beginHandoff(p *peer) {
	p.handoff = nil
	if !p.member || r.view == nil || !r.member && r.requesters.acked(p, r.view.ID, r.slots.Revision()) {
		return // or it has acknowledged everything before this node heard of the view
	}
	shard, ok := r.catalog.Get(r.view.ID).ShardOf(p.id)
	if !ok {
		return
	}
	o := &handoff{revision: r.slots.Revision(), unacked: slots.NewSet(r.slots.Space()), askedAt: r.now, interval: resend}
	for _, at := range r.ring.Slots(shard) {
		if s := r.slots.At(at); s.Held() && !s.Blank() {
			o.unacked.Add(at)
		}
	}
	if o.unacked.Len() > 0 {
		p.handoff = o
		r.alarm(r.now + o.interval)
	}
}

// tickHandoffs re-sends the hand-offs that are not acknowledged, with exponential
// backoff.
func (r *Replica) tickHandoffs() {
	for _, p := range r.peers {
		o := p.handoff
		switch {
		case o == nil:
		case r.now-o.askedAt >= o.interval:
			o.interval = min(2*o.interval, slowResend)
			o.askedAt = r.now
			r.sendDurable(p.id, &wire.Handoff{Revision: o.revision})
			r.alarm(r.now + o.interval)
		default:
			r.alarm(o.askedAt + o.interval)
		}
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
	case x != nil && (x.digest == nil || x.boot == h.Boot && x.digest.Revision >= m.Revision):
		// the exchange under way brings it
	case p.lastAck != nil && p.lastAck.Boot == h.Boot && p.lastAck.Revision >= m.Revision:
		r.sendDurable(p.id, p.lastAck) // it is here, and the acknowledgement was lost
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
	case x.digest == nil:
		return
	case x.brief:
		if !slices.Contains(x.digest.Acked, wire.NodeBoot{Node: r.cfg.Self, Boot: r.cfg.Boot}) {
			r.sendDurable(x.peer.id, x.peer.lastAck) // the acknowledgement was lost
		}
		return
	}
	w := slots.Reader{Held: &x.digest.Held}
	acked := slots.Ranges(func(yield func(hashing.Slot) bool) {
		for at := range slots.Each(x.slots) {
			if r.slots.At(at).Owned() && w.Next(at) != nil && !yield(at) {
				return
			}
		}
	})
	if len(acked) > 0 || x.peer.former {
		x.peer.lastAck = &wire.HandoffAck{Boot: x.boot, Revision: x.digest.Revision, Slots: acked}
		x.peer.ackDeferred = !x.peer.former && x.digest.View != r.viewID()
		if !x.peer.ackDeferred { // else it is sent when the peer has adopted the view
			x.peer.ackedAt = r.now
			r.sendDurable(x.peer.id, x.peer.lastAck)
		}
	}
}

// sendDeferredAck acknowledges an exchange that was over before the peer adopted this
// view.
func (r *Replica) sendDeferredAck(p *peer, h wire.Header) {
	if p.ackDeferred && r.view != nil && h.View == r.view.ID && h.Boot == p.lastAck.Boot {
		p.ackDeferred, p.ackedAt = false, r.now
		r.sendDurable(p.id, p.lastAck)
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
		r.requesters.noteAck(h, m.Revision)
	}
	if p == nil || p.handoff == nil || m.Boot != r.cfg.Boot || m.Revision < p.handoff.revision || r.member && h.View != r.viewID() {
		return
	}
	r.advance()
	for at := range slots.Each(slots.Valid(r.slots.Space(), m.Slots)) {
		s := r.slots.At(at)
		if (s.Owned() || s.Changed() <= m.Revision) && p.handoff.unacked.Remove(at) && r.slots.OwnerHas(at) {
			r.releasable = append(r.releasable, at)
		}
	}
	if p.handoff.unacked.Len() == 0 {
		p.handoff = nil
	}
	r.release()
	r.checkSynced()
}

// releasesPerStep bounds how many slots are released in one step: to free the items of
// a slot takes the store a microsecond each.
const releasesPerStep = 64

// release drops the slots that all owners have. A node outside its view keeps them.
func (r *Replica) release() {
	if len(r.releasable) == 0 || r.closed() {
		r.releasable = nil
		return
	}
	n := min(len(r.releasable), releasesPerStep)
	free := slices.DeleteFunc(slices.Clone(r.releasable[:n]), func(at hashing.Slot) bool { return !r.slots.Releasable(at) })
	r.releasable = r.releasable[n:]
	if len(r.releasable) > 0 {
		r.alarm(r.now)
	}
	slices.Sort(free)
	list := slots.Ranges(slices.Values(free))
	r.slots.Release(list)
	r.commit() // writes to these slots in this step come first
	r.overlay.free(r, list)
	r.change.Free = append(r.change.Free, slots.Hashes(r.slots.Space(), list)...)
	r.collector.Released(func(at hashing.Slot) bool { return slots.In(list, at) })
	r.commit()
	r.released += slots.Count(list)
	if len(r.releasable) == 0 && r.released > 0 {
		r.box.Event(core.Event{Kind: EventSlotsReleased, View: r.viewID(), Count: r.released})
		r.released = 0
	}
}

// beginHandoffs begins the hand-off to every member. For slots that are held for
// others, the count of owners starts again.
func (r *Replica) beginHandoffs() {
	r.releasable = r.slots.CountOwners()
	if len(r.releasable) > 0 {
		r.alarm(r.now)
	}
	for _, p := range r.peers {
		r.beginHandoff(p)
		if p.handoff == nil {
			continue
		}
		for at := range p.handoff.unacked.All() {
			r.slots.AwaitOwner(at)
		}
	}
}
