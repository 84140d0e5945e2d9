// Package slots has what a node holds and knows of each slot (docs/causal.md §1.1). It says
// whether the node owns the slot, whether the slot is ready, and how far its knowledge reaches
// (K). It has the sum of the slot's items, and the items that are kept aside.
//
// A Table owns all of this. Other packages read a Slot, and change it through the Table, which
// keeps these rules:
//
//   - A slot that is owned is held. A slot that is live (owned and ready) counts the tracks
//     of the view.
//   - K covers a write only if the node has the write, or a version that won over it, durably,
//     or if the key was deleted and the tombstone collected (I15). So K grows in two steps.
//     Grow notes pending knowledge. Apply raises K when everything that this means is durable.
//   - K and the GC counter of a slot only grow while the slot is held. Release ends that: K
//     goes together with the items, because K without them would be untrue.
//   - Each change of items or K, and each release, raises the revision of the table. A slot
//     held for others that has changed must be handed off again (I25).
//
// What concerns one slot alone is a method of Slot. What only reads a Table is a function.
//
// A Table does not read or write items. The caller persists items and holdings in the order in
// which it tells the Table of them. A Table is a value without I/O. One goroutine at a time
// may use it.
package slots

import "github.com/cohortkv/cohort/node/wire"

// Slot is what this node has of one slot, the keys that live in one shard and move together.
// Owned and held are apart, because a view may take a slot away whose items no new owner has
// yet (I25).
type Slot struct {
	held  bool // items are kept here
	owned bool // the view assigns the slot to this node's shard; implies held
	ready bool // may be served, if owned; batches are merged into it, and tracks count for it

	known     wire.Vector // durable K, without the streams of this view (I15); shared by many slots
	pending   wire.Vector // pending knowledge: K when all writes so far are durable; known may have a part of it
	gcCounter uint64      // no tombstone that was collected in the slot has a larger counter (I13)

	unwritten bool // readiness, K or the GC counter is not as in the last holdings that were taken to be persisted

	sum     wire.Sum // of the items, as all writes so far leave them
	written uint64   // the last write of the log that changes an item of the slot

	// Revisions of the table; released ≤ removed ≤ changed. An exchange or a read that began
	// before the last release concludes nothing about the slot.
	changed  uint64 // at the last change of items or K
	removed  uint64 // at the last removal, of an item or of the whole slot
	released uint64 // at the last release; 0: never

	aside    []wire.Item // items of batches that wait for the slot to be ready; K does not cover them
	merging  []wire.Item // items that were aside and are being merged
	unmerged int         // how many of merging are not durable yet; the slot becomes ready at 0

	// inquired says that an inquiry has ended since the slot is held, and in this view. Then
	// a write of an ended boot that K lacks is lost.
	inquired bool
	lost     wire.Vector // up to these positions, what K lacks is lost (docs/causal.md §10)

	unacked int  // of a slot held for others: counted owners that have not acknowledged it
	acked   bool // of a slot held for others: all owners have acknowledged it as it is now
}

// Held reports that items of the slot are kept here, whether it is owned or not.
func (s *Slot) Held() bool { return s.held }

// Owned reports that the view gives the slot to this node's shard.
func (s *Slot) Owned() bool { return s.owned }

// Ready reports that the slot may be served, if it is owned. A slot held for others was owned and
// ready in the view before, and lacks nothing of it: that lets its new owners become ready from it
// (docs/causal.md §7.5, rule 1).
func (s *Slot) Ready() bool { return s.ready }

// ReadyFor is what another node is told of Ready. In another view the flag of a slot held for
// others says nothing, because its owners of this view take writes.
func (s *Slot) ReadyFor(sameView bool) bool { return s.ready && (s.owned || sameView) }

// Live reports that the tracks of this view count for the slot.
func (s *Slot) Live() bool { return s.owned && s.ready }

// Known is durable K, without the streams of this view. Many slots share it, and it must not be
// changed.
func (s *Slot) Known() wire.Vector { return s.known }

// GCCounter is the GC counter of the slot: a write must be above it (I13).
func (s *Slot) GCCounter() uint64 { return s.gcCounter }

// Sum is the sum of the items when all writes so far are durable.
func (s *Slot) Sum() wire.Sum { return s.sum }

// Written is the last write of the log that changes an item of the slot. What shows items
// waits until that write is durable.
func (s *Slot) Written() uint64 { return s.written }

// Changed is the revision of the table at the last change of the slot.
func (s *Slot) Changed() uint64 { return s.changed }

// Released is the revision of the table when the slot was released last; 0: never.
func (s *Slot) Released() uint64 { return s.released }

// Blank reports that the slot has no items, no K and no GC counter: nothing to hand off.
func (s *Slot) Blank() bool { return s.sum.Count == 0 && len(s.known) == 0 && s.gcCounter == 0 }
