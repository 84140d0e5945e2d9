package wire

import (
	"reflect"
	"testing"

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
	t.Run("view id", func(t *testing.T) { checkOrder(t, ViewID.Compare) })
	t.Run("ballot", func(t *testing.T) { checkOrder(t, Ballot.Compare) })
	t.Run("stamp", func(t *testing.T) { checkOrder(t, Stamp.Compare) })
}

func TestEarlierFieldsOfAnIdDecideFirst(t *testing.T) {
	ascending := []Stamp{
		{},
		{Index: 9},
		{Ballot: Ballot{Boot: 1}},
		{Ballot: Ballot{Round: 1}},
		{Ballot: Ballot{Round: 1, Boot: 1}},
		{Ballot: Ballot{View: ViewID{Boot: 1}}},
		{Ballot: Ballot{View: ViewID{Author: 1}}},
		{Ballot: Ballot{View: ViewID{Number: 1}}},
		{Ballot: Ballot{View: ViewID{Number: 1}, Round: 1}},
	}
	for i := range ascending[1:] {
		if a, b := ascending[i], ascending[i+1]; a.Compare(b) >= 0 {
			t.Errorf("%v is not before %v", a, b)
		}
	}
}

func TestOnlyTheBlankIdsAreZero(t *testing.T) {
	if !(ViewID{}).IsZero() || (ViewID{Boot: 1}).IsZero() {
		t.Error("ViewID.IsZero must hold for the empty one alone")
	}
	if !(Ballot{}).IsZero() || (Ballot{Round: 1}).IsZero() || (Ballot{View: ViewID{Author: 1}}).IsZero() {
		t.Error("Ballot.IsZero must hold for the empty one alone")
	}
}
