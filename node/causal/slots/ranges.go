package slots

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// Each yields the slots in ranges.
func Each(ranges []wire.SlotRange) iter.Seq[hashing.Slot] {
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

// Ranges puts ascending slots into ranges that are as long as possible.
func Ranges(list iter.Seq[hashing.Slot]) []wire.SlotRange {
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

// In reports that a slot is in one of ascending ranges.
func In(list []wire.SlotRange, at hashing.Slot) bool {
	_, found := slices.BinarySearchFunc(list, at, beside)
	return found
}

// beside says on which side of a slot a range is: -1 before, 1 after, 0 the slot is in it.
func beside(g wire.SlotRange, at hashing.Slot) int {
	switch {
	case g.First+g.Count <= uint32(at):
		return -1
	case g.First > uint32(at):
		return 1
	}
	return 0
}

// Overlap reports that two lists of ascending ranges share a slot.
func Overlap(a, b []wire.SlotRange) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].First+a[0].Count <= b[0].First:
			a = a[1:]
		case b[0].First+b[0].Count <= a[0].First:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// Count is how many slots are in ranges that do not overlap.
func Count(list []wire.SlotRange) (n uint64) {
	for _, g := range list {
		n += uint64(g.Count)
	}
	return n
}

// All is the range of all slots of a space.
func All(space hashing.Space) []wire.SlotRange {
	return []wire.SlotRange{{First: 0, Count: uint32(space.Slots())}}
}

// Valid cuts ranges of a message down to the slots of a space. Ranges in messages may name
// slots that do not exist.
func Valid(space hashing.Space, list []wire.SlotRange) []wire.SlotRange {
	n := uint32(space.Slots())
	list = slices.DeleteFunc(slices.Clone(list), func(g wire.SlotRange) bool { return g.First >= n || g.Count == 0 })
	for i := range list {
		list[i].Count = min(list[i].Count, n-list[i].First)
	}
	return list
}

// Hashes are the ranges of key hashes that ranges of slots stand for: a slot is the top bits of
// the hash.
func Hashes(space hashing.Space, list []wire.SlotRange) []wire.HashRange {
	out := make([]wire.HashRange, 0, len(list))
	for _, g := range list {
		out = append(out, hashes(space, g))
	}
	return out
}

func hashes(space hashing.Space, g wire.SlotRange) wire.HashRange {
	if space == 0 {
		return wire.HashRange{First: 0, Last: ^uint64(0)}
	}
	shift := 64 - uint(space)
	first := uint64(g.First) << shift
	return wire.HashRange{First: first, Last: first + uint64(g.Count)<<shift - 1}
}
