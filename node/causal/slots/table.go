package slots

import (
	"iter"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Streams are the streams of the present view. One position of a stream stands for all
// slots for which the stream counts, so K in the table leaves these streams out.
type Streams interface {
	// Durable reports a position that is durable, for an owned slot that is ready or not.
	Durable(id wire.Stream, n uint64, ready bool) bool
	// Got reports a position of another replica's stream that is written, for a slot that
	// is ready.
	Got(id wire.Stream, n uint64) bool
	// Vector has all positions as far as they are written. It is not changed afterwards.
	Vector(ready bool) wire.Vector
}

// Table has all slots of a space.
type Table struct {
	space   hashing.Space
	streams Streams
	ended   func(wire.Stream) bool // the stream is of a boot that has ended, and all nodes were asked for its writes

	slots   []Slot
	held    int // slots that are held
	owned   int // and owned
	unready int // owned, and not ready

	revision   uint64 // grows with each change of items or K of a slot, and when slots are released
	asideBytes int    // memory of the items that wait for their slots
	stored     bool   // an item was ever held

	growing []growth // K that is to grow, and is not written yet
}

// growth is what K of a slot grows to when it is durable.
type growth struct {
	at        hashing.Slot
	released  uint64 // of the slot, when it was noted
	known     wire.Vector
	gcCounter uint64
	ready     bool // the slot need wait for no other node any more
}

// New returns a table of slots that are not held.
func New(space hashing.Space, streams Streams, ended func(wire.Stream) bool) Table {
	return Table{space: space, streams: streams, ended: ended, slots: make([]Slot, space.Slots())}
}

// At is a slot.
func (t *Table) At(at hashing.Slot) *Slot { return &t.slots[at] }

// Of is the slot of a hash.
func (t *Table) Of(hash uint64) *Slot { return &t.slots[t.space.Slot(hash)] }

// Space is the space of the slots.
func (t *Table) Space() hashing.Space { return t.space }

// Len is how many slots there are.
func (t *Table) Len() int { return len(t.slots) }

// Held is how many slots are held; Owned how many of them are owned; Unready how many of
// these are not ready.
func (t *Table) Held() int    { return t.held }
func (t *Table) Owned() int   { return t.owned }
func (t *Table) Unready() int { return t.unready }

// Revision grows with each change of items or K of a slot, and when slots are released.
func (t *Table) Revision() uint64 { return t.revision }

// Stored reports that an item was ever held here.
func (t *Table) Stored() bool { return t.stored }

// Where yields the slots for which something holds, in ascending order.
func (t *Table) Where(holds func(*Slot) bool) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for i := range t.slots {
			if holds(&t.slots[i]) && !yield(hashing.Slot(i)) {
				return
			}
		}
	}
}

// OwnedRanges are the slots that are owned.
func (t *Table) OwnedRanges() []wire.SlotRange { return Ranges(t.Where((*Slot).Owned)) }

// changed notes a change of items or K of a slot. If the slot is held for others, what
// its owners have acknowledged is not all: it is to be handed off again.
func (t *Table) changed(s *Slot) {
	t.revision++
	s.changed = t.revision
	if !s.owned {
		s.unacked, s.acked = 0, false
	}
}

// Hold begins to hold a slot, with nothing in it. It reports whether that is new.
func (t *Table) Hold(at hashing.Slot) bool {
	s := &t.slots[at]
	if s.held {
		return false
	}
	s.held = true
	t.held++
	return true
}

// Assign says which slots are owned in a view. A slot that was ready stays ready only if
// keepReady says that no node can have anything that this one lacks. In the first view of
// all there is nothing to bring in, so all slots are ready.
//
// A slot that is not ready gets the GC counter of the node: the nodes that know the slot's
// own may be out of reach.
func (t *Table) Assign(owns func(hashing.Slot) bool, keepReady, first bool, gcCounter uint64) {
	t.unready, t.owned = 0, 0
	for i := range t.slots {
		s, at := &t.slots[i], hashing.Slot(i)
		s.owned = owns(at)
		if !s.owned {
			continue
		}
		s.ready = s.held && s.ready && keepReady || first
		t.Hold(at)
		t.owned++
		if !s.ready {
			t.unready++
			s.gcCounter = max(s.gcCounter, gcCounter)
		}
	}
}

// Serve marks an owned slot as ready.
func (t *Table) Serve(at hashing.Slot) {
	t.slots[at].ready = true
	t.unready--
}

// Release drops slots that are held for others, with everything that is known of them.
func (t *Table) Release(list []wire.SlotRange) {
	t.revision++
	for at := range Each(list) {
		t.held--
		t.slots[at] = Slot{changed: t.revision, removed: t.revision, released: t.revision}
	}
}

// LastRemoval is the revision at the last removal from those of some slots that are not
// before a first one. Items that are read later belong to a later K than what was said
// at an earlier revision.
func (t *Table) LastRemoval(list []wire.SlotRange, first hashing.Slot) (last uint64) {
	for at := range Each(list) {
		if at >= first {
			last = max(last, t.slots[at].removed)
		}
	}
	return last
}

// Put makes an item the one of its key, in the place of old (nil: there was none). write
// is the write of the log that the item will be in.
func (t *Table) Put(hash uint64, item, old *wire.Item, write uint64) {
	s := t.Of(hash)
	if old != nil {
		version.RemoveItem(&s.sum, version.ItemHash(hash, old))
	}
	version.AddItem(&s.sum, version.ItemHash(hash, item))
	s.written, t.stored = write, true
	t.changed(s)
}

// Remove takes an item out of a slot. itemHash is that of the item. write is the write of
// the log that this will be in.
func (t *Table) Remove(at hashing.Slot, itemHash, write uint64) {
	s := &t.slots[at]
	version.RemoveItem(&s.sum, itemHash)
	s.written = write
	t.changed(s)
	s.removed = t.revision
}

// RaiseGCCounter raises the GC counter of a slot at once: items below it go in this
// step, or a write is to be above it.
func (t *Table) RaiseGCCounter(at hashing.Slot, n uint64) {
	t.slots[at].gcCounter = max(t.slots[at].gcCounter, n)
}

// GCCounters are those of slots in a list that have one, from a first slot to a last one.
func (t *Table) GCCounters(list []wire.SlotRange, first, last hashing.Slot) []wire.SlotGCCounter {
	var counters []wire.SlotGCCounter
	for at := first; at <= last && int(at) < len(t.slots); at++ {
		if n := t.slots[at].gcCounter; n > 0 && In(list, at) {
			counters = append(counters, wire.SlotGCCounter{Slot: uint32(at), GCCounter: n})
		}
	}
	return counters
}
