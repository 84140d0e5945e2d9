package catalog

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

const space = hashing.Space(6)

func id(n uint64) ids.View { return ids.View{Number: n} }

// flat is a view of one shard.
func flat(n uint64, members ...ids.Node) wire.KnownView {
	return wire.KnownView{ID: id(n), Layout: wire.Layout{Flat: true, Shards: []wire.Shard{shard("", members...)}}}
}

func shard(name string, members ...ids.Node) wire.Shard {
	s := wire.Shard{Name: name}
	for _, m := range members {
		s.Members = append(s.Members, wire.Member{ID: m, Address: fmt.Sprint("node", m)})
	}
	return s
}

// withCut is a view with a stable cut.
func withCut(k wire.KnownView, common bool, cut ...wire.Position) wire.KnownView {
	k.HasStableCut, k.StableCut, k.Common = true, cut, common
	return k
}

func at(view, n uint64) wire.Position {
	return wire.Position{Stream: wire.Stream{View: id(view), Node: 1, Boot: 1}, N: n}
}

func TestAnUnknownViewMayHaveWritesAnywhereAndIsAskedFor(t *testing.T) {
	c := New(space)
	stream := wire.Stream{View: id(7), Node: 1}
	for s := range hashing.Slot(space.Slots()) {
		if !c.Concerns(stream, s) {
			t.Fatalf("slot %d is said to be free of a stream of an unknown view", s)
		}
	}
	if got := c.Unknown(); !slices.Equal(got, []ids.View{id(7)}) {
		t.Fatalf("%v are asked for", got)
	}
	c.Add(flat(7, 1))
	if got := c.Unknown(); len(got) > 0 {
		t.Errorf("%v are asked for once the view is known", got)
	}
}

func TestAStreamConcernsTheSlotsOfItsShard(t *testing.T) {
	c := New(space)
	l := wire.Layout{Shards: []wire.Shard{shard("a", 0, 1), shard("b", 2), shard("empty")}}
	c.Add(wire.KnownView{ID: id(1), Layout: l})
	ring := RingOf(space, &l)
	for s := range hashing.Slot(space.Slots()) {
		owner, _ := ring.Owner(s)
		for node, want := range map[ids.Node]bool{0: owner == 0, 1: owner == 0, 2: owner == 1, 9: true} {
			if got := c.Concerns(wire.Stream{View: id(1), Node: node}, s); got != want {
				t.Errorf("node %d, slot %d of shard %d: %t", node, s, owner, got)
			}
		}
		if owner == 2 {
			t.Errorf("slot %d is given to a shard without members", s)
		}
	}
}

func TestTheViewThatIsHeldIsNeverForgotten(t *testing.T) {
	c := New(space)
	if v, isNew := c.Hold(flat(5, 1)); !isNew || v.ID != id(5) {
		t.Fatalf("%v, new: %t", v.ID, isNew)
	}
	for n := range uint64(MaxViews + 10) {
		c.Add(flat(100+n, 2))
	}
	if c.Get(id(5)) == nil || len(c.order) != MaxViews || len(c.views) != MaxViews {
		t.Errorf("%d views, the one that is held: %v", len(c.views), c.Get(id(5)))
	}
	if c.Get(id(100)) != nil || c.Get(id(100+MaxViews+9)) == nil {
		t.Error("not the view that came first has gone")
	}
	if _, isNew := c.Hold(flat(100+MaxViews, 2)); isNew {
		t.Error("a known view is new when it is held")
	}
}

func TestTheBytesThatViewsTakeAreThoseOfTheViews(t *testing.T) {
	c := New(space)
	for n := range uint64(MaxViews + 50) {
		c.Add(flat(n+1, 1, 2, ids.Node(n%7)))
		c.Add(withCut(flat(n+1), n%3 == 0, at(1, n+1), at(2, n+1)))
	}
	want := 0
	for _, v := range c.views {
		want += v.bytes()
	}
	if c.bytes != want {
		t.Errorf("%d, want %d", c.bytes, want)
	}
}

func TestFewRingsAreKept(t *testing.T) {
	c := New(space)
	for n := range uint64(2 * maxRings) {
		c.Add(flat(n+1, 1))
		c.Ring(c.Get(id(n + 1)))
		c.Ring(c.Get(id(1))) // used often, so this ring stays
	}
	kept := 0
	for _, v := range c.views {
		if v.ring != nil {
			kept++
		}
	}
	if kept != maxRings || c.Get(id(1)).ring == nil {
		t.Errorf("%d rings are kept, the one in use: %t", kept, c.Get(id(1)).ring != nil)
	}
}

