package causal

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// exchange is an exchange of digests and items, at the requester (docs/causal.md §6).
type exchange struct {
	peer       *peer
	session    uint64
	slots      []wire.SlotRange
	relay      bool         // items of slots that others own are wanted, too
	brief      bool         // of a former member that may have nothing new: it asks about no slots
	waitsFor   *exchange    // that brings the same slots
	begunAt    wire.Instant // when it was opened last
	trip       wire.Instant // how long the answer took to come
	itemsAt    wire.Instant // when items came last
	askedAt    wire.Instant
	interval   wire.Instant // between repetitions
	digest     *wire.Digest // nil: not answered yet
	boot       ids.Boot     // of the answer
	want       []wire.SlotRange
	cursor     wire.SlotCursor
	gcCounters map[hashing.Slot]uint64       // of the slots whose items have come
	remaining  []wire.SlotRange              // of want: slots whose items have not all come
	keys       map[string]wire.CausalVersion // that came of it
	present    uint64                        // how many of them are here, too: what was collected here is not taken in; 0 when one was dropped since
	checks     int                           // slots whose own items are being read
	complete   bool                          // all items came
	inquiry    uint64                        // when it began
	revision   uint64                        // of this node's slots, when it began: slots that were released since do not count
	lastWrite  uint64                        // when it began: slots that were written since are not those that were compared
	repeat     bool                          // when it is done: the peer has more, or what is wanted has changed
}

// exchangeWith begins an exchange with a peer, or has the one under way followed by
// another.
func (r *Replica) exchangeWith(p *peer) {
	if x := r.exchangeOf(p); x != nil {
		x.repeat = true
		return
	}
	list := r.wanted(p)
	if len(list) == 0 {
		r.exchanged(p, &exchange{inquiry: r.boots.inquiry})
		return
	}
	x := &exchange{peer: p, slots: list, relay: p.draining.Relay}
	r.exchanges = append(r.exchanges, x)
	r.openExchange(x)
}

// pollFormer asks a former member which owners have acknowledged its data, and
// exchanges with it again only if it has anything new.
func (r *Replica) pollFormer(p *peer) {
	if p.receipt.Ack() == nil || p.draining.Relay || p.inquired != r.boots.inquiry {
		r.exchangeWith(p)
		return
	}
	x := &exchange{peer: p, brief: true}
	r.exchanges = append(r.exchanges, x)
	r.openExchange(x)
}

// expand makes a brief exchange ask about slots.
func (x *exchange) expand(r *Replica) {
	x.brief, x.relay, x.slots = false, x.peer.draining.Relay, r.wanted(x.peer)
}

// exchangeAgain begins an exchange with a peer that is heard again, or opens the
// unanswered one anew: its repetition may be a second away.
func (r *Replica) exchangeAgain(p *peer) {
	if x := r.exchangeOf(p); x != nil && !x.complete {
		r.openExchange(x)
		return
	}
	r.exchangeWith(p)
}

func (r *Replica) exchangeOf(p *peer) *exchange {
	for _, x := range r.exchanges {
		if x.peer == p {
			return x
		}
	}
	return nil
}

// wanted is what a peer is asked about: the slots that this node owns; a former member
// whose slots must be passed on to others, of everything.
func (r *Replica) wanted(p *peer) []wire.SlotRange {
	if p.draining.Relay {
		return slots.All(r.slots.Space())
	}
	return r.slots.OwnedRanges()
}

func (r *Replica) openExchange(x *exchange) {
	if x.brief && x.peer.inquired != r.boots.inquiry {
		x.expand(r) // writes of ended boots may be there
	}
	x.session = r.session()
	x.waitsFor, x.begunAt, x.itemsAt = nil, r.now, r.now
	x.digest, x.want, x.cursor, x.keys, x.complete, x.checks, x.gcCounters = nil, nil, wire.SlotCursor{}, nil, false, 0, map[hashing.Slot]uint64{}
	x.interval = resend
	x.inquiry, x.revision, x.lastWrite = r.boots.inquiry, r.slots.Revision(), r.box.LastWrite()
	r.askExchange(x)
}

