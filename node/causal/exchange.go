package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/antientropy"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// exchange is an exchange with a peer, at the requester (docs/causal.md §6). It is on the
// Replica's list from its first question to its end, and there is at most one for each peer.
type exchange struct {
	antientropy.Exchange
	peer     *peers.Peer
	waitsFor *exchange // an exchange that is bringing the same slots (docs/causal.md §6.6, rule 10); nil: none
}

// exchangeWith begins an exchange with a peer. If one is under way, another one follows it. If
// this node wants no slots, the exchange is over at once.
func (r *Replica) exchangeWith(p *peers.Peer) {
	if x := r.exchangeOf(p); x != nil {
		x.Follow()
		return
	}
	list := r.wanted(p)
	if len(list) == 0 {
		r.exchanged(p, &exchange{Exchange: antientropy.None(r.boots.Inquiry())})
		return
	}
	r.beginExchange(p, antientropy.New(list, p.Draining.Relay))
}

// beginExchange lists an exchange and opens it.
func (r *Replica) beginExchange(p *peers.Peer, e antientropy.Exchange) {
	x := &exchange{Exchange: e, peer: p}
	r.exchanges = append(r.exchanges, x)
	r.openExchange(x)
}

// pollFormer asks a former member which owners have acknowledged its data. The exchange is
// about no slots, as long as nothing can be new there: no inquiry needs the former member,
// and its data is not relayed (docs/causal.md §7.4, rule 4).
func (r *Replica) pollFormer(p *peers.Peer) {
	if r.receipt(p).Ack() == nil || p.Draining.Relay || p.Inquired != r.boots.Inquiry() {
		r.exchangeWith(p)
		return
	}
	r.beginExchange(p, antientropy.Brief())
}

// exchangeAgain begins an exchange with a peer that is heard again. An exchange under way is
// opened anew, because its next repetition may be a second away.
func (r *Replica) exchangeAgain(p *peers.Peer) {
	if x := r.exchangeOf(p); x != nil && !x.Complete() {
		r.openExchange(x)
		return
	}
	r.exchangeWith(p)
}

// exchangeOf is the exchange with a peer that is under way; nil: none.
func (r *Replica) exchangeOf(p *peers.Peer) *exchange {
	for _, x := range r.exchanges {
		if x.peer == p {
			return x
		}
	}
	return nil
}

// wanted are the slots that a peer is asked about: those that this node owns, or all slots of
// a former member whose data is relayed (docs/causal.md §6.1, rule 2).
func (r *Replica) wanted(p *peers.Peer) []wire.SlotRange {
	if p.Draining.Relay {
		return slots.All(r.slots.Space())
	}
	return r.slots.OwnedRanges()
}

// openExchange begins an exchange, or begins it again, under a new session. It notes the
// state of this node, with which the peer's Digest is compared.
func (r *Replica) openExchange(x *exchange) {
	if x.Brief() && x.peer.Inquired != r.boots.Inquiry() {
		r.expand(x) // the inquiry needs a full answer
	}
	x.waitsFor = nil
	x.Open(antientropy.Start{
		Session: r.step.Session(), At: r.step.Now(), Inquiry: r.boots.Inquiry(), Revision: r.slots.Revision(), LastWrite: r.step.LastWrite(),
	})
	r.askExchange(x)
}

// expand makes a brief exchange ask about the wanted slots.
func (r *Replica) expand(x *exchange) { x.Expand(r.wanted(x.peer), x.peer.Draining.Relay) }

// askExchange sends the open question of an exchange, for the first time or again.
func (r *Replica) askExchange(x *exchange) {
	m := x.Question(r.slots, r.step.Now())
	if q, first := m.(*wire.DigestRequest); first {
		q.Births, q.Forgotten = r.view.Births(), r.boots.ForgottenList()
	}
	r.step.Ask(x.peer.ID, m)
	r.step.Alarm(x.Next())
}

// exchangeBy is the exchange that an answer belongs to; nil: none, or the answer is late.
func (r *Replica) exchangeBy(h wire.Header, session uint64) *exchange {
	p := r.peers.Get(h.From)
	if p == nil {
		return nil
	}
	if x := r.exchangeOf(p); x != nil && x.Session() == session {
		return x
	}
	return nil
}

