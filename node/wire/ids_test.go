package wire

import (
	"reflect"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"pgregory.net/rapid"
)

// checkOrder checks that compare is a total order in which only equal values are
// equal, over values that share most of their fields.
func checkOrder[T comparable](t *testing.T, compare func(a, b T) int) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.Custom(func(t *rapid.T) T {
			var v T
			fill(fewNumbers{drawn{t}}, "", reflect.ValueOf(&v).Elem())
			return v
		})
		a, b, c := few.Draw(t, "a"), few.Draw(t, "b"), few.Draw(t, "c")
		if ab, ba := compare(a, b), compare(b, a); ab != -ba || (ab == 0) != (a == b) {
			t.Fatalf("%v against %v is %d, the other way %d", a, b, ab, ba)
		}
		if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
			t.Fatalf("%v ≤ %v ≤ %v, but not the first ≤ the last", a, b, c)
		}
	})
}

type fewNumbers struct{ drawn }

func (f fewNumbers) number() uint64 { return rapid.Uint64Range(0, 1).Draw(f.T, "number") }

func TestIdsAreInATotalOrder(t *testing.T) {
	t.Run("view id", func(t *testing.T) { checkOrder(t, ids.View.Compare) })
	t.Run("ballot", func(t *testing.T) { checkOrder(t, ids.Ballot.Compare) })
	t.Run("stamp", func(t *testing.T) { checkOrder(t, ids.Stamp.Compare) })
}
