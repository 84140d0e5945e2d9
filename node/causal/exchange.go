package causal

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// pull is an exchange, at the side that takes (docs/causal.md §6).
type pull struct {
	peer    *peer
	session uint64
	slots   []wire.SlotRange
	relay   bool         // of slots that others own the items are wanted, too
	brief   bool         // of a former member that may have nothing new: about no slots
	behind  *pull        // that brings the same slots, and is waited for
	begun   wire.Instant // when it was opened last
	trip    wire.Instant // how long the answer took to come
	heard   wire.Instant // when items came last
	asked   wire.Instant
	every   wire.Instant // between repetitions
	have    *wire.Digest // nil: not answered yet
	boot    wire.Boot    // of the answer
	want    []wire.SlotRange
	cursor  wire.SlotCursor
	floors  map[hashing.Slot]uint64       // when their items were read
	rest    []wire.SlotRange              // of want: slots whose items have not all come
	keys    map[string]wire.CausalVersion // that came of it
	here    uint64                        // how many of them are here, too: what was collected here is not taken; 0 when one was forgotten since
	checks  int                           // slots whose own items are being read
	last    bool                          // all items came
	news    uint64                        // of lives, when it began
	epoch   uint64                        // of this node, when it began: slots that were given up since are not what they were
	mark    uint64                        // the last write when it began: slots that were written since are not what was compared
	more    bool                          // again, when it is done: the peer has more, or what is wanted has changed
}

// pullFrom begins an exchange with a peer, or has the one that is under way followed
// by another.
func (r *Replica) pullFrom(p *peer) {
	if x := r.pullOf(p); x != nil {
		x.more = true
		return
	}
	list := r.wanted(p)
	if len(list) == 0 {
		r.pulled(p, &pull{news: r.lives.news})
		return
	}
	x := &pull{peer: p, slots: list, relay: p.relay}
	r.pulls = append(r.pulls, x)
	r.open(x)
}

// pollFormer asks a former member which owners have acknowledged its data, and
// exchanges with it again only if it has anything new.
func (r *Replica) pollFormer(p *peer) {
	if p.lastAck == nil || p.relay || p.surveyed != r.lives.news {
		r.pullFrom(p)
		return
	}
	x := &pull{peer: p, brief: true}
	r.pulls = append(r.pulls, x)
	r.open(x)
}

// inFull has an exchange that was to be brief ask about slots.
func (x *pull) inFull(r *Replica) {
	x.brief, x.relay, x.slots = false, x.peer.relay, r.wanted(x.peer)
}

// pullAgain begins an exchange with a peer that is heard again, or begins the one anew
// that it has not answered: its repetition may be due in a second only.
func (r *Replica) pullAgain(p *peer) {
	if x := r.pullOf(p); x != nil && !x.last {
		r.open(x)
		return
	}
	r.pullFrom(p)
}

func (r *Replica) pullOf(p *peer) *pull {
	for _, x := range r.pulls {
		if x.peer == p {
			return x
		}
	}
	return nil
}

// wanted is what a peer is asked about: the slots that this node owns; a former member
// whose slots must be passed on to others, of everything.
func (r *Replica) wanted(p *peer) []wire.SlotRange {
	if p.relay {
		return []wire.SlotRange{{First: 0, Count: uint32(len(r.slots.all))}}
	}
	return ranges(r.slots.where(func(s *slot) bool { return s.owned }))
}

func (r *Replica) open(x *pull) {
	if x.brief && x.peer.surveyed != r.lives.news {
		x.inFull(r) // what lives that are over have left may be there
	}
	x.session = r.session()
	x.behind, x.begun, x.heard = nil, r.now, r.now
	x.have, x.want, x.cursor, x.keys, x.last, x.checks, x.floors = nil, nil, wire.SlotCursor{}, nil, false, 0, map[hashing.Slot]uint64{}
	x.every = resend
	x.news, x.epoch, x.mark = r.lives.news, r.epoch, r.box.LastWrite()
	r.ask(x)
}