func TestACutIsReplacedUntilAllMembersKnowIt(t *testing.T) {
	c := New(space)
	c.Add(flat(1, 1))
	for i, step := range []struct {
		k    wire.KnownView
		news bool
		n    uint64 // number in the cut that is known afterwards
	}{
		{flat(1, 1), false, 0},
		{withCut(flat(1), false, at(1, 3)), true, 3},
		{withCut(flat(1), false, at(1, 4)), false, 3}, // neither cut is common: the first one stays
		{withCut(flat(1), true, at(1, 5)), true, 5},
		{withCut(flat(1), true, at(1, 6)), false, 5},
	} {
		if news := c.Add(step.k); news != step.news || c.Get(id(1)).StableCut.At(at(1, 0).Stream) != step.n {
			t.Errorf("step %d: news %t, cut %v", i, news, c.Get(id(1)).StableCut)
		}
	}
	if c.CommonCut(id(1)) == nil || len(c.Unknown()) > 0 {
		t.Error("a cut that all know is not used")
	}
	c.Add(withCut(flat(2, 1), false, at(1, 9)))
	if c.CommonCut(id(2)) != nil || !slices.Equal(c.Unknown(), []ids.View{id(2)}) {
		t.Error("a cut that not all know is used, or not asked for")
	}
}

func TestContextsReferToTheHighestCutThatAllMembersKnow(t *testing.T) {
	c := New(space)
	if c.Compactor(1).Cut != nil {
		t.Fatal("there is no cut yet")
	}
	c.Add(withCut(flat(3, 1), true, at(1, 5), at(2, 5)))
	c.Add(withCut(flat(1, 1), true, at(1, 5)))
	c.Add(withCut(flat(2, 1), true, at(1, 6))) // this cut covers more than that of view 3
	c.Add(withCut(flat(4, 1), false, at(1, 9)))
	n := c.Compactor(1)
	if n.Cut.ID != id(3) || !slices.Equal(n.Subsumed, []ids.View{id(3), id(1)}) {
		t.Fatalf("refers to %v, in the place of %v", n.Cut.ID, n.Subsumed)
	}
	c.Add(withCut(flat(4, 1), true, at(1, 9)))
	n = c.Compactor(1)
	if n.Cut.ID != id(4) || !slices.Equal(n.Subsumed, []ids.View{id(1), id(2), id(4)}) {
		t.Errorf("refers to %v, in the place of %v", n.Cut.ID, n.Subsumed)
	}
}

func TestWhatIsAskedForIsBounded(t *testing.T) {
	c := New(space)
	var v wire.Vector
	for n := range uint64(3 * MaxUnknown) {
		c.CommonCut(id(n + 1))
		c.CommonCut(id(n + 1))
		v = append(v, at(n+1, 1))
	}
	if got := c.Unknown(); len(got) != MaxUnknown || !slices.Equal(got, c.UnknownIn([]wire.Vector{v, v})) {
		t.Errorf("%d are asked for", len(got))
	}
	c.Add(flat(2, 1))
	if got := c.Known(c.UnknownIn([]wire.Vector{v})); len(got) > 0 {
		t.Errorf("unknown, and known: %v", got)
	}
	if got := c.Known([]ids.View{id(1), id(2)}); len(got) != 1 || got[0].ID != id(2) {
		t.Errorf("known are %v", got)
	}
	c.DropUnknown()
	if got := c.Unknown(); len(got) > 0 {
		t.Errorf("%v are asked for, though no request waits", got)
	}
}

func TestTheViewsOfANode(t *testing.T) {
	c := New(space)
	c.Add(flat(2, 1, 3))
	c.Add(flat(1, 1))
	if got := slices.Collect(c.With(1)); !slices.Equal(got, []ids.View{id(2), id(1)}) {
		t.Errorf("views with node 1: %v", got)
	}
	if !c.HasNode(3) || c.HasNode(4) {
		t.Error("node 3 is known by one view, node 4 by none")
	}
}

func TestEqualLayoutsHaveEqualFingerprints(t *testing.T) {
	base := wire.Layout{Shards: []wire.Shard{shard("a", 0, 1), shard("b", 2)}}
	same := wire.Layout{Shards: []wire.Shard{shard("a", 0, 1), shard("none"), shard("b", 2)}}
	if Fingerprint(&base) != Fingerprint(&same) {
		t.Error("a shard without members counts")
	}
	moved := shard("b", 2)
	moved.Members[0].Bus = "elsewhere:1"
	for name, l := range map[string]wire.Layout{
		"other name":  {Shards: []wire.Shard{shard("a", 0, 1), shard("c", 2)}},
		"other shard": {Shards: []wire.Shard{shard("a", 0), shard("b", 1, 2)}},
		"other bus":   {Shards: []wire.Shard{shard("a", 0, 1), moved}},
		"fewer":       {Shards: []wire.Shard{shard("a", 0, 1)}},
	} {
		if Fingerprint(&base) == Fingerprint(&l) {
			t.Errorf("%s: the fingerprint is the same", name)
		}
	}
}
