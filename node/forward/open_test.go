package forward_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/forward"
)

// TestTheLowestOpenNumberIsThatOfTheOldestOpenRequest compares an Open with a list of open numbers.
func TestTheLowestOpenNumberIsThatOfTheOldestOpenRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o forward.Open[uint64]
		var open []uint64 // ascending
		given := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				given++
				if n := o.Add(given); n != given {
					t.Fatalf("number %d after %d", n, given-1)
				}
				open = append(open, given)
			},
			"skip": func(t *rapid.T) {
				given++
				if n := o.Skip(); n != given {
					t.Fatalf("number %d after %d", n, given-1)
				}
			},
			"close": func(t *rapid.T) {
				n := rapid.Uint64Range(0, given+1).Draw(t, "number")
				o.Close(n)
				open = slices.DeleteFunc(open, func(m uint64) bool { return m == n })
			},
			"": func(t *rapid.T) {
				lowest := given + 1
				if len(open) > 0 {
					lowest = open[0]
				}
				if got := o.Lowest(); got != lowest {
					t.Fatalf("the lowest open number is %d, not %d", got, lowest)
				}
				if got := slices.Collect(o.Ascending()); !slices.Equal(got, open) || o.Len() != len(open) {
					t.Fatalf("open are %v, not %v", got, open)
				}
				for n := range given + 2 {
					if _, ok := o.Get(n); ok != slices.Contains(open, n) {
						t.Fatalf("request %d is open: %t", n, ok)
					}
				}
			},
		})
	})
}
