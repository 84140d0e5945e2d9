package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// offer is what a peer owns, is held here, and must be had by that peer before a PUT
// is answered, or the slots may be given up (docs/causal.md §7).
type offer struct {
	mark  uint64  // of the last change here when it was made
	open  slotSet // not taken yet
	asked wire.Instant
	every wire.Instant
}

// offerTo notes what a member owns and is held here. Members pull after they have
// adopted a view without being asked; who has not taken all of it soon is asked to.
func (r *Replica) offerTo(p *peer) {
	p.offer = nil
	if !p.member || r.view == nil || !r.member && r.takers.took(p, r.view.ID, r.slots.mark) {
		return // or it has told so, before this node heard of the view
	}
	home, ok := r.atlas.charts[r.view.ID].home[p.id]
	if !ok {
		return
	}
	o := &offer{mark: r.slots.mark, open: newSlotSet(r.slots.space), asked: r.now, every: resend}
	for _, at := range r.ring.Slots(home) {
		if s := &r.slots.all[at]; s.held && !s.blank() {
			o.open.add(at)
		}
	}
	if o.open.n > 0 {
		p.offer = o
		r.alarm(r.now + o.every)
	}
}

// tickOffers asks those to pull who have not taken all.
func (r *Replica) tickOffers() {
	for _, p := range r.peers {
		o := p.offer
		switch {
		case o == nil:
		case r.now-o.asked >= o.every:
			o.every = min(2*o.every, slowResend)
			o.asked = r.now
			r.sendDurable(p.id, &wire.Handoff{Revision: o.mark})
			r.alarm(r.now + o.every)
		default:
			r.alarm(o.asked + o.every)
		}
	}
}

// OnOffer pulls what a node of the same view holds.
func (r *Replica) OnHandoff(h wire.Header, m *wire.Handoff) {
	p := r.sign(h)
	if r.view == nil || h.View != r.view.ID {
		return // until this node, or that one, has come to the view
	}
	if p == nil {
		p = r.guest(h) // outside the view, and told so
	}
	if p == nil {
		return
	}
	switch x := r.pullOf(p); {
	case x != nil && (x.have == nil || x.boot == h.Boot && x.have.Revision >= m.Revision):
		// what is under way will bring it
	case p.taken != nil && p.taken.Boot == h.Boot && p.taken.Revision >= m.Revision:
		r.sendDurable(p.id, p.taken) // it has come, and the word of it was lost
	default:
		r.pullFrom(p)
	}
}

// guest is a node outside the view that offers what it has.
func (r *Replica) guest(h wire.Header) *peer {
	if r.peer(h.From) != nil {
		return nil
	}
	for _, m := range r.view.Sources {
		if m.ID == h.From {
			delete(r.lives.forgotten, m.ID)
			p := &peer{id: m.ID, at: m, guest: true, boot: h.Boot, signAt: r.now}
			r.addPeer(p)
			r.askAnew()
			r.views.Reach()
			return p
		}
	}
	return nil
}

// tell tells a peer that an exchange with it is over: of the slots
// that are owned here, everything that it had then is here, durably.
func (r *Replica) tell(x *pull) {
	switch {
	case x.have == nil:
		return
	case x.brief:
		if !slices.Contains(x.have.Acked, wire.NodeBoot{Node: r.cfg.Self, Boot: r.cfg.Boot}) {
			r.sendDurable(x.peer.id, x.peer.taken) // the word of it was lost
		}
		return
	}
	w := holdingsReader{held: &x.have.Held}
	taken := ranges(func(yield func(hashing.Slot) bool) {
		for at := range each(x.slots) {
			if r.slots.all[at].owned && w.next(at) != nil && !yield(at) {
				return
			}
		}
	})
	if len(taken) > 0 || x.peer.former {
		x.peer.taken = &wire.HandoffAck{Boot: x.boot, Revision: x.have.Revision, Slots: taken}
		x.peer.untold = !x.peer.former && x.have.View != r.viewID()
		if !x.peer.untold { // else when it has come to the view
			x.peer.toldAt = r.now
			r.sendDurable(x.peer.id, x.peer.taken)
		}
	}
}