// OnDigest takes in the answer to the first question of an exchange, or to a survey. The
// exchange goes on only within this node's group (docs/causal.md §6.7). What the Digest says
// of its sender, of boots, views and former members counts before the slots are compared.
func (r *Replica) OnDigest(h wire.Header, m *wire.Digest) {
	if r.surveyAnswer(h, m) {
		return
	}
	x := r.exchangeBy(h, m.Session)
	if x == nil || x.Digest() != nil {
		return
	}
	if !r.view.MayExchange(m) {
		r.step.Event(core.Event{Kind: EventApart, Peer: h.From})
		r.peers.Part(x.peer)
		r.endExchange(x)
		return
	}
	if x.Brief() && !r.receipt(x.peer).Is(h.Boot, m.Revision) {
		r.expand(x)
		r.openExchange(x)
		return
	}
	x.Answer(h.Boot, m, r.step.Now())
	r.boots.Hear(m.Ended, r.peers.HearsFrom)
	r.raiseGCCounter(m.GCCounter)
	r.hearForgotten(h.From, m.Forgotten)
	r.hearOfFormer(m)
	r.info.AskUnknown(h.From, m.Held.Vectors)
	r.info.AskCut(h.From, m)
	if x.peer.Former {
		x.peer.Boot = h.Boot // a former member sends no hello that tells its boot
	}
	r.gained(x.peer)
	r.compare(x)
}

// compare lets K grow for the slots whose sums are equal, and asks for the items of the
// others (docs/causal.md §6.2). If another exchange is bringing those slots, this one waits:
// little will differ when the other one is over.
func (r *Replica) compare(x *exchange) {
	j := &version.Joiner{}
	for at, run := range x.Compare(r.slots) {
		r.absorb(x, at, run, j)
	}
	r.writePending()
	if x.Complete() {
		r.finishExchange(x)
		return
	}
	if x.waitsFor = r.bringing(x); x.waitsFor != nil {
		x.Postpone()
		r.step.Alarm(r.step.Now() + resend)
		return
	}
	r.askExchange(x)
}

// bringing is another exchange that is bringing slots which x wants, too; nil: none.
func (r *Replica) bringing(x *exchange) *exchange {
	for _, y := range r.exchanges {
		if y != x && y.Brings(r.step.Now()) && x.Shares(&y.Exchange) {
			return y
		}
	}
	return nil
}

// resumeWaiting opens the exchanges again that have waited for y.
func (r *Replica) resumeWaiting(y *exchange) {
	for _, x := range r.exchanges {
		if x.waitsFor == y {
			r.openExchange(x)
		}
	}
}

// absorb notes that K of a slot is to grow by the peer's K of its Digest (docs/causal.md §6.5).
// The caller has merged all items that this K means, and pending knowledge is persisted after
// them, so K never covers an item that is not durable here (I15). If the slot was released
// since the exchange began, nothing is concluded and another exchange follows.
func (r *Replica) absorb(x *exchange, at hashing.Slot, run *wire.HeldSlots, j *version.Joiner) {
	if run == nil {
		return
	}
	if x.Released(r.slots.At(at)) {
		x.Follow()
		return
	}
	r.hold(at)
	ready := run.Ready && r.view.OnePredecessor() && r.view.Vouches(x.Digest().View)
	if !r.slots.Absorb(at, x.Digest().Held.Vectors[run.Vector], x.GCCounter(at, run), ready, plausible.MaxVector, j) {
		r.guard.Refuse(x.peer.ID, "knowledge of more streams than are kept")
	}
}

// OnItems merges a piece of the items that were asked for (docs/causal.md §6.3). A piece of a
// later K, or of another boot, begins the exchange again. Each slot before the piece's last
// item is concluded: its items are complete.
func (r *Replica) OnItems(h wire.Header, m *wire.Items, stored []*wire.Item) {
	x := r.exchangeBy(h, m.Session)
	if !r.guard.Credible(h.From, m) || x == nil || !x.Awaits(m) || len(stored) != len(m.Items) {
		return
	}
	if x.Stale(h.Boot, m) {
		r.openExchange(x) // the Digest's K may cover items that were removed since
		return
	}
	if why := x.Unasked(r.slots.Space(), m); why != "" {
		r.guard.Refuse(h.From, why)
		return
	}
	r.gained(x.peer)
	x.Begin(m, r.step.Now())
	for i := range m.Items {
		item := &m.Items[i]
		hash := hashing.Hash(item.Key)
		at := r.slots.Space().Slot(hash)
		r.slotsDone(x, at)
		r.hold(at)
		if !x.peer.Exchanged {
			r.moved()
		}
		if r.items.Merge(item, stored[i]) {
			r.requests.Note(item.Key)
		}
		x.Came(hash, item, r.items.Current(item.Key, stored[i]) != nil)
	}
	r.step.After(r.step.Commit(), r.requests.WakeKeys)
	if !m.Last {
		if len(m.Items) > 0 {
			r.askExchange(x)
		}
		return
	}
	r.slotsDone(x, hashing.Slot(r.slots.Len()))
	x.Last()
	r.finishExchange(x)
}