// askExchange sends the open question of an exchange, again or for the first time.
func (r *Replica) askExchange(x *exchange) {
	x.askedAt = r.now
	if x.digest == nil {
		r.request(x.peer.id, &wire.DigestRequest{Session: x.session, Slots: x.slots, Sums: r.slots.GroupSums(x.slots), Births: r.births(), Forgotten: r.forgottenList()})
	} else {
		r.request(x.peer.id, &wire.FetchItems{Session: x.session, Slots: x.want, After: x.cursor})
	}
	r.alarm(r.now + x.interval)
}

func (r *Replica) exchangeBy(h wire.Header, session uint64) *exchange {
	p := r.sign(h)
	if p == nil {
		return nil
	}
	if x := r.exchangeOf(p); x != nil && x.session == session {
		return x
	}
	return nil
}

// OnDigest takes in what a peer knows, and finds out which items to ask for.
func (r *Replica) OnDigest(h wire.Header, m *wire.Digest) {
	if !r.credible(h.From, m) || r.surveyAnswer(h, m) {
		return
	}
	x := r.exchangeBy(h, m.Session)
	if x == nil || x.digest != nil {
		return
	}
	if !r.mayExchange(m) {
		r.box.Event(core.Event{Kind: EventApart, Peer: h.From})
		if x.peer.former && !x.peer.apart {
			x.peer.apart = true // two groups that operators have parted leave each other alone
			r.views.Reach()
		}
		r.endExchange(x)
		return
	}
	if x.brief && !x.peer.receipt.Is(h.Boot, m.Revision) {
		x.expand(r)
		r.openExchange(x)
		return
	}
	x.digest, x.boot, x.trip = m, h.Boot, r.now-x.begunAt
	r.boots.hearEnded(r.believable(m.Ended))
	r.collector.Raise(m.GCCounter)
	r.hearForgotten(h.From, m.Forgotten)
	r.hearOfFormer(m)
	r.requestUnknownViews(h.From, m.Held.Vectors)
	if c := r.catalog.Get(m.View); m.StableCut != 0 && (c == nil || !c.HasStableCut) {
		r.request(h.From, &wire.ViewInfoRequest{Views: []ids.View{m.View}}) // contexts may refer to it
	}
	if x.peer.former {
		x.peer.Boot = h.Boot // it sends no hello here
	}
	r.gained(x.peer)
	r.compare(x)
}

// mayExchange reports that of two views one replaces the other, or that their layouts
// are equal. Otherwise their operators have parted them.
func (r *Replica) mayExchange(m *wire.Digest) bool {
	same := m.View.IsZero() || m.View == r.view.ID || m.Layout == r.layout || m.Layout == catalog.Fingerprint(&wire.Layout{})
	if mutant.On(mutant.CausalExchangeInViewOnly) {
		return same
	}
	return same || m.Descends || r.view.Descends(m.View)
}

// compare takes in K of the slots whose items are equal, and asks for the items of the
// others.
func (r *Replica) compare(x *exchange) {
	j := &version.Joiner{}
	w := slots.Reader{Held: &x.digest.Held}
	sums := slots.ReadSums(r.slots.Space(), x.digest.Groups)
	var want []hashing.Slot
	for at := range slots.Each(x.slots) {
		theirs, differs := sums.Next(at)
		run := w.Next(at)
		if run == nil {
			continue
		}
		s := r.slots.At(at)
		if !s.Owned() && !x.relay {
			continue // its owners request it themselves
		}
		equal := theirs == s.Sum()
		if !differs { // from what was here when it was asked
			equal = s.Written() <= x.lastWrite
		}
		if !equal {
			want = append(want, at)
		}
		if equal || mutant.On(mutant.CausalEarlyKnowledge) {
			r.absorb(x, at, run, j)
		}
	}
	r.writePending()
	if len(want) == 0 {
		x.complete = true
		r.finishExchange(x)
		return
	}
	x.expect(want)
	if x.waitsFor = r.bringing(x); x.waitsFor != nil {
		x.digest, x.want = nil, nil // when that is over, little differs
		r.alarm(r.now + resend)
		return
	}
	x.interval = resend
	r.askExchange(x)
}

// expect begins to wait for the items of slots, which ascend.
func (x *exchange) expect(want []hashing.Slot) {
	x.want = slots.Ranges(slices.Values(want))
	x.remaining = slices.Clone(x.want)
	x.keys, x.present = map[string]wire.CausalVersion{}, 0
}

