// Package items changes the items of a causal replica, and reads them from the store
// (docs/causal.md §5). It decides which of two versions of a key stays, accounts for each change
// in the slots and in the garbage collection, and knows what the store does not have yet.
//
// Merging is commutative, associative and idempotent, so replicas come to hold the same items,
// whichever arrive first (I18).
//
// Items is a state machine without I/O: changes go to a step.Step, and reads are asked for there.
// One goroutine at a time may use it.
package items

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

var events core.EventKinds

// Events lists the kinds of events of this package.
func Events() core.EventKinds { return events }

// EventConflict says that two writes came under one dot.
var EventConflict = events.Warn("causal_two_contents", "one version of a key had two contents; all replicas keep the same one", core.OfPeer)

// Results remember which forwarded writes were applied.
type Results interface {
	// Remember takes in an item, also if it is not stored: its write was applied somewhere.
	Remember(item *wire.Item, here, existed bool)
}

// Items are the items of one node, without those that the store has and that nobody has asked for.
type Items struct {
	step      *step.Step
	slots     *slots.Table
	collector *gc.Collector
	results   Results
	dropped   func(key string) // called when an item is removed
	chunk     int              // bytes of one read of slots

	overlay overlay
	keys    keyReads
	pieces  slotReads
	vectors footprint.Vectors // vectors of items that were stored last, to be shared by the next ones
}

// New returns the items of a node that holds none. dropped is called when an item is removed.
// chunk is the most bytes of one read of slots.
func New(s *step.Step, t *slots.Table, c *gc.Collector, results Results, dropped func(key string), chunk int) *Items {
	return &Items{step: s, slots: t, collector: c, results: results, dropped: dropped, chunk: chunk}
}

// BeginStep begins a step. The items of the last step's overlay go, unless a read of the store is
// under way that began before they were written.
func (t *Items) BeginStep() { t.overlay.reset(t.keys.open() + t.pieces.open()) }

// Current is the item that a key holds now, given the item that the store had when it was read;
// nil: none.
func (t *Items) Current(key string, stored *wire.Item) *wire.Item {
	return t.overlay.current(key, stored)
}

// Shared is a vector that items share if they have equal ones.
func (t *Items) Shared(v wire.Vector) wire.Vector { return t.vectors.Shared(v) }

// Newest replaces items that were read from the store by those that were written since, and
// leaves out those that were removed since. The list keeps its memory.
func (t *Items) Newest(items []wire.Item) []wire.Item {
	out := items[:0]
	for i := range items {
		if item := t.Current(items[i].Key, &items[i]); item != nil {
			out = append(out, *item)
		}
	}
	return out
}

// Put stores an item in the place of old, the item that its key holds (nil: none). The
// caller has decided that the item wins. Within one CausalWrite a removal comes after all
// puts, so a key that this step has removed is persisted first.
func (t *Items) Put(hash uint64, item *wire.Item, old *wire.Item) {
	if old != nil {
		t.collector.Removed(old)
	}
	if slices.Contains(t.step.Change.Drop, item.Key) {
		t.step.Commit()
	}
	stored := *item
	stored.Deps.Vector = t.Shared(item.Deps.Vector)
	t.step.Change.Put = append(t.step.Change.Put, stored)
	t.overlay.set(item.Key, item)
	t.slots.Put(hash, item, old, t.step.LastWrite()+1)
	if item.Deleted {
		t.collector.Note(item, hash, t.slots.Space().Slot(hash))
	}
}

// Remove removes the item of a key from the state and from the slot's sum. itemHash is its
// version.ItemHash. K of the slot must cover the item, so that it is not taken again (I19).
func (t *Items) Remove(at hashing.Slot, old *wire.Item, itemHash uint64) {
	t.collector.Removed(old)
	t.dropped(old.Key)
	t.step.Change.Drop = append(t.step.Change.Drop, old.Key)
	t.overlay.set(old.Key, nil)
	t.slots.Remove(at, itemHash, t.step.LastWrite()+1)
}

// Release removes the items of slots that are released, and K with them (I15).
func (t *Items) Release(list []wire.SlotRange) {
	t.slots.Release(list)
	t.step.Commit() // items that this step wrote to these slots are persisted before the slots go
	t.overlay.free(t.slots.Space(), list)
	t.step.Change.Free = append(t.step.Change.Free, slots.Hashes(t.slots.Space(), list)...)
	t.collector.Released(func(at hashing.Slot) bool { return slots.In(list, at) })
	t.step.Commit()
}
