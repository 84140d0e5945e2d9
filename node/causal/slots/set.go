package slots

import (
	"iter"
	"math/bits"

	"github.com/cohortkv/cohort/hashing"
)

// Set is a set of slots of one space, as a bitmap.
type Set struct {
	words []uint64 // slot i is bit i%64 of words[i/64]
	n     int      // slots in the set
}

// NewSet returns an empty set of slots of a space.
func NewSet(space hashing.Space) Set {
	return Set{words: make([]uint64, (space.Slots()+63)/64)}
}

// Len is how many slots are in the set.
func (s *Set) Len() int { return s.n }

// Add adds a slot.
func (s *Set) Add(at hashing.Slot) {
	if !s.has(at) {
		s.words[at/64] |= 1 << (at % 64)
		s.n++
	}
}

func (s *Set) has(at hashing.Slot) bool { return s.words[at/64]>>(at%64)&1 == 1 }

// Remove takes a slot out, and reports whether the slot was in the set.
func (s *Set) Remove(at hashing.Slot) bool {
	if !s.has(at) {
		return false
	}
	s.words[at/64] &^= 1 << (at % 64)
	s.n--
	return true
}

// All yields the slots, ascending. The set must not change meanwhile.
func (s *Set) All() iter.Seq[hashing.Slot] {
	return func(yield func(hashing.Slot) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(hashing.Slot(64*i + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