// bringing is an exchange under way that brings slots which another one wants, too.
func (r *Replica) bringing(x *exchange) *exchange {
	for _, y := range r.exchanges {
		if y != x && r.brings(y) && slots.Overlap(x.want, y.want) {
			return y
		}
	}
	return nil
}

// brings reports that items come from an exchange.
func (r *Replica) brings(x *exchange) bool {
	return slices.Contains(r.exchanges, x) && len(x.want) > 0 && !x.complete && r.now-x.itemsAt < peers.Silence
}

// resumeWaiting opens the exchanges that have waited for one.
func (r *Replica) resumeWaiting(y *exchange) {
	for _, x := range r.exchanges {
		if x.waitsFor == y {
			r.openExchange(x)
		}
	}
}

// absorb lets K of a slot grow to what the peer's was when it answered. All items
// that this means are here, and what is to be written is written.
func (r *Replica) absorb(x *exchange, at hashing.Slot, run *wire.HeldSlots, j *version.Joiner) {
	if run == nil {
		return
	}
	if s := r.slots.At(at); !s.Owned() && s.Released() > x.revision {
		x.repeat = true // the slot was released meanwhile
		return
	}
	r.hold(at)
	gcCounter := max(run.GCCounter, x.gcCounters[at])
	if !r.slots.Absorb(at, x.digest.Held.Vectors[run.Vector], gcCounter, run.Ready && r.onePredecessor, maxVector, j) {
		r.refuseMessage(x.peer.id, "knowledge of more streams than are kept")
	}
}

// OnItems merges a piece of the items that were asked for.
func (r *Replica) OnItems(h wire.Header, m *wire.Items, stored []*wire.Item) {
	x := r.exchangeBy(h, m.Session)
	if !r.credible(h.From, m) || x == nil || x.digest == nil || x.complete || m.After != x.cursor || len(stored) != len(m.Items) {
		return
	}
	if h.Boot != x.boot || m.RemovedAt > x.digest.Revision && !mutant.On(mutant.CausalStaleItems) {
		r.openExchange(x) // what K said is not what the items are of any more
		return
	}
	if why := r.unasked(x, m); why != "" {
		r.refuseMessage(h.From, why)
		return
	}
	r.gained(x.peer)
	x.itemsAt = r.now
	for _, f := range m.GCCounters {
		x.gcCounters[hashing.Slot(f.Slot)] = max(x.gcCounters[hashing.Slot(f.Slot)], f.GCCounter)
	}
	for i := range m.Items {
		item := &m.Items[i]
		hash := hashing.Hash(item.Key)
		at := r.slots.Space().Slot(hash)
		r.slotsDone(x, at)
		r.hold(at)
		x.keys[item.Key] = item.Version
		if !x.peer.exchanged {
			r.moved() // gossip with others goes on for ever
		}
		if r.merge(item, stored[i]) {
			r.wakeKey(item.Key)
		}
		if r.overlay.current(item.Key, stored[i]) != nil {
			x.present++
		}
		x.cursor = wire.SlotCursor{Begun: true, Hash: hash, Key: item.Key}
	}
	r.after(r.commit(), r.wakeKeys)
	if !m.Last {
		x.interval = resend
		if len(m.Items) > 0 {
			r.askExchange(x)
		}
		return
	}
	r.slotsDone(x, hashing.Slot(r.slots.Len()))
	x.complete = true
	r.finishExchange(x)
}

// unasked says what of a piece was not asked for; empty: nothing.
func (r *Replica) unasked(x *exchange, m *wire.Items) string {
	for _, f := range m.GCCounters {
		if !slots.In(x.want, hashing.Slot(f.Slot)) {
			return "the GC counter of a slot that was not asked for"
		}
	}
	for i := range m.Items {
		if !slots.In(x.remaining, r.slots.Space().Slot(hashing.Hash(m.Items[i].Key))) {
			return "an item of a slot that was not asked for, or has come"
		}
	}
	return ""
}

// slotsDone concludes the slots before one: all their items have come.
func (r *Replica) slotsDone(x *exchange, next hashing.Slot) {
	j := &version.Joiner{}
	for at := range x.before(next) {
		if r.slots.At(at).Sum().Count > x.present {
			r.findAbsent(x, at, x.keys)
		} else {
			r.absorb(x, at, x.digest.Held.Of(uint32(at)), j)
		}
		x.keys, x.present = map[string]wire.CausalVersion{}, 0
	}
	r.writePending()
}

