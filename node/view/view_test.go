package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is the Local of a node without data that serves nothing.
type node struct{ adopted []*wire.View }

func (*node) Ballot() ids.Ballot              { return ids.Ballot{} }
func (*node) BallotMembers() []wire.Member    { return nil }
func (*node) Knows(ids.Ballot) bool           { return false }
func (n *node) Adopt(v *wire.View)            { n.adopted = append(n.adopted, v) }
func (*node) Keep()                           {}
func (*node) Refresh()                        {}
func (*node) PullTargets() []wire.Member      { return nil }
func (*node) Serving() bool                   { return false }
func (*node) Progress() uint64                { return 0 }
func (*node) HasActiveBase() bool             { return false }
func (*node) Holding() bool                   { return false }
func (*node) Data() bool                      { return false }
func (*node) HandedOver() (causal, only bool) { return true, false }

func layout(address string, members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: address})
	}
	return l
}

func id(n uint64, author ids.Node) ids.View {
	return ids.View{Number: n, Author: author, Boot: 5}
}

// newTestManager returns the manager of node 2, which holds a view; nil: none.
func newTestManager(held *wire.View) (*Manager, *node) {
	local := &node{}
	mgr := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
	mgr.Use(local)
	if held != nil {
		v := *held
		mgr.held.Hold(&v, 0)
		mgr.peers.Begin(0)
	}
	return mgr, local
}

// answer gives the PUT that was begun last the answers of nodes to its query.
func answer(t *testing.T, mgr *Manager, r wire.QueryReply, nodes ...ids.Node) {
	t.Helper()
	for _, e := range mgr.box.Output().Messages {
		if q, ok := e.Message.(*wire.Query); ok {
			r.PutID = q.PutID
		}
	}
	if r.PutID == 0 {
		t.Fatal("no query was sent")
	}
	for _, from := range nodes {
		mgr.OnQueryReply(wire.Header{From: from, Inc: 10}, 0, &r)
	}
}