// ask sends the question that is open, again or for the first time.
func (r *Replica) ask(x *pull) {
	x.asked = r.now
	if x.have == nil {
		r.request(x.peer.id, &wire.DigestRequest{Session: x.session, Slots: x.slots, Sums: r.groupSums(x.slots), Births: r.births(), Forgotten: r.toldForgotten()})
	} else {
		r.request(x.peer.id, &wire.FetchItems{Session: x.session, Slots: x.want, After: x.cursor})
	}
	r.alarm(r.now + x.every)
}

func (r *Replica) pullBy(h wire.Header, session uint64) *pull {
	p := r.sign(h)
	if p == nil {
		return nil
	}
	if x := r.pullOf(p); x != nil && x.session == session {
		return x
	}
	return nil
}

// OnHave takes in what a peer knows, and finds out which items to ask for.
func (r *Replica) OnDigest(h wire.Header, m *wire.Digest) {
	if !r.credible(h.From, m) || r.surveyed(h, m) {
		return
	}
	x := r.pullBy(h, m.Session)
	if x == nil || x.have != nil {
		return
	}
	if !r.mayExchange(m) {
		r.box.Event(wire.Event{Kind: EventApart, Peer: h.From})
		if x.peer.former && !x.peer.apart {
			x.peer.apart = true // two groups, each told, leave each other in peace
			r.views.Reach()
		}
		r.end(x)
		return
	}
	if x.brief && (h.Boot != x.peer.lastAck.Boot || m.Revision != x.peer.lastAck.Revision) {
		x.inFull(r)
		r.open(x)
		return
	}
	x.have, x.boot, x.trip = m, h.Boot, r.now-x.begun
	r.lives.hear(r.believable(m.Ended))
	r.hearGone(m.GCCounter)
	r.hearForgotten(h.From, m.Forgotten)
	r.hearOfFormer(m)
	r.meetViews(h.From, m.Held.Vectors)
	if c := r.atlas.charts[m.View]; m.StableCut != 0 && (c == nil || !c.HasStableCut) {
		r.request(h.From, &wire.ViewInfoRequest{Views: []wire.ViewID{m.View}}) // contexts may name it
	}
	if x.peer.former {
		x.peer.boot = h.Boot // it greets nobody here
	}
	r.gained(x.peer)
	r.compare(x)
}

// mayExchange reports that of two views one replaces the other, or that they are one:
// otherwise their operators have parted them.
func (r *Replica) mayExchange(m *wire.Digest) bool {
	same := m.View.IsZero() || m.View == r.view.ID || m.Layout == r.layout || m.Layout == fingerprint(&wire.Layout{})
	if mutant.On(mutant.CausalExchangeInViewOnly) {
		return same
	}
	return same || m.Descends || r.view.Descends(m.View)
}

// compare learns at once what there are no items to be had for, and asks for those
// of the other slots.
func (r *Replica) compare(x *pull) {
	j := &joiner{}
	w := holdingsReader{held: &x.have.Held}
	sums := sumsReader{r: r, groups: x.have.Groups, group: ^uint32(0)}
	var want []hashing.Slot
	for at := range each(x.slots) {
		theirs, differs := sums.next(at)
		run := w.next(at)
		if run == nil {
			continue
		}
		s := &r.slots.all[at]
		if !s.owned && !x.relay {
			continue // its owners pull it
		}
		equal := theirs == s.sum
		if !differs { // from what was here when it was asked
			equal = s.seq <= x.mark
		}
		if !equal {
			want = append(want, at)
		}
		if equal || mutant.On(mutant.CausalEarlyKnowledge) {
			r.absorb(x, at, run, j)
		}
	}
	r.learnt()
	if len(want) == 0 {
		x.last = true
		r.finish(x)
		return
	}
	x.expect(want)
	if x.behind = r.bringing(x); x.behind != nil {
		x.have, x.want = nil, nil // when that is over, little differs
		r.alarm(r.now + resend)
		return
	}
	x.every = resend
	r.ask(x)
}

