package exchanges

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/antientropy"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// OnItems merges a piece of the items that were asked for (docs/causal.md §6.3). A piece of a
// later K, or of another boot, begins the exchange again. Each slot before the piece's last
// item is concluded: its items are complete.
func (e *Exchanges) OnItems(h wire.Header, m *wire.Items, stored []*wire.Item) {
	x := e.by(h, m.Session)
	if !e.guard.Credible(h.From, m) || x == nil || !x.Awaits(m) || len(stored) != len(m.Items) {
		return
	}
	if x.Stale(h.Boot, m) {
		e.open(x) // the Digest's K may cover items that were removed since
		return
	}
	if why := x.Unasked(e.slots.Space(), m); why != "" {
		e.guard.Refuse(h.From, why)
		return
	}
	e.ready.Gained(x.Peer)
	x.Begin(m, e.step.Now())
	for i := range m.Items {
		item := &m.Items[i]
		hash := hashing.Hash(item.Key)
		at := e.slots.Space().Slot(hash)
		e.slotsDone(x, at)
		e.ready.Hold(at)
		if !x.Peer.Exchanged {
			e.ready.Moved()
		}
		if e.items.Merge(item, stored[i]) {
			e.waker.Note(item.Key)
		}
		x.Came(hash, item, e.items.Current(item.Key, stored[i]) != nil)
	}
	e.step.After(e.step.Commit(), e.waker.WakeKeys)
	if !m.Last {
		if len(m.Items) > 0 {
			e.ask(x)
		}
		return
	}
	e.slotsDone(x, hashing.Slot(e.slots.Len()))
	x.Last()
	e.finish(x)
}

// slotsDone concludes the slots before next, of which all items have come. If this node has
// more items of a slot than came, it first looks for items that were collected at the peer.
func (e *Exchanges) slotsDone(x *Exchange, next hashing.Slot) {
	j := &version.Joiner{}
	for at := range x.DoneBefore(next) {
		if x.Extra(e.slots.At(at)) {
			e.findAbsent(x, at, x.Keys())
		} else {
			e.absorb(x, at, x.Digest().Held.Of(uint32(at)), j)
		}
		x.NextSlot()
	}
	e.ready.WritePending()
}

// findAbsent removes the items of a slot that were deleted and collected at the peer
// (docs/causal.md §6.4), and then lets K grow. Without that, a replica that missed a deletion
// would keep the deleted key (I18, I19). The slot is read from the store, so the exchange
// may have ended, or the slot may have been released, by the time of the answer.
func (e *Exchanges) findAbsent(x *Exchange, at hashing.Slot, theirs map[string]wire.CausalVersion) {
	x.Check()
	session, released := x.Session(), e.slots.At(at).Released()
	e.items.ReadAll(at, wire.SlotCursor{}, func(items []wire.Item) {
		if x.Session() != session || e.Of(x.Peer) != x {
			return
		}
		x.Checked()
		if e.slots.At(at).Released() != released {
			x.Follow() // released meanwhile: nothing is concluded
			e.finish(x)
			return
		}
		var k wire.Vector
		if run := x.Digest().Held.Of(uint32(at)); run != nil {
			k = x.Digest().Held.Vectors[run.Vector]
			e.slots.RaiseGCCounter(at, x.GCCounter(at, run)) // before the items go: a write must be above them
		}
		for i := range items {
			item := e.items.Current(items[i].Key, &items[i])
			if item == nil || !antientropy.Collected(item, theirs, k) {
				continue
			}
			e.step.Event(core.Event{Kind: EventItemAbsent, Peer: x.Peer.ID})
			e.items.Remove(at, item, version.ItemHash(hashing.Hash(item.Key), item))
			e.waker.Note(item.Key)
		}
		e.absorb(x, at, x.Digest().Held.Of(uint32(at)), &version.Joiner{})
		e.ready.WritePending()
		e.step.After(e.step.Commit(), e.waker.WakeKeys)
		e.finish(x)
	})
}

// absorb notes that K of a slot is to grow by the peer's K of its Digest (docs/causal.md §6.5).
// The caller has merged all items that this K means, and pending knowledge is persisted after
// them, so K never covers an item that is not durable here (I15). If the slot was released
// since the exchange began, nothing is concluded and another exchange follows.
func (e *Exchanges) absorb(x *Exchange, at hashing.Slot, run *wire.HeldSlots, j *version.Joiner) {
	if run == nil {
		return
	}
	if x.Released(e.slots.At(at)) {
		x.Follow()
		return
	}
	e.ready.Hold(at)
	ready := run.Ready && e.view.OnePredecessor() && e.view.Vouches(x.Digest().View)
	if !e.slots.Absorb(at, x.Digest().Held.Vectors[run.Vector], x.GCCounter(at, run), ready, plausible.MaxVector, j) {
		e.guard.Refuse(x.Peer.ID, "knowledge of more streams than are kept")
	}
}

// finish ends an exchange when all slots are concluded and everything that the
// exchange brought is durable: only then is the exchange acknowledged (docs/causal.md §6.5, rule 3).
func (e *Exchanges) finish(x *Exchange) {
	if !x.Done() {
		return
	}
	session := x.Session()
	e.step.After(e.step.Commit(), func() {
		if x.Session() == session && e.Of(x.Peer) == x {
			e.end(x)
		}
	})
}

// end ends an exchange: tracks move up to K, the peer gets its acknowledgement, the
// inquiry takes in the answer, and the exchange that is to follow begins.
func (e *Exchanges) end(x *Exchange) {
	e.list = slices.DeleteFunc(e.list, func(o *Exchange) bool { return o == x })
	e.host.Ending(x)
	e.resume(x)
	e.host.Ended(x.Peer, x)
	if x.More() {
		e.With(x.Peer)
	}
}

// Dropped tells the exchanges that the item of a key was removed here.
func (e *Exchanges) Dropped(key string) {
	for _, x := range e.list {
		x.Dropped(key)
	}
}
