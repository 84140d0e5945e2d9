package antientropy

import (
	"iter"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Awaits reports that a piece is the next one. Others are repetitions, or late.
func (x *Exchange) Awaits(m *wire.Items) bool {
	return x.digest != nil && !x.complete && m.After == x.cursor
}

// Stale reports that items are of a later K than that of the digest, or of another boot:
// the exchange is to be opened again.
func (x *Exchange) Stale(boot ids.Boot, m *wire.Items) bool {
	return boot != x.boot || m.RemovedAt > x.digest.Revision && !mutant.On(mutant.CausalStaleItems)
}

// Unasked says what of a piece was not asked for; empty: nothing.
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

// Begin takes in the GC counters of a piece, before its items.
func (x *Exchange) Begin(m *wire.Items, now wire.Instant) {
	x.itemsAt, x.interval = now, FirstInterval
	for _, f := range m.GCCounters {
		x.gcCounters[hashing.Slot(f.Slot)] = max(x.gcCounters[hashing.Slot(f.Slot)], f.GCCounter)
	}
}

// Came notes an item that has come, and is merged. present says that its key has an item
// here now.
func (x *Exchange) Came(hash uint64, item *wire.Item, present bool) {
	x.keys[item.Key] = item.Version
	if present {
		x.present++
	}
	x.cursor = wire.SlotCursor{Begun: true, Hash: hash, Key: item.Key}
}

// Dropped notes that the item of a key was dropped here. If the key has come, the slot is
// to be checked: something else may have taken its place.
func (x *Exchange) Dropped(key string) {
	if _, came := x.keys[key]; came {
		x.present = 0
	}
}

// Last notes that all items have come, and all slots are done.
func (x *Exchange) Last() { x.complete = true }

// DoneBefore yields the slots before one that are done now: all their items have come.
// NextSlot is due after each.
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

// Extra reports that there are more items of the slot that is done here than have come.
// Then those that were collected elsewhere are looked for among them.
func (x *Exchange) Extra(s *slots.Slot) bool { return s.Sum().Count > x.present }

// Keys are the versions of the slot that is done, by key.
func (x *Exchange) Keys() map[string]wire.CausalVersion { return x.keys }

// GCCounter is what the peer has said of the GC counter of a slot: in its digest, and with
// the items.
func (x *Exchange) GCCounter(at hashing.Slot, run *wire.HeldSlots) uint64 {
	return max(run.GCCounter, x.gcCounters[at])
}

// Collected reports that an item which is here was deleted at the peer, and the tombstone
// collected (docs/causal.md §6.4). K of the peer has the item, and the peer has nothing
// for its key; or it has what won over the item, and that was not taken in because it was
// collected here.
func Collected(item *wire.Item, theirs map[string]wire.CausalVersion, k wire.Vector) bool {
	v, there := theirs[item.Key]
	d := item.Version.Dot
	return (!there || version.Wins(v, item.Version)) && k.At(d.Stream) >= d.N
}

// Released reports that a slot which is held for others was released since the exchange
// was opened.
func (x *Exchange) Released(s *slots.Slot) bool {
	return !s.Owned() && s.Released() > x.start.Revision
}
