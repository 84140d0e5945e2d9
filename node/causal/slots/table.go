package slots

import (
	"iter"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Streams are the streams of the present view. One position of a stream stands for all slots
// for which the stream counts, so a write costs the same however many slots there are. K in
// the table leaves these streams out until EndStreams.
type Streams interface {
	// Durable reports that a position is durable and counts for an owned slot, ready or not.
	Durable(id wire.Stream, n uint64, ready bool) bool
	// Got reports that a position of another replica's stream is persisted, durably or not,
	// and counts for a ready slot.
	Got(id wire.Stream, n uint64) bool
	// Vector has all positions that count for an owned slot, ready or not, as they are when
	// all writes so far are durable. Neither side changes the vector afterwards.
	Vector(ready bool) wire.Vector
}

// Table has all slots of a space, and keeps the rules of the package.
type Table struct {
	space   hashing.Space
	streams Streams
	ended   func(wire.Stream) bool // the stream's boot has ended, and an inquiry has ended since

	slots   []Slot
	held    int // slots that are held
	owned   int // of these, slots that are owned
	unready int // of these, slots that are not ready

	revision   uint64 // grows with each change of items or K, and with each release
	asideBytes int    // memory of the items that are kept aside
	stored     bool   // an item was ever held here, in this boot

	growing   []growth       // noted by Grow, and not taken yet
	unwritten []hashing.Slot // slots with unwritten set; some may not be held any more
}

// growth is pending knowledge of one slot.
type growth struct {
	at        hashing.Slot
	released  uint64      // the slot's last release when it was noted; another one makes it void
	known     wire.Vector // what K is to be, without the streams of this view
	gcCounter uint64
	ready     bool // the slot need wait for no other node then
}

// New returns a table of slots, none of which is held.
func New(space hashing.Space, streams Streams, ended func(wire.Stream) bool) Table {
	return Table{space: space, streams: streams, ended: ended, slots: make([]Slot, space.Slots())}
}

// At is a slot by its number, which must be below Len.
func (t *Table) At(at hashing.Slot) *Slot { return &t.slots[at] }

// Of is the slot of a key's hash.
func (t *Table) Of(hash uint64) *Slot { return &t.slots[t.space.Slot(hash)] }

// Space is the space of the slots.
func (t *Table) Space() hashing.Space { return t.space }

// Len is how many slots there are.
func (t *Table) Len() int { return len(t.slots) }

// Held is how many slots are held.
func (t *Table) Held() int { return t.held }

// Owned is how many slots are owned; all of them are held.
func (t *Table) Owned() int { return t.owned }

// Unready is how many owned slots are not ready.
func (t *Table) Unready() int { return t.unready }

// Revision grows with each change of items or K, and with each release. At one revision this
// node holds the same.
func (t *Table) Revision() uint64 { return t.revision }

// Stored reports that an item was ever held here, in this boot.
func (t *Table) Stored() bool { return t.stored }

// Where yields the slots for which a predicate holds, ascending.
func Where(t *Table, holds func(*Slot) bool) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for i := range t.slots {
			if holds(&t.slots[i]) && !yield(hashing.Slot(i)) {
				return
			}
		}
	}
}

// OwnedRanges are the slots that are owned.
func OwnedRanges(t *Table) []wire.SlotRange { return Ranges(Where(t, (*Slot).Owned)) }

// changed notes a change of items or K of a slot. If the slot is held for others, its owners
// have not acknowledged the change, so their count is void (I25).
func (t *Table) changed(s *Slot) {
	t.revision++
	s.changed = t.revision
	if !s.owned {
		s.unacked, s.acked = 0, false
	}
}

// Hold begins to hold a slot, with nothing in it. It reports false if the slot was held already.
func (t *Table) Hold(at hashing.Slot) bool {
	s := &t.slots[at]
	if s.held {
		return false
	}
	s.held = true
	t.held++
	t.noteUnwritten(at)
	return true
}

// Assign says which slots are owned in a new view (docs/causal.md §7.1). A slot stays ready only
// if it was owned until now, and with keepReady: then no other node can have data that this one
// lacks. The owners of a slot held for others may have taken writes. With first no node has data,
// and all owned slots are ready.
//
// The GC counter of a slot that is not ready becomes at least that of the node, because the
// nodes that know the slot's own may be out of reach (I13, I14).
func (t *Table) Assign(owns func(hashing.Slot) bool, keepReady, first bool, gcCounter uint64) {
	t.unready, t.owned = 0, 0
	for i := range t.slots {
		s, at := &t.slots[i], hashing.Slot(i)
		s.ready = s.owned && s.ready && keepReady
		s.owned = owns(at)
		if !s.owned {
			continue
		}
		s.ready = s.ready || first
		t.Hold(at)
		t.noteUnwritten(at)
		t.owned++
		if !s.ready {
			t.unready++
			s.gcCounter = max(s.gcCounter, gcCounter)
		}
	}
}

// Serve makes an owned slot ready that is not ready yet. The tracks count for it from then on, so
// that must be persisted before they move (I15).
func (t *Table) Serve(at hashing.Slot) {
	t.slots[at].ready = true
	t.unready--
	t.noteUnwritten(at)
}

// Release drops slots held for others, with everything that is known of them. The caller has
// made sure that they are Releasable (I25), and removes their items in the same step.
func (t *Table) Release(list []wire.SlotRange) {
	t.revision++
	for at := range Each(list) {
		t.held--
		t.slots[at] = Slot{changed: t.revision, removed: t.revision, released: t.revision}
	}
}

// LastRemoval is the revision of the last removal from the listed slots that are not before
// first. If a Digest was given at an earlier revision, items that are read now belong to a
// later K: what was removed is missing among them (docs/causal.md §6.3, rule 3).
func LastRemoval(t *Table, list []wire.SlotRange, first hashing.Slot) (last uint64) {
	for at := range Each(list) {
		if at >= first {
			last = max(last, t.slots[at].removed)
		}
	}
	return last
}

// Put accounts for an item that takes the place of old, the item of its key (nil: none). write
// is the write of the log that will have the item.
func (t *Table) Put(hash uint64, item, old *wire.Item, write uint64) {
	s := t.Of(hash)
	if old != nil {
		version.RemoveItem(&s.sum, version.ItemHash(hash, old))
	}
	version.AddItem(&s.sum, version.ItemHash(hash, item))
	s.written, t.stored = write, true
	t.changed(s)
}

// Remove accounts for the removal of an item, by its version.ItemHash. write is the write of the
// log that will have the removal.
func (t *Table) Remove(at hashing.Slot, itemHash, write uint64) {
	s := &t.slots[at]
	version.RemoveItem(&s.sum, itemHash)
	s.written = write
	t.changed(s)
	s.removed = t.revision
}

// RaiseGCCounter raises the GC counter of a slot at once, before items up to that counter go or
// before a write that must be above them (I13).
func (t *Table) RaiseGCCounter(at hashing.Slot, n uint64) {
	if n > t.slots[at].gcCounter {
		t.slots[at].gcCounter = n
		t.noteUnwritten(at)
	}
}

// GCCounters are the GC counters above zero of the listed slots from first to last, ascending.
func GCCounters(t *Table, list []wire.SlotRange, first, last hashing.Slot) []wire.SlotGCCounter {
	var counters []wire.SlotGCCounter
	for at := first; at <= last && int(at) < len(t.slots); at++ {
		if n := t.slots[at].gcCounter; n > 0 && In(list, at) {
			counters = append(counters, wire.SlotGCCounter{Slot: uint32(at), GCCounter: n})
		}
	}
	return counters
}
