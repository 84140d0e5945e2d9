package slots

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
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
		runs := Ranges(slices.Values(list))
		if got := slices.Collect(Each(runs)); !slices.Equal(got, list) {
			t.Fatalf("%v as %v are %v", list, runs, got)
		}
		for i := 1; i < len(runs); i++ {
			if runs[i-1].First+runs[i-1].Count >= runs[i].First {
				t.Fatalf("runs that touch: %v", runs)
			}
		}
		if !slices.Equal(Valid(6, runs), runs) {
			t.Fatalf("%v are not all valid", runs)
		}
	})
}

func TestOfRunsThatCameFromAnywhereTheSlotsAreKept(t *testing.T) {
	huge := ^uint32(0)
	list := []wire.SlotRange{{First: 6, Count: 5}, {First: 2, Count: 0}, {First: 8, Count: 1}, {First: 0, Count: huge}, {First: huge, Count: huge}, {First: 3, Count: 2}}
	want := []wire.SlotRange{{First: 6, Count: 2}, {First: 0, Count: 8}, {First: 3, Count: 2}}
	before := slices.Clone(list)
	if got := Valid(3, list); !slices.Equal(got, want) || !slices.Equal(list, before) {
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
				h := Hashes(space, []wire.SlotRange{run})[0]
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
