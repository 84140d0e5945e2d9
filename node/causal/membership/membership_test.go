package membership

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

const space = 6

func members(list ...ids.Node) (all []wire.Member) {
	for _, id := range list {
		all = append(all, wire.Member{ID: id})
	}
	return all
}

func layout(shards ...[]wire.Member) (l wire.Layout) {
	for i, m := range shards {
		l.Shards = append(l.Shards, wire.Shard{Name: string(rune('a' + i)), Members: m})
	}
	return l
}

// two is a view of two shards, which replaces view 4.
func two() *wire.View {
	return &wire.View{
		ID: ids.View{Number: 5}, Layout: layout(members(1, 2), members(3)),
		Ancestors: []wire.Ancestor{{View: ids.View{Number: 4}}},
	}
}

// at is the place of a node that holds a view; nil: none.
func at(self ids.Node, held *wire.View) *View {
	c := catalog.New(space)
	v := New(self, &c, func() bool { return false })
	if held != nil {
		v.Adopt(held, 7)
	}
	return v
}

func TestEachSlotIsOwnedByTheMembersOfOneShard(t *testing.T) {
	first, second, third, outside := at(1, two()), at(2, two()), at(3, two()), at(9, two())
	owned := 0
	for s := range hashing.Slot(1 << space) {
		if first.Owns(s) != second.Owns(s) || first.Owns(s) == third.Owns(s) || outside.Owns(s) {
			t.Fatalf("slot %d: owned by 1: %t, 2: %t, 3: %t, 9: %t", s, first.Owns(s), second.Owns(s), third.Owns(s), outside.Owns(s))
		}
		for _, id := range []ids.Node{1, 2, 3, 9} {
			in := slices.Contains(outside.SlotsOf(id), s)
			listed := slices.ContainsFunc(outside.Owners(s), func(m wire.Member) bool { return m.ID == id })
			if in != outside.OwnedBy(id, s) || in != at(id, two()).Owns(s) || in != listed {
				t.Fatalf("slot %d of node %d: seen from outside %t, %t and %t", s, id, in, outside.OwnedBy(id, s), listed)
			}
		}
		if first.Owns(s) {
			owned++
		}
	}
	if owned == 0 || owned == 1<<space {
		t.Errorf("the first shard owns %d slots", owned)
	}
	if got := second.Replicas(); !slices.Equal(got, []ids.Node{1, 2}) || !second.Replica(1) || second.Replica(3) || outside.Replica(1) {
		t.Errorf("replicas of node 2: %v", got)
	}
}

func TestANodeWithoutItsViewIsClosed(t *testing.T) {
	c := catalog.New(space)
	left := false
	v := New(1, &c, func() bool { return left })
	if !v.None() || !v.Closed() || v.Owns(0) || v.Has(1) || v.Descends(ids.View{}) || v.ID() != (ids.View{}) || v.Births() != nil {
		t.Error("a node without a view has one")
	}
	if entry, isNew := v.Adopt(two(), 7); !isNew || entry.ID != two().ID || v.None() || v.Closed() || v.Since() != 7 {
		t.Errorf("after its first view: %+v, new %t, closed %t", entry, isNew, v.Closed())
	}
	if _, isNew := v.Adopt(two(), 8); isNew {
		t.Error("the catalog forgets the view")
	}
	if left = true; !v.Closed() {
		t.Error("a node that was left behind serves clients")
	}
	if v := at(9, two()); v.Member() || !v.Closed() {
		t.Error("a node outside its view serves clients")
	}
}