// expect begins to wait for the items of slots, which ascend.
func (x *pull) expect(want []hashing.Slot) {
	x.want = ranges(slices.Values(want))
	x.rest = slices.Clone(x.want)
	x.keys, x.here = map[string]wire.CausalVersion{}, 0
}

// bringing is an exchange under way that brings slots which another one wants, too.
func (r *Replica) bringing(x *pull) *pull {
	for _, y := range r.pulls {
		if y != x && r.brings(y) && overlap(x.want, y.want) {
			return y
		}
	}
	return nil
}

// overlap reports that two lists of ascending ranges share a slot.
func overlap(a, b []wire.SlotRange) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].First+a[0].Count <= b[0].First:
			a = a[1:]
		case b[0].First+b[0].Count <= a[0].First:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// brings reports that items come from an exchange.
func (r *Replica) brings(x *pull) bool {
	return slices.Contains(r.pulls, x) && len(x.want) > 0 && !x.last && r.now-x.heard < silence
}

// follow goes on with the exchanges that have waited for one.
func (r *Replica) follow(y *pull) {
	for _, x := range r.pulls {
		if x.behind == y {
			r.open(x)
		}
	}
}

// sumsReader finds the sums of slots that are asked for in ascending order, among
// those of the groups that differ.
type sumsReader struct {
	r      *Replica
	groups []wire.GroupSums
	group  uint32
	place  int
}

// next is the peer's sum of a slot; false: it is in no group that differs.
func (s *sumsReader) next(at hashing.Slot) (wire.Sum, bool) {
	if g := s.r.groupOf(at); g != s.group {
		s.group, s.place = g, -1
		for len(s.groups) > 0 && s.groups[0].Group < g {
			s.groups = s.groups[1:]
		}
	}
	s.place++
	if len(s.groups) == 0 || s.groups[0].Group != s.group {
		return wire.Sum{}, false
	}
	if s.place >= len(s.groups[0].Sums) {
		return wire.Sum{Count: ^uint64(0)}, true
	}
	return s.groups[0].Sums[s.place], true
}

// holdingsReader finds what holdings say of slots that are asked for in ascending
// order.
type holdingsReader struct {
	held *wire.Holdings
	i    int
}

// next is what is said of a slot; nil: nothing that makes sense.
func (h *holdingsReader) next(at hashing.Slot) *wire.HeldSlots {
	for h.i < len(h.held.Held) && h.held.Held[h.i].Slots.First+h.held.Held[h.i].Slots.Count <= uint32(at) {
		h.i++
	}
	if h.i == len(h.held.Held) {
		return nil
	}
	if run := &h.held.Held[h.i]; run.Slots.First <= uint32(at) && int(run.Vector) < len(h.held.Vectors) {
		return run
	}
	return nil
}

// absorb lets K of a slot grow to what the peer's was when it answered. All items
// that this means are here, and what is to be written is written.
func (r *Replica) absorb(x *pull, at hashing.Slot, run *wire.HeldSlots, j *joiner) {
	if run == nil {
		return
	}
	s := &r.slots.all[at]
	if !s.owned && s.gen > x.epoch {
		x.more = true // it was given up meanwhile
		return
	}
	r.hold(at)
	v := j.join(s.known, x.have.Held.Vectors[run.Vector])
	if len(v) > maxVector {
		r.refuseMessage(x.peer.id, "knowledge of more streams than are kept")
		return
	}
	ready := run.Ready && r.oneLine && s.owned && !s.ready
	floor := max(s.floor, run.GCCounter, x.floors[at])
	if ready || floor > s.floor || !sameVector(v, s.known) && !slices.Equal(v, s.known) {
		r.learn(at, v, floor, ready)
	}
}

