package view

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestAViewOfAnotherClusterIsNotFollowed(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Births: []ids.View{id(1, 1)}}
	knows := []wire.Ancestor{{View: held.ID}}
	for _, c := range []struct {
		name   string
		births []ids.View
		list   wire.Layout
		follow bool
	}{
		{"its own cluster's", []ids.View{id(1, 1), id(1, 7)}, layout("h:1", 2, 3), true},
		{"another one's", []ids.View{id(1, 7)}, layout("h:1", 2, 3), false},
		{"another one's of the same list", []ids.View{id(1, 7)}, layout("h:1", 1, 2, 3), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, local := newTestManager(&held)
			k.FollowIfAllowed(&wire.View{ID: id(5, 3), Layout: c.list, Ancestors: knows, Births: c.births})
			if got := len(local.adopted) == 1; got != c.follow {
				t.Errorf("followed: %t, want %t", got, c.follow)
			}
			if c.follow && !slices.Contains(k.view.Births, id(1, 1)) {
				t.Errorf("the births %v have lost that of the view held", k.view.Births)
			}
			if k.Leave(&wire.View{ID: id(6, 3), Layout: layout("h:1", 1, 3), Ancestors: knows, Births: []ids.View{id(1, 8)}}, &wire.KnownBallot{}) == 0 {
				t.Error("it left its view for one of another cluster")
			}
		})
	}
}

// newTestManager returns the manager of node 2, which holds a view.
func newTestManager(held *wire.View) (*Manager, *node) {
	local := &node{}
	k := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
	k.Use(local)
	if held != nil {
		v := *held
		k.hold(&v)
	}
	return k, local
}

// TestAListReplacesOnlyViewsOfItsCluster: views of other clusters are no ancestors of the new
// view. If they were, their members would follow it.
func TestAListReplacesOnlyViewsOfItsCluster(t *testing.T) {
	a := wire.View{ID: id(9, 1), Layout: layout("h:1", 1, 2, 3), Births: []ids.View{id(1, 1)}}
	b := wire.View{ID: id(7, 4), Layout: layout("h:1", 4, 5), Births: []ids.View{id(1, 4)}}
	moved := layout("h:1", 1, 2, 3)
	moved.Shards[0].Members[1].Address = "else:1"
	for _, c := range []struct {
		name     string
		held     *wire.View // by node 2, to which the list is put
		list     wire.Layout
		force    bool
		answers  map[ids.Node]*wire.View
		replaces []ids.View
	}{
		{"a member's list, with another cluster's node", &a, layout("h:1", 1, 2, 4), false, map[ids.Node]*wire.View{1: &a, 4: &b}, []ids.View{a.ID}},
		{"the same by force", &a, layout("h:1", 1, 2, 4), true, map[ids.Node]*wire.View{1: &a, 4: &b}, []ids.View{b.ID, a.ID}},
		{"a member that lost its state", nil, layout("h:1", 1, 2, 3), false, map[ids.Node]*wire.View{1: &a}, []ids.View{a.ID}},
		{"it loses others on the way", nil, layout("h:1", 1, 2), false, map[ids.Node]*wire.View{1: &a}, []ids.View{a.ID}},
		{"a newcomer that adds itself", nil, layout("h:1", 2, 4, 5), false, map[ids.Node]*wire.View{4: &b}, []ids.View{b.ID}},
		{"a newcomer that takes a node out", nil, layout("h:1", 2, 4), false, map[ids.Node]*wire.View{4: &b}, nil},
		{"a newcomer with the id of a member", nil, moved, false, map[ids.Node]*wire.View{1: &a}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, local := newTestManager(c.held)
			k.Put(&core.PutView{Token: 1, Layout: c.list, Force: c.force})
			for _, m := range c.list.Members() {
				if v := c.answers[m.ID]; v != nil {
					k.OnQueryReply(wire.Header{From: m.ID, Inc: 1}, &wire.QueryReply{PutID: k.nextPut, Present: true, View: *v})
				}
			}
			k.SetNow(querySilence)
			k.Tick(func() wire.Hello { return wire.Hello{} })
			if len(local.adopted) != 1 {
				t.Fatalf("%d views were adopted", len(local.adopted))
			}
			got := local.adopted[0]
			var all []ids.View
			for _, a := range got.Ancestors {
				all = append(all, a.View)
			}
			if !slices.Equal(all, c.replaces) {
				t.Errorf("it replaces %v, want %v", all, c.replaces)
			}
			if own := slices.Equal(got.Births, []ids.View{got.ID}); own != (c.replaces == nil) {
				t.Errorf("its births are %v", got.Births)
			}
		})
	}
}

