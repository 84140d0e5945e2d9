package wire

import (
	"testing"

	"pgregory.net/rapid"
)

func TestAnIndexFindsWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few hashes, so that they repeat, and alike, so that they meet in a cell.
		hashes := rapid.SliceOfN(rapid.Map(rapid.Uint64Range(0, 99), func(n uint64) uint64 { return n<<8 | n }), 0, MaxIndexed).Draw(t, "hashes")
		var x HashIndex
		places := map[uint64]int{}
		for i, h := range hashes {
			want, known := places[h]
			if !known {
				want, places[h] = i, i
			}
			if got, found := x.Place(h, i); got != want || found != known {
				t.Fatalf("hash %d, number %d: place %d, known %v, not %d, %v", h, i, got, found, want, known)
			}
		}
	})
}

func TestAnIndexHoldsAsManyAsItSays(t *testing.T) {
	var x HashIndex
	for i := range MaxIndexed {
		x.Place(uint64(i)*uint64(len(x.cells)), i) // all begin in one cell
	}
	for i := range MaxIndexed {
		if place, known := x.Place(uint64(i)*uint64(len(x.cells)), 0); place != i || !known {
			t.Fatalf("number %d is at %d, known %v", i, place, known)
		}
	}
}