// runOf is what holdings say of a slot; nil: nothing.
func runOf(h *wire.Holdings, at hashing.Slot) *wire.HeldSlots {
	i, found := slices.BinarySearchFunc(h.Held, at, func(run wire.HeldSlots, at hashing.Slot) int { return beside(run.Slots, at) })
	if !found || int(h.Held[i].Vector) >= len(h.Vectors) {
		return nil
	}
	return &h.Held[i]
}

// OnItems merges a piece of what was asked for.
func (r *Replica) OnItems(h wire.Header, m *wire.Items, stored []*wire.Item) {
	x := r.pullBy(h, m.Session)
	if !r.credible(h.From, m) || x == nil || x.have == nil || x.last || m.After != x.cursor || len(stored) != len(m.Items) {
		return
	}
	if h.Boot != x.boot || m.RemovedAt > x.have.Removals && !mutant.On(mutant.CausalStaleItems) {
		r.open(x) // what K said is not what the items are of any more
		return
	}
	if why := r.unasked(x, m); why != "" {
		r.refuseMessage(h.From, why)
		return
	}
	r.gained(x.peer)
	x.heard = r.now
	for _, f := range m.GCCounters {
		x.floors[hashing.Slot(f.Slot)] = max(x.floors[hashing.Slot(f.Slot)], f.GCCounter)
	}
	for i := range m.Items {
		item := &m.Items[i]
		hash := hashing.Hash(item.Key)
		at := r.slots.space.Slot(hash)
		r.slotsDone(x, at)
		r.hold(at)
		x.keys[item.Key] = item.Version
		if !x.peer.pulled {
			r.moved() // gossip with others goes on for ever
		}
		if r.merge(item, stored[i]) {
			r.wakeKey(item.Key)
		}
		if r.overlay.current(item.Key, stored[i]) != nil {
			x.here++
		}
		x.cursor = wire.SlotCursor{Begun: true, Hash: hash, Key: item.Key}
	}
	r.after(r.commit(), r.wakeKeys)
	if !m.Last {
		x.every = resend
		if len(m.Items) > 0 {
			r.ask(x)
		}
		return
	}
	r.slotsDone(x, hashing.Slot(len(r.slots.all)))
	x.last = true
	r.finish(x)
}

// unasked says what of a piece was not asked for; empty: nothing.
func (r *Replica) unasked(x *pull, m *wire.Items) string {
	for _, f := range m.GCCounters {
		if !inRanges(x.want, hashing.Slot(f.Slot)) {
			return "the floor counter of a slot that was not asked for"
		}
	}
	for i := range m.Items {
		if !inRanges(x.rest, r.slots.space.Slot(hashing.Hash(m.Items[i].Key))) {
			return "an item of a slot that was not asked for, or has come"
		}
	}
	return ""
}

// slotsDone concludes the slots before one: all their items have come.
func (r *Replica) slotsDone(x *pull, next hashing.Slot) {
	j := &joiner{}
	for at := range x.before(next) {
		if s := &r.slots.all[at]; s.sum.Count > x.here {
			r.findAbsent(x, at, x.keys)
		} else {
			r.absorb(x, at, runOf(&x.have.Held, at), j)
		}
		x.keys, x.here = map[string]wire.CausalVersion{}, 0
	}
	r.learnt()
}

// before takes the slots before one off those whose items have not all come.
func (x *pull) before(next hashing.Slot) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for len(x.rest) > 0 && x.rest[0].First < uint32(next) {
			at := hashing.Slot(x.rest[0].First)
			x.rest[0].First++
			if x.rest[0].Count--; x.rest[0].Count == 0 {
				x.rest = x.rest[1:]
			}
			if !yield(at) {
				return
			}
		}
	}
}

