package causal

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/wire"
)

// slotsGen makes ascending slots of a space.
func slotsGen(space hashing.Space) *rapid.Generator[[]hashing.Slot] {
	return rapid.Custom(func(t *rapid.T) []hashing.Slot {
		var list []hashing.Slot
		for _, s := range rapid.SliceOfN(rapid.IntRange(0, space.Slots()-1), 0, 40).Draw(t, "slots") {
			list = append(list, hashing.Slot(s))
		}
		slices.Sort(list)
		return slices.Compact(list)
	})
}

func TestRunsOfSlotsAreTheSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := slotsGen(6).Draw(t, "slots")
		runs := ranges(slices.Values(list))
		if got := slices.Collect(each(runs)); !slices.Equal(got, list) {
			t.Fatalf("%v as %v are %v", list, runs, got)
		}
		for i := 1; i < len(runs); i++ {
			if runs[i-1].First+runs[i-1].Count >= runs[i].First {
				t.Fatalf("runs that touch: %v", runs)
			}
		}
		s := newSlots(6)
		if !slices.Equal(s.valid(runs), runs) {
			t.Fatalf("%v are not all valid", runs)
		}
	})
}

func TestOfRunsThatCameFromAnywhereTheSlotsAreKept(t *testing.T) {
	s := newSlots(3)
	huge := ^uint32(0)
	list := []wire.SlotRange{{First: 6, Count: 5}, {First: 2, Count: 0}, {First: 8, Count: 1}, {First: 0, Count: huge}, {First: huge, Count: huge}, {First: 3, Count: 2}}
	want := []wire.SlotRange{{First: 6, Count: 2}, {First: 0, Count: 8}, {First: 3, Count: 2}}
	before := slices.Clone(list)
	if got := s.valid(list); !slices.Equal(got, want) || !slices.Equal(list, before) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTheHashesOfARunAreThoseOfItsSlots(t *testing.T) {
	for _, space := range []hashing.Space{0, 1, 3, 14, 16} {
		t.Run(fmt.Sprint(space), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := space.Slots()
				first := rapid.IntRange(0, n-1).Draw(t, "first")
				run := wire.SlotRange{First: uint32(first), Count: uint32(rapid.IntRange(1, n-first).Draw(t, "count"))}
				s := newSlots(space)
				h := s.hashes(run)
				for _, hash := range []uint64{0, h.First - 1, h.First, h.First + 1, h.Last - 1, h.Last, h.Last + 1, ^uint64(0), rapid.Uint64().Draw(t, "hash")} {
					in := h.First <= hash && hash <= h.Last
					if at := uint32(space.Slot(hash)); in != (at-run.First < run.Count) {
						t.Fatalf("hash %x of slot %d is in the hashes %x of %v: %t", hash, at, h, run, in)
					}
				}
			})
		})
	}
}

func TestASetOfSlotsIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := newSlotSet(7), map[hashing.Slot]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			at := hashing.Slot(rapid.IntRange(0, 127).Draw(t, "slot"))
			if rapid.Bool().Draw(t, "add") {
				s.add(at)
				model[at] = true
				continue
			}
			if s.remove(at) != model[at] {
				t.Fatalf("slot %d was in the set: %t", at, !model[at])
			}
			delete(model, at)
		}
		if got, want := slices.Collect(s.all()), slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) || s.n != len(want) {
			t.Fatalf("%v, %d; want %v", got, s.n, want)
		}
	})
}

// TestHoldingsSayOfEachSlotWhatWasAdded also reads them in both ways: at a place, and
// from the first slot to the last.
func TestHoldingsSayOfEachSlotWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vectors := rapid.SliceOfN(draw.Vector, 1, 3).Draw(t, "vectors")
		var w holdingsWriter
		want := map[hashing.Slot]wire.HeldSlots{}
		for _, at := range slotsGen(5).Draw(t, "slots") {
			i := rapid.IntRange(0, len(vectors)-1).Draw(t, "vector")
			s := wire.HeldSlots{Vector: uint32(i), Ready: rapid.Bool().Draw(t, "ready"), GCCounter: rapid.Uint64Range(0, 1).Draw(t, "gc counter")}
			w.add(at, vectors[i], s.Ready, s.GCCounter)
			want[at] = s
		}
		r := holdingsReader{held: &w.holdings}
		for at := range hashing.Slot(32) {
			run := w.holdings.Of(uint32(at))
			if next := r.next(at); next != run {
				t.Fatalf("slot %d: %v in order, %v at its place", at, next, run)
			}
			s, held := want[at]
			switch {
			case held != (run != nil):
				t.Fatalf("slot %d is held: %t, want %t", at, run != nil, held)
			case held && (run.Ready != s.Ready || run.GCCounter != s.GCCounter || !slices.Equal(w.holdings.Vectors[run.Vector], vectors[s.Vector])):
				t.Fatalf("slot %d: %+v, want %+v", at, run, s)
			}
		}
	})
}