// TestAListIsNumberedAboveAViewOfAnEarlierIncarnation: a member has followed such a view, by an old
// message.
func TestAListIsNumberedAboveAViewOfAnEarlierIncarnation(t *testing.T) {
	sees := func(id ids.Node, inc ids.Incarnation) wire.Sighting { return wire.Sighting{Node: id, Inc: inc} }
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{sees(1, 10), sees(2, 20), sees(3, 30)}}
	cases := []struct {
		name string
		from wire.Header
		v    wire.View
		want ids.View // the view that is adopted; zero: none
	}{
		{"its holder comes along", wire.Header{From: 3, Inc: 30}, wire.View{ID: id(6, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{sees(2, 19)}}, id(7, 2)},
		{"its holder has another incarnation", wire.Header{From: 3, Inc: 31}, wire.View{ID: id(6, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{sees(2, 19)}}, ids.View{}},
		{"another list", wire.Header{From: 3, Inc: 30}, wire.View{ID: id(6, 1), Layout: layout("h:1", 2, 3), Saw: []wire.Sighting{sees(2, 19)}}, ids.View{}},
		{"a lower id", wire.Header{From: 3, Inc: 30}, wire.View{ID: id(3, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{sees(2, 19)}}, ids.View{}},
		{"one that it may follow", wire.Header{From: 3, Inc: 30}, wire.View{ID: id(6, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{sees(2, 20)}}, id(6, 1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k, local := newTestManager(&held)
			k.OnNewView(c.from, "", &wire.NewView{View: c.v})
			var got ids.View
			for _, v := range local.adopted {
				got = v.ID
			}
			if got != c.want {
				t.Errorf("adopted %v, want %v", got, c.want)
			}
		})
	}
}

// TestOnlyAddressesThatAViewNamedAreDialled puts a list with a new address of a member
// while the view names the old one.
func TestOnlyAddressesThatAViewNamedAreDialled(t *testing.T) {
	k, _ := newTestManager(&wire.View{ID: id(1, 1), Layout: layout("old:1", 1, 2, 3), Sources: []wire.Member{{ID: 9, Address: "source:1"}}})
	box := k.box
	k.Put(&core.PutView{Token: 1, Layout: layout("new:1", 1, 2)})
	want := []wire.Member{{ID: 1, Address: "new:1"}, {ID: 3, Address: "old:1"}, {ID: 9, Address: "source:1"}}
	if d := cmp.Diff(want, box.Output().Peers); d != "" {
		t.Error(d)
	}
	k.Abandon(1)
	want[0].Address = "old:1"
	if d := cmp.Diff(want, box.Output().Peers); d != "" {
		t.Errorf("when the client of the PUT has left:\n%s", d)
	}
}

// TestAProcessGivesWayToTheOneAtTheAddressThatTheListNames: node 2 has two processes. Node 1 hears
// the process at the address old:1. A list is put to the other process.
func TestAProcessGivesWayToTheOneAtTheAddressThatTheListNames(t *testing.T) {
	for address, gives := range map[string]bool{"old:1": true, "new:1": false} {
		mgr, _ := newTestManager(&wire.View{ID: id(1, 2), Layout: layout("h:1", 1)}) // the list that was put here before
		mgr.Put(&core.PutView{Token: 1, Layout: layout(address, 1, 2)})
		theirs := wire.View{ID: id(3, 1), Layout: layout("old:1", 1, 2)}
		answer(t, mgr, wire.QueryReply{Present: true, View: theirs, Twin: true}, 1)
		if mgr.LeftBehind() != gives {
			t.Errorf("the list names %s: gives way %t, want %t", address, mgr.LeftBehind(), gives)
		}
	}
}

// TestANodeThatWasLeftBehindIsAMemberAgainWhenItsListIsPutAgain: no member holds the view any more
// that had replaced the node's own. So the list is still in force, and no new view is made.
func TestANodeThatWasLeftBehindIsAMemberAgainWhenItsListIsPutAgain(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	next := wire.View{ID: id(5, 3), Layout: layout("h:1", 1, 3), Ancestors: []wire.Ancestor{{View: held.ID}}}
	renewed := held
	renewed.Renewed = 1
	for name, again := range map[string]func(mgr *Manager){
		"here": func(mgr *Manager) {
			mgr.Put(&core.PutView{Token: 1, Layout: held.Layout})
			answer(t, mgr, wire.QueryReply{Present: true, View: held}, 1, 3)
		},
		"at another member": func(mgr *Manager) { mgr.OnNewView(wire.Header{From: 1}, "", &wire.NewView{View: renewed}) },
	} {
		mgr, local := newTestManager(&held)
		mgr.OnQueryReply(wire.Header{From: 3}, 0, &wire.QueryReply{Present: true, View: next})
		if !mgr.LeftBehind() {
			t.Fatalf("%s: not left behind by %v", name, next.ID)
		}
		again(mgr)
		if mgr.LeftBehind() || len(local.adopted) > 0 || mgr.held.ID() != held.ID {
			t.Errorf("put %s: left behind %t, adopted %v", name, mgr.LeftBehind(), local.adopted)
		}
	}
}

// TestAMemberThatWasToldTheEmptyListLeavesNobodyBehind: that member has left the view alone. The
// other members wait for it in strong buckets, and go on in causal ones.
func TestAMemberThatWasToldTheEmptyListLeavesNobodyBehind(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	mgr, local := newTestManager(&held)
	mgr.OnQueryReply(wire.Header{From: 3}, 0, &wire.QueryReply{Present: true, View: wire.View{
		ID: id(5, 3), Layout: layout("h:1"), Ancestors: []wire.Ancestor{{View: held.ID}},
	}})
	if mgr.LeftBehind() || len(local.adopted) > 0 || mgr.held.ID() != held.ID {
		t.Errorf("left behind %t, adopted %v, view %v", mgr.LeftBehind(), local.adopted, mgr.held.ID())
	}
}
