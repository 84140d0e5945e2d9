package causal

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// slots is what this node has of each slot.
type slots struct {
	space    hashing.Space
	all      []slot
	held     int    // of them
	owned    int    // and held
	revision uint64 // of the last change
	unready  int    // that are owned
}

// slot is a set of keys that moves together.
type slot struct {
	held  bool
	owned bool
	ready bool
	// known is K, but for the streams of this view: for those the tracks count, in
	// slots that are owned and ready.
	known wire.Vector
	// pending is what K grows to when all that is written is durable.
	pending    wire.Vector
	sum        wire.Sum
	gcCounter  uint64 // no counter of a collected tombstone is larger
	aside      []wire.Item
	merging    []wire.Item // those of aside that are being merged
	unmerged   int         // how many of them are left; when it gets to 0 the slot is ready
	seq        uint64      // the last write to it
	revision   uint64      // the last change of its items, or of K of it
	releasedAt uint64      // releases when the slot was released last: what was begun before does not count
	removedAt  uint64      // removals when something was last removed from it: the slot was released, or an item dropped
	asked      bool        // every node was asked for writes of ended boots, since the slot is held and in this view
	lost       wire.Vector // of the writes up to here, those that are not here are lost (docs/causal.md §10)
	unacked    int         // of a slot that is held for others: owners that have not acknowledged it
	acked      bool        // by all of them: it may be released
}

func newSlots(space hashing.Space) slots {
	return slots{space: space, all: make([]slot, space.Slots())}
}

// changed marks a change of a slot. If the slot is held for others, it is handed off
// again: what the owners acknowledged is not all.
func (t *slots) changed(s *slot) {
	t.revision++
	s.revision = t.revision
	if !s.owned {
		s.unacked, s.acked = 0, false
	}
}

// blank reports that there is nothing to be had of a slot.
func (s *slot) blank() bool { return s.sum.Count == 0 && len(s.known) == 0 && s.gcCounter == 0 }

// of is the slot of a hash.
func (t *slots) of(hash uint64) *slot { return &t.all[t.space.Slot(hash)] }

// each yields the slots in ranges.
func each(ranges []wire.SlotRange) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for _, g := range ranges {
			for i := range g.Count {
				if !yield(hashing.Slot(g.First + i)) {
					return
				}
			}
		}
	}
}

// ranges puts ascending slots into runs.
func ranges(list iter.Seq[hashing.Slot]) []wire.SlotRange {
	var out []wire.SlotRange
	for s := range list {
		if n := len(out) - 1; n >= 0 && out[n].First+out[n].Count == uint32(s) {
			out[n].Count++
		} else {
			out = append(out, wire.SlotRange{First: uint32(s), Count: 1})
		}
	}
	return out
}

// where yields the slots for which something holds.
func (t *slots) where(holds func(*slot) bool) iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for i := range t.all {
			if holds(&t.all[i]) && !yield(hashing.Slot(i)) {
				return
			}
		}
	}
}

// valid keeps the parts of ranges that are slots: they may come from anywhere.
func (t *slots) valid(list []wire.SlotRange) []wire.SlotRange {
	n := uint32(len(t.all))
	list = slices.DeleteFunc(slices.Clone(list), func(g wire.SlotRange) bool { return g.First >= n || g.Count == 0 })
	for i := range list {
		list[i].Count = min(list[i].Count, n-list[i].First)
	}
	return list
}

// hashes is the range of hashes of a run of slots.
func (t *slots) hashes(g wire.SlotRange) wire.HashRange {
	shift := 64 - uint(t.space)
	if t.space == 0 {
		return wire.HashRange{First: 0, Last: ^uint64(0)}
	}
	first := uint64(g.First) << shift
	return wire.HashRange{First: first, Last: first + uint64(g.Count)<<shift - 1}
}

func (t *slots) hashRanges(list []wire.SlotRange) []wire.HashRange {
	out := make([]wire.HashRange, 0, len(list))
	for _, g := range list {
		out = append(out, t.hashes(g))
	}
	return out
}

// apart is the largest counter of a key among what is not merged yet.
func (s *slot) apart(key string) (counter uint64) {
	for _, list := range [][]wire.Item{s.aside, s.merging} {
		for i := range list {
			if list[i].Key == key {
				counter = max(counter, list[i].Version.Counter)
			}
		}
	}
	return counter
}

// live reports that the tracks of this view's streams count for a slot.
func (s *slot) live() bool { return s.owned && s.ready }

// knownDurable reports that K of a slot has a position, durably.
func (r *Replica) knownDurable(s *slot, stream wire.Stream, n uint64) bool {
	if s.known.At(stream) >= n {
		return true
	}
	return s.owned && r.streams.Durable(stream, n, s.ready)
}

// knownOrPending is knownDurable, when all that is written is durable.
func (r *Replica) knownOrPending(s *slot, stream wire.Stream, n uint64) bool {
	if r.knownDurable(s, stream, n) || s.pending.At(stream) >= n {
		return true
	}
	return s.live() && r.streams.Got(stream, n)
}

// satisfied reports that no request need wait for a position in a slot: K has it, or it
// is lost.
func (r *Replica) satisfied(s *slot, stream wire.Stream, n uint64) bool {
	return r.knownDurable(s, stream, n) || s.lost.At(stream) >= n || s.asked && r.boots.streamEnded(stream)
}

// foldedSatisfied reports that a slot satisfies the folded part of a context
// (docs/causal.md §2).
func (r *Replica) foldedSatisfied(c *wire.Context, at hashing.Slot) bool {
	return mutant.On(mutant.CausalReadWithoutWait) || r.hasFolded(c, at, r.satisfied)
}

// knownRule is a rule by which a slot has a position.
type knownRule func(s *slot, stream wire.Stream, n uint64) bool

// hasFolded reports that a slot has the folded part of a context, by a rule.
func (r *Replica) hasFolded(c *wire.Context, at hashing.Slot, rule knownRule) bool {
	if !r.hasVector(c.Vector, at, rule) {
		return false
	}
	for _, name := range c.CutRefs {
		if !r.hasCut(name, at, rule) {
			return false
		}
	}
	return true
}

func (r *Replica) hasVector(v wire.Vector, at hashing.Slot, rule knownRule) bool {
	s := &r.slots.all[at]
	for i := range v {
		p := &v[i]
		if !rule(s, p.Stream, p.N) && r.catalog.Concerns(p.Stream, at) {
			r.suspect(p.Stream)
			return false
		}
	}
	return true
}

func (r *Replica) hasCut(name ids.View, at hashing.Slot, rule knownRule) bool {
	if mutant.On(mutant.CausalCutReferenceByView) {
		return r.view != nil && (r.view.ID == name || r.view.Descends(name))
	}
	v := r.catalog.CommonCut(name)
	return v != nil && r.hasVector(v.StableCut, at, rule)
}

// knowledge is K of a slot as it is reported to others, when all that is written is
// durable.
func (r *Replica) knowledge(s *slot, j *version.Joiner) wire.Vector {
	v := s.known
	if s.owned && r.view != nil {
		v = j.Join(v, r.streams.Vector(s.ready))
	}
	return v
}

// inRanges reports that a slot is in one of ascending ranges.
func inRanges(list []wire.SlotRange, at hashing.Slot) bool {
	_, found := slices.BinarySearchFunc(list, at, beside)
	return found
}

// beside orders a range among ascending ones against a slot; 0: the slot is in it.
func beside(g wire.SlotRange, at hashing.Slot) int {
	switch {
	case g.First+g.Count <= uint32(at):
		return -1
	case g.First > uint32(at):
		return 1
	}
	return 0
}
