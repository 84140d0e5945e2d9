package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// offerTo offers a member what it owns and is held here (docs/causal.md §7): it must
// have all of that before the slots may be given up, and before a PUT is answered.
func (r *Replica) offerTo(p *peer) {
	if !p.member || r.view == nil {
		return
	}
	chart := r.atlas.charts[r.view.ID]
	home, ok := chart.home[p.id]
	if !ok {
		return
	}
	o := &offer{session: r.session(), open: newSlotSet(r.slots.space), every: resend}
	j := &joiner{}
	var w holdingsWriter
	for _, at := range r.ring.Slots(home) {
		if s := &r.slots.all[at]; s.held {
			w.add(at, r.knowledge(s, j), s.ready, s.floor)
			o.open.add(at)
		}
	}
	if o.open.n == 0 {
		p.offer = nil
		return
	}
	o.known = w.holdings
	p.offer = o
	if p.greeted || !r.member {
		r.sendOffer(p)
		return
	}
	o.asked = r.now // it goes out when the peer's greeting says that it has come to this view
	r.alarm(r.now + o.every)
}

func (r *Replica) sendOffer(p *peer) {
	o := p.offer
	o.asked = r.now
	r.sendDurable(p.id, &wire.Offer{Session: o.session, Held: o.known})
	r.alarm(r.now + o.every)
}

// tickOffers repeats what was not taken.
func (r *Replica) tickOffers() {
	for _, p := range r.peers {
		o := p.offer
		switch {
		case o == nil:
		case r.now-o.asked >= o.every:
			o.every = min(2*o.every, slowResend)
			r.sendOffer(p)
		default:
			r.alarm(o.asked + o.every)
		}
	}
}

// OnOffer pulls what is lacking of an offer, and says what is not.
func (r *Replica) OnOffer(h wire.Header, m *wire.Offer) {
	p := r.sign(h)
	if p == nil && r.view != nil && r.member && h.View == r.view.ID {
		p = r.guest(h) // outside the view, and told so
	}
	if p == nil || r.view == nil || h.View != r.view.ID {
		return // until this node, or that one, has come to the view
	}
	p.theirs = m
	if !r.answerOffer(p) && r.pullOf(p) == nil {
		r.pullFrom(p)
	}
}

// guest is a node outside the view that offers what it has, as a former member that
// was not known.
func (r *Replica) guest(h wire.Header) *peer {
	if r.peer(h.From) != nil {
		return nil
	}
	for _, m := range r.view.Sources {
		if m.ID == h.From {
			p := &peer{id: m.ID, at: m, former: true, boot: h.Boot, signAt: r.now}
			r.addPeer(p)
			r.views.Reach()
			return p
		}
	}
	return nil
}

// answerOffers answers what has been offered and was not had then.
func (r *Replica) answerOffers() {
	for _, p := range r.peers {
		if p.theirs != nil {
			r.answerOffer(p)
		}
	}
}

// answerOffer says which of the offered slots this node has whole by now. It reports
// whether it has all that it owns.
func (r *Replica) answerOffer(p *peer) bool {
	m := p.theirs
	var taken []hashing.Slot
	var known knownAlike
	all := true
	for i := range m.Held.Held {
		run := &m.Held.Held[i]
		if int(run.Vector) >= len(m.Held.Vectors) {
			continue
		}
		for at := range each(r.slots.valid([]wire.SlotRange{run.Slots})) {
			s := &r.slots.all[at]
			switch {
			case !s.owned:
			case s.held && s.floor >= run.Floor && known.all(r, s, m.Held.Vectors[run.Vector]):
				taken = append(taken, at)
			default:
				all = false
			}
		}
	}
	if len(taken) > 0 {
		r.sendDurable(p.id, &wire.Taken{Session: m.Session, Slots: ranges(slices.Values(taken))})
	}
	if all {
		p.theirs = nil
	}
	return all
}

// knownAlike finds out whether K of slots has vectors, once for slots that are alike.
type knownAlike struct {
	done map[alike]bool
}

type alike struct {
	known, asked *wire.Position
	live         bool
}

func (k *knownAlike) all(r *Replica, s *slot, v wire.Vector) bool {
	key := alike{head(s.known), head(v), s.live()}
	has, done := k.done[key]
	if !done {
		has = !slices.ContainsFunc(v, func(p wire.Position) bool { return !r.knows(s, p.Stream, p.N) })
		if k.done == nil {
			k.done = map[alike]bool{}
		}
		k.done[key] = has
	}
	return has
}

// OnTaken notes what a peer has of what it was offered. A slot that is held for
// others goes when every owner has it (I25).
func (r *Replica) OnTaken(h wire.Header, m *wire.Taken) {
	p := r.sign(h)
	if p == nil || p.offer == nil || p.offer.session != m.Session {
		return
	}
	r.advance()
	for at := range each(r.slots.valid(m.Slots)) {
		if p.offer.open.remove(at) {
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
		if s.takers == 0 || mutant.On(mutant.CausalGiveUpEarly) {
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
	for at := range each(list) {
		s := &r.slots.all[at]
		r.slots.held--
		*s = slot{gen: s.gen + 1}
	}
	r.epoch++
	r.commit() // what was put into them goes, too
	r.overlay.free(r, list)
	r.pending.Free = append(r.pending.Free, r.slots.hashRanges(list)...)
	r.collector.freed(r, list)
	r.commit()
	r.box.Event(wire.Event{Kind: EventGaveUp, View: r.viewID(), Count: countSlots(list)})
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
		r.slots.all[i].takers, r.slots.all[i].taken = 0, false
	}
	for _, p := range r.peers {
		p.offer = nil
		r.offerTo(p)
		if p.offer == nil {
			continue
		}
		for at := range p.offer.open.all() {
			r.slots.all[at].takers++
		}
	}
}
