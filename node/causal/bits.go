package causal

import (
	"iter"
	"math/bits"

	"github.com/cohortkv/cohort/hashing"
)

// slotSet is a set of slots.
type slotSet struct {
	words []uint64
	n     int
}

func newSlotSet(space hashing.Space) slotSet {
	return slotSet{words: make([]uint64, (space.Slots()+63)/64)}
}

func (s *slotSet) add(at hashing.Slot) {
	if !s.has(at) {
		s.words[at/64] |= 1 << (at % 64)
		s.n++
	}
}

func (s *slotSet) has(at hashing.Slot) bool { return s.words[at/64]>>(at%64)&1 == 1 }

// remove reports whether the slot was in the set.
func (s *slotSet) remove(at hashing.Slot) bool {
	if !s.has(at) {
		return false
	}
	s.words[at/64] &^= 1 << (at % 64)
	s.n--
	return true
}

// all yields the slots, ascending.
func (s *slotSet) all() iter.Seq[hashing.Slot] {
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