// before takes the slots before one off those whose items have not all come.
func (x *exchange) before(next hashing.Slot) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for len(x.remaining) > 0 && x.remaining[0].First < uint32(next) {
			at := hashing.Slot(x.remaining[0].First)
			x.remaining[0].First++
			if x.remaining[0].Count--; x.remaining[0].Count == 0 {
				x.remaining = x.remaining[1:]
			}
			if !yield(at) {
				return
			}
		}
	}
}

// findAbsent looks for items that are here and were deleted and collected elsewhere. K
// of the peer has them, and the peer has nothing for their keys. Or it has what won
// over them, which was not taken in because it was collected here (docs/causal.md
// §6.4).
func (r *Replica) findAbsent(x *exchange, at hashing.Slot, theirs map[string]wire.CausalVersion) {
	x.checks++
	session, released := x.session, r.slots.At(at).Released()
	r.readAll(at, wire.SlotCursor{}, func(items []wire.Item) {
		if x.session != session || r.exchangeOf(x.peer) != x {
			return
		}
		x.checks--
		if r.slots.At(at).Released() != released {
			x.repeat = true // the slot was released meanwhile
			r.finishExchange(x)
			return
		}
		var k wire.Vector
		if run := x.digest.Held.Of(uint32(at)); run != nil {
			k = x.digest.Held.Vectors[run.Vector]
			r.slots.RaiseGCCounter(at, max(run.GCCounter, x.gcCounters[at])) // at once: the items go now
		}
		for i := range items {
			item := r.overlay.current(items[i].Key, &items[i])
			if item == nil {
				continue
			}
			d := item.Version.Dot
			if v, there := theirs[item.Key]; (!there || version.Wins(v, item.Version)) && k.At(d.Stream) >= d.N {
				r.box.Event(core.Event{Kind: EventItemAbsent, Peer: x.peer.id})
				r.forget(at, item, version.ItemHash(hashing.Hash(item.Key), item))
				r.wakeKey(item.Key)
			}
		}
		r.absorb(x, at, x.digest.Held.Of(uint32(at)), &version.Joiner{})
		r.writePending()
		r.after(r.commit(), r.wakeKeys)
		r.finishExchange(x)
	})
}

// readAll reads all items of a slot.
func (r *Replica) readAll(at hashing.Slot, after wire.SlotCursor, do func(items []wire.Item)) {
	var all []wire.Item
	var next func(in *core.SlotsRead)
	list := []wire.SlotRange{{First: uint32(at), Count: 1}}
	next = func(in *core.SlotsRead) {
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

// finishExchange ends an exchange when everything that it brought is durable.
func (r *Replica) finishExchange(x *exchange) {
	if !x.complete || x.checks > 0 {
		return
	}
	session := x.session
	r.after(r.commit(), func() {
		if x.session == session && r.exchangeOf(x.peer) == x {
			r.endExchange(x)
		}
	})
}

// endExchange takes an exchange off the list, and begins the next one if that is
// wanted.
func (r *Replica) endExchange(x *exchange) {
	r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
	r.catchUp()
	r.ackHandoff(x)
	if x.digest != nil && x.inquiry == r.boots.inquiry {
		r.hearPositions(x.peer, x.digest)
	}
	more := x.repeat
	r.resumeWaiting(x)
	r.exchanged(x.peer, x)
	if more {
		r.exchangeWith(x.peer)
	}
}

// tickExchanges repeats questions that were not answered. An exchange with a peer that
// cannot be reached is dropped: a hello, or the next round of gossip, begins another.
func (r *Replica) tickExchanges() {
	for _, x := range slices.Clone(r.exchanges) {
		switch {
		case x.complete:
		case !r.reachable(x.peer) && r.now-x.askedAt >= peers.Silence || mutant.On(mutant.CausalNoExchangeRetry) && r.now-x.askedAt >= x.interval:
			r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
			r.resumeWaiting(x)
			r.checkSynced()
		case x.waitsFor != nil && r.brings(x.waitsFor):
			r.alarm(r.now + resend)
		case x.waitsFor != nil:
			r.openExchange(x)
		case r.now-x.askedAt >= x.interval:
			x.interval = min(2*x.interval, slowResend)
			r.askExchange(x)
		default:
			r.alarm(x.askedAt + x.interval)
		}
	}
}