// slotsDone concludes the slots before next, of which all items have come. If this node has
// more items of a slot than came, it first looks for items that were collected at the peer.
func (r *Replica) slotsDone(x *exchange, next hashing.Slot) {
	j := &version.Joiner{}
	for at := range x.DoneBefore(next) {
		if x.Extra(r.slots.At(at)) {
			r.findAbsent(x, at, x.Keys())
		} else {
			r.absorb(x, at, x.Digest().Held.Of(uint32(at)), j)
		}
		x.NextSlot()
	}
	r.writePending()
}

// findAbsent removes the items of a slot that were deleted and collected at the peer
// (docs/causal.md §6.4), and then lets K grow. Without that, a replica that missed a deletion
// would keep the deleted key (I18, I19). The slot is read from the store, so the exchange
// may have ended, or the slot may have been released, by the time of the answer.
func (r *Replica) findAbsent(x *exchange, at hashing.Slot, theirs map[string]wire.CausalVersion) {
	x.Check()
	session, released := x.Session(), r.slots.At(at).Released()
	r.items.ReadAll(at, wire.SlotCursor{}, func(items []wire.Item) {
		if x.Session() != session || r.exchangeOf(x.peer) != x {
			return
		}
		x.Checked()
		if r.slots.At(at).Released() != released {
			x.Follow() // released meanwhile: nothing is concluded
			r.finishExchange(x)
			return
		}
		var k wire.Vector
		if run := x.Digest().Held.Of(uint32(at)); run != nil {
			k = x.Digest().Held.Vectors[run.Vector]
			r.slots.RaiseGCCounter(at, x.GCCounter(at, run)) // before the items go: a write must be above them
		}
		for i := range items {
			item := r.items.Current(items[i].Key, &items[i])
			if item == nil || !antientropy.Collected(item, theirs, k) {
				continue
			}
			r.step.Event(core.Event{Kind: EventItemAbsent, Peer: x.peer.ID})
			r.items.Remove(at, item, version.ItemHash(hashing.Hash(item.Key), item))
			r.requests.Note(item.Key)
		}
		r.absorb(x, at, x.Digest().Held.Of(uint32(at)), &version.Joiner{})
		r.writePending()
		r.step.After(r.step.Commit(), r.requests.WakeKeys)
		r.finishExchange(x)
	})
}

// finishExchange ends an exchange when all slots are concluded and everything that the
// exchange brought is durable: only then is the exchange acknowledged (docs/causal.md §6.5, rule 3).
func (r *Replica) finishExchange(x *exchange) {
	if !x.Done() {
		return
	}
	session := x.Session()
	r.step.After(r.step.Commit(), func() {
		if x.Session() == session && r.exchangeOf(x.peer) == x {
			r.endExchange(x)
		}
	})
}

// endExchange ends an exchange: tracks move up to K, the peer gets its acknowledgement, the
// inquiry takes in the answer, and the exchange that is to follow begins.
func (r *Replica) endExchange(x *exchange) {
	r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
	r.catchUp()
	r.ackHandoff(x)
	if x.Digest() != nil && x.Inquiry() == r.boots.Inquiry() {
		r.hearPositions(x.peer, x.Digest())
	}
	r.resumeWaiting(x)
	r.exchanged(x.peer, x)
	if x.More() {
		r.exchangeWith(x.peer)
	}
}

// tickExchanges repeats unanswered questions. An exchange with an unreachable peer is given
// up; a hello of the peer, or gossip, begins another one (docs/causal.md §6.6, rule 11).
func (r *Replica) tickExchanges() {
	for _, x := range slices.Clone(r.exchanges) {
		switch {
		case x.Complete():
		case !r.peers.Reachable(x.peer) && x.Unanswered(r.step.Now()) >= peers.Silence || mutant.On(mutant.CausalNoExchangeRetry) && r.step.Now() >= x.Next():
			r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
			r.resumeWaiting(x)
			r.checkSynced()
		case x.waitsFor != nil && slices.Contains(r.exchanges, x.waitsFor) && x.waitsFor.Brings(r.step.Now()):
			r.step.Alarm(r.step.Now() + resend)
		case x.waitsFor != nil:
			r.openExchange(x)
		case x.Repeat(r.step.Now()):
			r.askExchange(x)
		default:
			r.step.Alarm(x.Next())
		}
	}
}

// dropped tells the exchanges that the item of a key was removed here.
func (r *Replica) dropped(key string) {
	for _, x := range r.exchanges {
		x.Dropped(key)
	}
}