func TestOfTwoProcessesWithOneIDOneIsHeard(t *testing.T) {
	v := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{{Node: 3, Inc: 30}}}
	k, _ := newTestManager(&v)
	hello := func(at wire.Instant, inc ids.Incarnation) bool {
		k.SetNow(at)
		return k.OnHello(wire.Header{From: 3, Inc: inc, View: v.ID}, &wire.Hello{})
	}
	for _, c := range []struct {
		at    wire.Instant
		inc   ids.Incarnation
		heard bool
	}{
		{0, 31, true}, // the only one that is heard: it may be a later incarnation
		{10 * wire.Millisecond, 30, true},
		{20 * wire.Millisecond, 31, false},
		{510 * wire.Millisecond, 31, true}, // the other incarnation is silent
	} {
		if got := hello(c.at, c.inc); got != c.heard {
			t.Errorf("at %d: the hello of incarnation %d was heard: %t, want %t", c.at, c.inc, got, c.heard)
		}
	}
}

// TestAProcessWhoseIDWasGivenAwayLeavesTheView: the process learns that from the answer to its own
// probe, because no other node dials its address any more.
func TestAProcessWhoseIDWasGivenAwayLeavesTheView(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Births: []ids.View{id(1, 1)}}
	moved := layout("h:1", 1, 2, 3)
	moved.Shards[0].Members[1].Address = "else:1"
	next := wire.View{ID: id(5, 1), Layout: moved, Ancestors: []wire.Ancestor{{View: held.ID}}, Births: held.Births}
	saw := func(inc ids.Incarnation) wire.View {
		v := next
		v.Saw = []wire.Sighting{{Node: 2, Inc: inc}}
		return v
	}
	for _, c := range []struct {
		name     string
		answer   wire.QueryReply
		givesWay bool
	}{
		{"a view with another process at another address", wire.QueryReply{Present: true, View: saw(99)}, true},
		{"one whose author has heard nobody there", wire.QueryReply{Present: true, View: next}, true},
		{"one whose author has heard this node there", wire.QueryReply{Present: true, View: saw(20)}, false},
		{"another process says Hello", wire.QueryReply{Present: true, View: held, Twin: true}, true},
		{"all is well", wire.QueryReply{Present: true, View: held}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := newTestManager(&held)
			k.OnQueryReply(wire.Header{From: 1}, &c.answer)
			if k.LeftBehind() != c.givesWay {
				t.Errorf("left behind: %t, want %t", k.LeftBehind(), c.givesWay)
			}
		})
	}
}

// TestAViewOfAnEarlierIncarnationGivesNoIDAway: a node restarts at another address, and an operator
// puts the list to it in which it was before. The members hold a view whose author had heard the
// node's earlier incarnation.
func TestAViewOfAnEarlierIncarnationGivesNoIDAway(t *testing.T) {
	list := layout("h:1", 1, 2, 3)
	moved := layout("h:1", 1, 2, 3)
	moved.Shards[0].Members[1].Address = "else:1"
	held := wire.View{ID: id(1, 2), Layout: moved, Births: []ids.View{id(1, 2)}}
	old := wire.View{ID: id(4, 1), Layout: list, Saw: []wire.Sighting{{Node: 2, Inc: 99}}, Births: []ids.View{id(1, 1)}}
	for _, c := range []struct {
		name     string
		replaces []wire.Ancestor
		givesWay bool
	}{
		{"a view of before", nil, false},
		{"a view that replaces the one held", []wire.Ancestor{{View: held.ID}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := newTestManager(&held)
			k.Put(&core.PutView{Layout: list})
			theirs := old
			theirs.Ancestors = c.replaces
			for _, from := range []ids.Node{1, 3} {
				k.OnQueryReply(wire.Header{From: from}, &wire.QueryReply{PutID: k.nextPut, Present: true, View: theirs})
			}
			if k.LeftBehind() != c.givesWay {
				t.Errorf("left behind: %t, want %t", k.LeftBehind(), c.givesWay)
			}
		})
	}
}