func TestWhichViewsAreOfOneGroup(t *testing.T) {
	v := at(1, two())
	same := layout(members(1, 2), members(3))
	v.catalog.Add(wire.KnownView{ID: ids.View{Number: 8}, Layout: same.Canonical()})
	v.catalog.Add(wire.KnownView{ID: ids.View{Number: 9}, Layout: layout(members(4))})
	empty := catalog.Fingerprint(&wire.Layout{})
	for _, c := range []struct {
		name             string
		view             uint64
		layout           uint64
		descends         bool
		exchange, within bool
		forward          bool
	}{
		{"the same view", 5, 1, false, true, true, true},
		{"a view that this one replaces", 4, 1, false, true, true, true},
		{"a view that replaces this one", 6, 1, true, true, false, false},
		{"another view of the same layout", 8, v.Layout(), false, true, false, true},
		{"another group", 9, 1, false, false, false, false},
		{"no view", 0, 1, false, true, false, false},
		{"an empty list", 7, empty, false, true, false, false},
	} {
		id := ids.View{Number: c.view}
		if got := v.MayExchange(&wire.Digest{View: id, Layout: c.layout, Descends: c.descends}); got != c.exchange {
			t.Errorf("%s: may exchange %t", c.name, got)
		}
		if got := v.Within(id); got != c.within {
			t.Errorf("%s: within %t", c.name, got)
		}
		if got := v.OfOurGroup(id); got != c.forward {
			t.Errorf("%s: forwards are served %t", c.name, got)
		}
		if got := v.Ours(id, c.layout); got != (c.within || c.layout == v.Layout()) {
			t.Errorf("%s: ours %t", c.name, got)
		}
	}
}

func TestWhatTheAuthorOfAViewHeardOf(t *testing.T) {
	saw := func(numbers ...uint64) (list []wire.Sighting) {
		for i, n := range numbers {
			list = append(list, wire.Sighting{Node: ids.Node(i + 1), View: ids.View{Number: n}})
		}
		return list
	}
	for _, c := range []struct {
		name                    string
		view                    wire.View
		onePredecessor, follows bool // follows: on view 5
		first                   bool
	}{
		{"no view", wire.View{Layout: layout(members(1, 2)), Saw: saw(0, 0)}, true, true, true},
		{"no view, and one member did not answer", wire.View{Layout: layout(members(1, 2)), Saw: saw(0)}, true, true, false},
		{"no view, but there is a source", wire.View{Layout: layout(members(1)), Saw: saw(0), Sources: members(7)}, true, true, false},
		{"no view, but it replaces one", wire.View{Layout: layout(members(1)), Saw: saw(0), Ancestors: make([]wire.Ancestor, 1)}, true, true, false},
		{"view 5", wire.View{Layout: layout(members(1, 2)), Saw: saw(5, 0)}, true, true, false},
		{"view 4", wire.View{Layout: layout(members(1, 2)), Saw: saw(4, 4)}, true, false, false},
		{"views 4 and 5", wire.View{Layout: layout(members(1, 2)), Saw: saw(5, 4)}, false, false, false},
	} {
		if _, got := predecessor(&c.view); got != c.onePredecessor {
			t.Errorf("%s: one predecessor %t", c.name, got)
		}
		if got := at(1, two()).FollowsOn(&c.view); got != c.follows || at(1, nil).FollowsOn(&c.view) {
			t.Errorf("%s: follows on view 5: %t", c.name, got)
		}
		if got := FirstOfAll(&c.view); got != c.first {
			t.Errorf("%s: a first view %t", c.name, got)
		}
	}
}

// TestWhichNodesVouchForAReadySlot: view 6 follows on one view or on two.
func TestWhichNodesVouchForAReadySlot(t *testing.T) {
	for _, c := range []struct {
		name        string
		saw         []wire.Sighting
		five, older bool
	}{
		{"its author heard view 5", []wire.Sighting{{Node: 1, View: ids.View{Number: 5}}, {Node: 3}}, true, false},
		{"its author heard two views", []wire.Sighting{{Node: 1, View: ids.View{Number: 5}}, {Node: 3, View: ids.View{Number: 4}}}, false, false},
		{"its author heard none", nil, false, false},
	} {
		six := two()
		six.ID.Number, six.Saw = 6, c.saw
		v := at(1, six)
		if !v.Vouches(six.ID) || v.Vouches(ids.View{Number: 5}) != c.five || v.Vouches(ids.View{Number: 4}) != c.older {
			t.Errorf("%s: view 6 %t, view 5 %t, view 4 %t", c.name, v.Vouches(six.ID), v.Vouches(ids.View{Number: 5}), v.Vouches(ids.View{Number: 4}))
		}
	}
}