// tellAtLast tells a peer that has come to this view of an exchange that was over before.
func (r *Replica) tellAtLast(p *peer, h wire.Header) {
	if p.untold && r.view != nil && h.View == r.view.ID && h.Boot == p.taken.Boot {
		p.untold, p.toldAt = false, r.now
		r.sendDurable(p.id, p.taken)
	}
}

// OnTaken notes what a peer has of what it owns and is held here. A slot that is held
// for others goes when every owner has what there is in it now (I25). A node outside its
// view gives nothing up, and only wants to know that they have it, whichever view of its
// list they had come to by then: nodes that are told at once may each have made one.
func (r *Replica) OnHandoffAck(h wire.Header, m *wire.HandoffAck) {
	p := r.sign(h)
	if m.Boot == r.cfg.Boot {
		r.takers.note(h, m.Revision)
	}
	if p == nil || p.offer == nil || m.Boot != r.cfg.Boot || m.Revision < p.offer.mark || r.member && h.View != r.viewID() {
		return
	}
	r.advance()
	for at := range each(r.slots.valid(m.Slots)) {
		s := &r.slots.all[at]
		if (s.owned || s.mark <= m.Revision) && p.offer.open.remove(at) {
			r.taken(at)
		}
	}
	if p.offer.open.n == 0 {
		p.offer = nil
	}
	r.release()
	r.settle()
}

// taken counts the owners that a slot which is held for others still waits for.
func (r *Replica) taken(at hashing.Slot) {
	s := &r.slots.all[at]
	if !s.owned && s.takers > 0 {
		s.takers--
		if s.takers == 0 || mutant.On(mutant.CausalDropSlotEarly) {
			s.taken = true
			r.lostSlots = append(r.lostSlots, at)
		}
	}
}

// releaseAtOnce bounds how many slots are given up in one step: to free their items
// takes the store a microsecond each.
const releaseAtOnce = 64

// release gives up slots that all owners have. A node outside its view keeps them.
func (r *Replica) release() {
	if len(r.lostSlots) == 0 || r.closed() {
		r.lostSlots = nil
		return
	}
	n := min(len(r.lostSlots), releaseAtOnce)
	free := slices.DeleteFunc(slices.Clone(r.lostSlots[:n]), func(at hashing.Slot) bool { return !r.slots.all[at].taken })
	r.lostSlots = r.lostSlots[n:]
	if len(r.lostSlots) > 0 {
		r.alarm(r.now)
	}
	slices.Sort(free)
	list := ranges(slices.Values(free))
	r.epoch++
	for at := range each(list) {
		r.slots.held--
		r.slots.all[at] = slot{gen: r.epoch, era: r.era()}
	}
	r.commit() // what was put into them goes, too
	r.overlay.free(r, list)
	r.pending.Free = append(r.pending.Free, r.slots.hashRanges(list)...)
	r.collector.freed(r, list)
	r.commit()
	r.gaveUp += countSlots(list)
	if len(r.lostSlots) == 0 && r.gaveUp > 0 {
		r.box.Event(wire.Event{Kind: EventSlotsReleased, View: r.viewID(), Count: r.gaveUp})
		r.gaveUp = 0
	}
}

func countSlots(list []wire.SlotRange) (n uint64) {
	for _, g := range list {
		n += uint64(g.Count)
	}
	return n
}

// offerAll offers every member what it owns. Slots that are held for others count
// their owners anew.
func (r *Replica) offerAll() {
	r.lostSlots = nil
	for i := range r.slots.all {
		s := &r.slots.all[i]
		s.takers, s.taken = 0, s.held && !s.owned && s.blank()
		if s.taken {
			r.lostSlots = append(r.lostSlots, hashing.Slot(i)) // nobody needs it
			r.alarm(r.now)
		}
	}
	for _, p := range r.peers {
		r.offerTo(p)
		if p.offer == nil {
			continue
		}
		for at := range p.offer.open.all() {
			r.slots.all[at].takers++
		}
	}
}