// findAbsent looks for what is here and was deleted and collected: the peer's K covers
// it, and the peer has nothing for the key, or what won over it and was not taken,
// because it was collected here (docs/causal.md §6.4).
func (r *Replica) findAbsent(x *pull, at hashing.Slot, theirs map[string]wire.CausalVersion) {
	x.checks++
	session, gen := x.session, r.slots.all[at].gen
	r.readAll(at, wire.SlotCursor{}, func(items []wire.Item) {
		if x.session != session || r.pullOf(x.peer) != x {
			return
		}
		x.checks--
		if r.slots.all[at].gen != gen {
			x.more = true // it was given up meanwhile
			r.finish(x)
			return
		}
		s := &r.slots.all[at]
		var k wire.Vector
		if run := runOf(&x.have.Held, at); run != nil {
			k = x.have.Held.Vectors[run.Vector]
			s.floor = max(s.floor, run.GCCounter, x.floors[at]) // at once: the items go now
		}
		for i := range items {
			item := r.overlay.current(items[i].Key, &items[i])
			if item == nil {
				continue
			}
			d := item.Version.Dot
			if v, there := theirs[item.Key]; (!there || wins(v, item.Version)) && k.At(d.Stream) >= d.N {
				r.box.Event(wire.Event{Kind: EventItemAbsent, Peer: x.peer.id})
				r.forget(s, item, digest(hashing.Hash(item.Key), item))
				r.wakeKey(item.Key)
			}
		}
		r.absorb(x, at, runOf(&x.have.Held, at), &joiner{})
		r.learnt()
		r.after(r.commit(), r.wakeKeys)
		r.finish(x)
	})
}

// readAll reads all items of a slot.
func (r *Replica) readAll(at hashing.Slot, after wire.SlotCursor, do func(items []wire.Item)) {
	var all []wire.Item
	var next func(in *wire.SlotsRead)
	list := []wire.SlotRange{{First: uint32(at), Count: 1}}
	next = func(in *wire.SlotsRead) {
		all = append(all, in.Items...)
		if in.Last || len(in.Items) == 0 {
			do(all)
			return
		}
		last := in.Items[len(in.Items)-1].Key
		r.readSlots(list, wire.SlotCursor{Begun: true, Hash: hashing.Hash(last), Key: last}, next)
	}
	r.readSlots(list, after, next)
}

// finish ends an exchange when everything that it brought is durable.
func (r *Replica) finish(x *pull) {
	if !x.last || x.checks > 0 {
		return
	}
	session := x.session
	r.after(r.commit(), func() {
		if x.session == session && r.pullOf(x.peer) == x {
			r.end(x)
		}
	})
}

// end takes an exchange off the list, and begins the next one if that is wanted.
func (r *Replica) end(x *pull) {
	r.pulls = slices.DeleteFunc(r.pulls, func(o *pull) bool { return o == x })
	r.catchUp()
	r.ackHandoff(x)
	if x.have != nil && x.news == r.lives.news {
		r.hearPositions(x.peer, x.have)
	}
	more := x.more
	r.follow(x)
	r.pulled(x.peer, x)
	if more {
		r.pullFrom(x.peer)
	}
}

// tickPulls repeats what has got no answer. Who cannot be reached is given up: a
// greeting, or the next round of gossip, begins anew.
func (r *Replica) tickPulls() {
	for _, x := range slices.Clone(r.pulls) {
		switch {
		case x.last:
		case !r.reachable(x.peer) && r.now-x.asked >= silence || mutant.On(mutant.CausalNoExchangeRetry) && r.now-x.asked >= x.every:
			r.pulls = slices.DeleteFunc(r.pulls, func(o *pull) bool { return o == x })
			r.follow(x)
			r.checkSynced()
		case x.behind != nil && r.brings(x.behind):
			r.alarm(r.now + resend)
		case x.behind != nil:
			r.open(x)
		case r.now-x.asked >= x.every:
			x.every = min(2*x.every, slowResend)
			r.ask(x)
		default:
			r.alarm(x.asked + x.every)
		}
	}
}
