// Package slots has what a node holds and knows of each slot (docs/causal.md §1.1). It
// knows which slots the node owns, which of them are ready, and how far knowledge of a slot
// reaches (K). It has the sum of a slot's items, and the items that wait for the slot.
//
// A Table owns all of this. Others read a Slot, and change it through the Table, which
// keeps these rules:
//
//   - A slot that is owned is held. A slot that is ready is owned.
//   - K covers a write only if the node has it, or what won over it, durably (I15). So K
//     grows in two steps: Grow notes what K is to be, and Apply raises it when everything
//     that this means is durable.
//   - K and the GC counter of a slot only grow while the slot is held. Release ends that:
//     all of the slot goes at once, K with the items.
//   - Each change of items or K, and each release, raises the revision of the table. A slot
//     keeps the revisions of its last change, removal and release. What is held for others
//     and has changed is to be handed off again.
//
// A Table is a value without I/O. It may be used by one goroutine at a time.
package slots

import "github.com/cohortkv/cohort/node/wire"

// Slot is what this node has of one slot: a set of keys that moves together.
type Slot struct {
	held  bool
	owned bool
	ready bool // it may be served; items of broadcasts are merged into it, and tracks count for it

	known     wire.Vector // durable K, without the streams of this view
	pending   wire.Vector // what K grows to when everything that is written is durable; a part of it may be in known
	gcCounter uint64      // no tombstone that was collected has a larger counter

	sum     wire.Sum // of the items, written or about to be
	written uint64   // the last write of the log that has a change of the items

	// Revisions of the table, in descending order. Whatever was begun before the slot was
	// released, and has read or compared it, does not count.
	changed  uint64 // at the last change of items or K
	removed  uint64 // at the last removal: of an item, or of the whole slot
	released uint64 // at the last release

	aside    []wire.Item // of broadcasts, that wait for the slot to be ready
	merging  []wire.Item // those that are being merged
	unmerged int         // how many of merging are left; the slot is ready after the last one

	// inquired says that every node was asked for writes of ended boots since the slot is
	// held, and in this view. Then a write of an ended boot that is not here is lost.
	inquired bool
	lost     wire.Vector // positions up to which what is not here is lost (docs/causal.md §10)

	unacked int  // of a slot that is held for others: owners that have not acknowledged it
	acked   bool // all owners have acknowledged it as it is now: it may be released
}

// Held reports that items of the slot are kept here, whether it is owned or not.
func (s *Slot) Held() bool { return s.held }

// Owned reports that the view gives the slot to this node's shard.
func (s *Slot) Owned() bool { return s.owned }

// Ready reports that the slot may be served. A slot that is held for others says here
// whether it was ready when it was owned.
func (s *Slot) Ready() bool { return s.ready }

// Live reports that the tracks of this view count for the slot.
func (s *Slot) Live() bool { return s.owned && s.ready }

// Known is durable K, without the streams of this view. It is shared by many slots, and
// not to be changed.
func (s *Slot) Known() wire.Vector { return s.known }

// GCCounter is the GC counter of the slot.
func (s *Slot) GCCounter() uint64 { return s.gcCounter }

// Sum is the sum of the items, when everything that is written is durable.
func (s *Slot) Sum() wire.Sum { return s.sum }

// Written is the last write of the log that has a change of the items.
func (s *Slot) Written() uint64 { return s.written }

// Changed is the revision of the table at the last change of the slot.
func (s *Slot) Changed() uint64 { return s.changed }

// Released is the revision of the table when the slot was released last; 0: never.
func (s *Slot) Released() uint64 { return s.released }

// Blank reports that nothing of the slot is worth handing off.
func (s *Slot) Blank() bool { return s.sum.Count == 0 && len(s.known) == 0 && s.gcCounter == 0 }
