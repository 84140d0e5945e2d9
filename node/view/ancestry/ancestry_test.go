package ancestry

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func id(n uint64, author ids.Node) ids.View {
	return ids.View{Number: n, Author: author, Boot: 5}
}

func layout(members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: "h:1"})
	}
	return l
}

func TestAncestorsKeepTheLargerRenewalAndTheHighestViews(t *testing.T) {
	a := []wire.Ancestor{{View: id(1, 1)}, {View: id(2, 1), Renewed: 3}}
	b := []wire.Ancestor{{View: id(2, 1), Renewed: 1}, {View: id(2, 2)}}
	want := []wire.Ancestor{{View: id(1, 1)}, {View: id(2, 1), Renewed: 3}, {View: id(2, 2)}}
	if d := cmp.Diff(want, Merge(a, b)); d != "" {
		t.Error(d)
	}
	var many []wire.Ancestor
	for n := range uint64(MaxAncestors) {
		many = append(many, wire.Ancestor{View: id(n+10, 1)})
	}
	got := Merge(many, a)
	if len(got) != MaxAncestors || got[0].View != id(10, 1) {
		t.Errorf("%d ancestors from %v on, want the highest %d", len(got), got[0].View, MaxAncestors)
	}
}

// TestRecordsAreAddedToCopies: the lists of a view may be part of a message that was sent.
func TestRecordsAreAddedToCopies(t *testing.T) {
	v := &wire.View{
		ID:        id(9, 1),
		Saw:       append(make([]wire.Sighting, 0, 4), wire.Sighting{Node: 2, Inc: 20}),
		Ancestors: append(make([]wire.Ancestor, 0, 4), wire.Ancestor{View: id(3, 1)}),
		Births:    append(make([]ids.View, 0, 4), id(2, 1)),
	}
	sent := *v
	Record(v, wire.Sighting{Node: 2, Inc: 21})
	Record(v, wire.Sighting{Node: 3, Inc: 30})
	Add(v, id(1, 1), 0)
	v.Births = MergeBirths(v.Births, []ids.View{id(1, 1)})
	want := wire.View{ID: id(9, 1), Saw: []wire.Sighting{{Node: 2, Inc: 20}}, Ancestors: []wire.Ancestor{{View: id(3, 1)}}, Births: []ids.View{id(2, 1)}}
	if d := cmp.Diff(want, sent); d != "" {
		t.Errorf("the message has changed (-want +got):\n%s", d)
	}
	want = wire.View{
		ID: id(9, 1), Saw: []wire.Sighting{{Node: 2, Inc: 21}, {Node: 3, Inc: 30}},
		Ancestors: []wire.Ancestor{{View: id(1, 1)}, {View: id(3, 1)}}, Births: []ids.View{id(1, 1), id(2, 1)},
	}
	if d := cmp.Diff(want, *v); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAViewIsNoAncestorOfItself(t *testing.T) {
	v := &wire.View{ID: id(4, 1)}
	Add(v, v.ID, 3)
	Add(v, ids.View{}, 3)
	if len(v.Ancestors) > 0 {
		t.Errorf("ancestors %v", v.Ancestors)
	}
}

func TestTheLowestBirthsAreKept(t *testing.T) {
	var many []ids.View
	for n := range uint64(MaxBirths) {
		many = append(many, id(n+10, 1))
	}
	got := MergeBirths(many, []ids.View{id(1, 1), id(10, 1)})
	if len(got) != MaxBirths || got[0] != id(1, 1) || got[1] != id(10, 1) || got[MaxBirths-1] != id(MaxBirths+8, 1) {
		t.Errorf("%d births from %v to %v, want the lowest %d", len(got), got[0], got[len(got)-1], MaxBirths)
	}
}

func TestAnAuthorWithoutAClusterReplacesOnlyListsThatItWasInOrThatItKeeps(t *testing.T) {
	moved := layout(1, 2)
	moved.Shards[0].Members[0].Address = "else:1"
	for _, c := range []struct {
		name       string
		author     ids.Node
		list, held wire.Layout
		may        bool
	}{
		{"it was in the list, at this address", 1, layout(1, 3), layout(1, 2), true},
		{"it was in the list, at another address", 1, layout(1, 3), moved, false},
		{"it is in neither list", 9, layout(1), layout(1, 2), false},
		{"it adds members", 9, layout(1, 2, 9), layout(1, 2), true},
		{"it adds members and moves one", 9, layout(1, 2, 9), moved, false},
	} {
		if got := MayReplace(c.author, &c.list, &c.held); got != c.may {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// TestANodeFirstHeardAfterCreationMayHaveHeldTheView: an earlier incarnation, unknown to the author,
// may have written in the view.
func TestANodeFirstHeardAfterCreationMayHaveHeldTheView(t *testing.T) {
	made := ids.View{Number: 4, Author: 1}
	before := ids.View{Number: 3, Author: 2}
	for _, c := range []struct {
		name  string
		heard []wire.Sighting // before the view was made
		s     wire.Sighting
		want  ids.View
	}{
		{"the incarnation that was heard", []wire.Sighting{{Node: 2, Inc: 20}}, wire.Sighting{Node: 2, Inc: 20}, ids.View{}},
		{"that incarnation, with what it held", []wire.Sighting{{Node: 2, Inc: 20, View: before}}, wire.Sighting{Node: 2, Inc: 20}, before},
		{"another incarnation", []wire.Sighting{{Node: 2, Inc: 20}}, wire.Sighting{Node: 2, Inc: 21}, made},
		{"for the first time", []wire.Sighting{{Node: 3, Inc: 30}}, wire.Sighting{Node: 2, Inc: 20}, made},
		{"with a view", nil, wire.Sighting{Node: 2, Inc: 20, View: before}, before},
	} {
		v := &wire.View{ID: made, Saw: c.heard}
		RecordLater(v, c.s)
		if i := sightingIndex(v, 2); i < 0 || v.Saw[i].View != c.want || v.Saw[i].Inc != c.s.Inc {
			t.Errorf("%s: %v, want view %v", c.name, v.Saw, c.want)
		}
	}
}

func TestABallotIsKnownOnce(t *testing.T) {
	v := &wire.View{ID: id(4, 1)}
	b := ids.Ballot{View: id(3, 1), Round: 1}
	AddKnown(v, b, layout(1).Members())
	AddKnown(v, b, layout(1, 2).Members())
	AddKnown(v, ids.Ballot{}, nil)
	if d := cmp.Diff([]wire.KnownBallot{{Ballot: b, Members: layout(1).Members()}}, v.Known); d != "" {
		t.Error(d)
	}
}

func TestListsOutOfOrderAreFound(t *testing.T) {
	sound := func() *wire.View {
		return &wire.View{
			ID: id(9, 1), Layout: wire.Layout{Shards: []wire.Shard{
				{Name: "a", Members: layout(1, 4).Members()}, {Name: "b", Members: layout(2, 3).Members()},
			}},
			Ancestors: []wire.Ancestor{{View: id(1, 1)}, {View: id(2, 1)}}, Births: []ids.View{id(1, 1), id(1, 2)},
			Known: []wire.KnownBallot{{Ballot: ids.Ballot{View: id(8, 9)}}},
		}
	}
	if !Ordered(sound()) {
		t.Error("a view in order was refused")
	}
	for name, change := range map[string]func(v *wire.View){
		"shards":             func(v *wire.View) { slices.Reverse(v.Layout.Shards) },
		"members of a shard": func(v *wire.View) { slices.Reverse(v.Layout.Shards[0].Members) },
		"a member twice":     func(v *wire.View) { v.Layout.Shards[1].Members[0].ID = 1 },
		"ancestors":          func(v *wire.View) { slices.Reverse(v.Ancestors) },
		"an ancestor twice":  func(v *wire.View) { v.Ancestors[1] = v.Ancestors[0] },
		"births":             func(v *wire.View) { slices.Reverse(v.Births) },
		"its own ballot":     func(v *wire.View) { v.Known[0].Ballot.View = v.ID },
		"too many sources":   func(v *wire.View) { v.Sources = make([]wire.Member, MaxMembers+1) },
		"too many ballots":   func(v *wire.View) { v.Known = make([]wire.KnownBallot, maxKnown+1) },
		"too many sightings": func(v *wire.View) { v.Saw = make([]wire.Sighting, MaxMembers+maxKnown+1) },
		"too many births":    func(v *wire.View) { v.Births = make([]ids.View, MaxBirths+1) },
		"too many ancestors": func(v *wire.View) {
			v.Ancestors = nil
			for n := range uint64(MaxAncestors + 1) {
				v.Ancestors = append(v.Ancestors, wire.Ancestor{View: id(n+1, 1)})
			}
		},
	} {
		v := sound()
		if change(v); Ordered(v) {
			t.Errorf("%s: not found", name)
		}
	}
}
