package slots

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
)

func TestASetOfSlotsIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := NewSet(7), map[hashing.Slot]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			at := hashing.Slot(rapid.IntRange(0, 127).Draw(t, "slot"))
			if rapid.Bool().Draw(t, "add") {
				s.Add(at)
				model[at] = true
				continue
			}
			if s.Remove(at) != model[at] {
				t.Fatalf("slot %d was in the set: %t", at, !model[at])
			}
			delete(model, at)
		}
		if got, want := slices.Collect(s.All()), slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) || s.Len() != len(want) {
			t.Fatalf("%v, %d; want %v", got, s.Len(), want)
		}
	})
}
