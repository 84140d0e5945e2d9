package ids

import "testing"

func TestEarlierFieldsOfAnIdDecideFirst(t *testing.T) {
	ascending := []Stamp{
		{},
		{Index: 9},
		{Ballot: Ballot{Boot: 1}},
		{Ballot: Ballot{Round: 1}},
		{Ballot: Ballot{Round: 1, Boot: 1}},
		{Ballot: Ballot{View: View{Boot: 1}}},
		{Ballot: Ballot{View: View{Author: 1}}},
		{Ballot: Ballot{View: View{Number: 1}}},
		{Ballot: Ballot{View: View{Number: 1}, Round: 1}},
	}
	for i := range ascending[1:] {
		if a, b := ascending[i], ascending[i+1]; a.Compare(b) >= 0 {
			t.Errorf("%v is not before %v", a, b)
		}
	}
}

func TestOnlyTheBlankIdsAreZero(t *testing.T) {
	if !(View{}).IsZero() || (View{Boot: 1}).IsZero() {
		t.Error("View.IsZero must hold for the empty one alone")
	}
	if !(Ballot{}).IsZero() || (Ballot{Round: 1}).IsZero() || (Ballot{View: View{Author: 1}}).IsZero() {
		t.Error("Ballot.IsZero must hold for the empty one alone")
	}
}
