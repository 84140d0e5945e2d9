package slots

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/wire"
)

// TestHoldingsSayOfEachSlotWhatWasAdded also reads them in both ways: at a place, and
// from the first slot to the last.
func TestHoldingsSayOfEachSlotWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vectors := rapid.SliceOfN(draw.Vector, 1, 3).Draw(t, "vectors")
		var w Writer
		want := map[hashing.Slot]wire.HeldSlots{}
		for _, at := range slotsGen(5).Draw(t, "slots") {
			i := rapid.IntRange(0, len(vectors)-1).Draw(t, "vector")
			s := wire.HeldSlots{Vector: uint32(i), Ready: rapid.Bool().Draw(t, "ready"), GCCounter: rapid.Uint64Range(0, 1).Draw(t, "gc counter")}
			w.Add(at, vectors[i], s.Ready, s.GCCounter)
			want[at] = s
		}
		r := Reader{Held: &w.Holdings}
		for at := range hashing.Slot(32) {
			run := w.Holdings.Of(uint32(at))
			if next := r.Next(at); next != run {
				t.Fatalf("slot %d: %v in order, %v at its place", at, next, run)
			}
			s, held := want[at]
			switch {
			case held != (run != nil):
				t.Fatalf("slot %d is held: %t, want %t", at, run != nil, held)
			case held && (run.Ready != s.Ready || run.GCCounter != s.GCCounter || !slices.Equal(w.Holdings.Vectors[run.Vector], vectors[s.Vector])):
				t.Fatalf("slot %d: %+v, want %+v", at, run, s)
			}
		}
	})
}
