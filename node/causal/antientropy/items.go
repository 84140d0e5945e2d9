package antientropy

import (
	"iter"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Awaits reports that a piece of items is the next one. Other pieces are repeated or late.
func (x *Exchange) Awaits(m *wire.Items) bool {
	return x.digest != nil && !x.complete && m.After == x.cursor
}

// Stale reports that items are of another boot, or of a later K than that of the digest: an item
// that the digest's K covers may have been removed since. The caller opens the exchange again
// (I15; docs/causal.md §6.3, rules 2 and 3).
func (x *Exchange) Stale(boot ids.Boot, m *wire.Items) bool {
	return boot != x.boot || m.RemovedAt > x.digest.Revision
}

// Unasked says which part of a piece was not asked for (docs/causal.md §12, rule 4); empty: none.
func (x *Exchange) Unasked(space hashing.Space, m *wire.Items) string {
	for _, f := range m.GCCounters {
		if !slots.In(x.want, hashing.Slot(f.Slot)) {
			return "the GC counter of a slot that was not asked for"
		}
	}
	for i := range m.Items {
		if !slots.In(x.remaining, space.Slot(hashing.Hash(m.Items[i].Key))) {
			return "an item of a slot that was not asked for, or has come"
		}
	}
	return ""
}

// Begin takes in the GC counters of a piece, before its items are merged.
func (x *Exchange) Begin(m *wire.Items, now wire.Instant) {
	x.itemsAt, x.interval = now, FirstInterval
	for _, f := range m.GCCounters {
		x.gcCounters[hashing.Slot(f.Slot)] = max(x.gcCounters[hashing.Slot(f.Slot)], f.GCCounter)
	}
}

// Came notes an item that has come and was merged. present says that its key has an item here
// now: an item that was collected here is not taken.
func (x *Exchange) Came(hash uint64, item *wire.Item, present bool) {
	x.keys[item.Key] = item.Version
	if present {
		x.present++
	}
	x.cursor = wire.SlotCursor{Begun: true, Hash: hash, Key: item.Key}
}

// Dropped notes that the item of a key was removed here. If the key has come in the present slot,
// the counts of items do not show any more that nothing else is here, so the slot is checked.
func (x *Exchange) Dropped(key string) {
	if _, came := x.keys[key]; came {
		x.present = 0
	}
}

// Last notes that the last piece has come, and that all slots are done.
func (x *Exchange) Last() { x.complete = true }

// DoneBefore yields the slots before next that are done now, because items come in ascending
// order. The caller concludes each slot and then calls NextSlot.
func (x *Exchange) DoneBefore(next hashing.Slot) iter.Seq[hashing.Slot] {
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

// Extra reports that this node has more items of the slot that is done than have come. Among the
// others may be some that were collected at the peer.
func (x *Exchange) Extra(s *slots.Slot) bool { return s.Sum().Count > x.present }

// Keys are the versions that have come of the slot that is done, by key.
func (x *Exchange) Keys() map[string]wire.CausalVersion { return x.keys }

// GCCounter is the largest GC counter of a slot that the peer has told, in its digest (run) or
// with the items.
func (x *Exchange) GCCounter(at hashing.Slot, run *wire.HeldSlots) uint64 {
	return max(run.GCCounter, x.gcCounters[at])
}

// Collected reports that an item of this node was deleted and the tombstone collected
// (docs/causal.md §6.4). K of the peer, as of its digest, has the item's dot, and the peer does
// not hold the item. Either the peer has nothing for the key: the deletion was collected there.
// Or the peer has a version that won over the item and was not taken here: that version was
// collected here. The map theirs has the peer's versions by key.
func Collected(item *wire.Item, theirs map[string]wire.CausalVersion, k wire.Vector) bool {
	v, there := theirs[item.Key]
	d := item.Version.Dot
	return (!there || version.Wins(v, item.Version)) && k.At(d.Stream) >= d.N
}

// Released reports that a slot which is not owned was released since the exchange was opened.
// Items that were here when the slots were compared are gone then, so K must not grow (I15).
func (x *Exchange) Released(s *slots.Slot) bool {
	return !s.Owned() && s.Released() > x.start.Revision
}
