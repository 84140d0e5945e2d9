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

func TestAViewIsFollowedOnlyInKnowledgeOfTheOneHeld(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Renewed: 2}
	knows := func(renewed uint64) []wire.Ancestor { return []wire.Ancestor{{View: held.ID, Renewed: renewed}} }
	saw := func(inc ids.Incarnation) []wire.Sighting { return []wire.Sighting{{Node: 2, Inc: inc}} }
	cases := []struct {
		name   string
		held   *wire.View
		v      wire.View
		follow bool
	}{
		{"one that replaces it", &held, wire.View{ID: id(5, 3), Layout: layout("h:1", 2, 3), Ancestors: knows(2)}, true},
		{"one that does not name this node", &held, wire.View{ID: id(5, 3), Layout: layout("h:1", 1, 3), Ancestors: knows(2)}, false},
		{"a larger number alone", &held, wire.View{ID: id(9, 3), Layout: layout("h:1", 2, 3)}, false},
		{"one whose author knew it before an operator confirmed it", &held, wire.View{ID: id(5, 3), Layout: layout("h:1", 2, 3), Ancestors: knows(1)}, false},
		{"the same list under a larger id", &held, wire.View{ID: id(4, 2), Layout: layout("h:1", 1, 2, 3)}, true},
		{"the same list under a larger id, by one that saw an earlier incarnation", &held, wire.View{ID: id(4, 2), Layout: layout("h:1", 1, 2, 3), Saw: saw(19)}, false},
		{"the same list under a smaller id", &held, wire.View{ID: id(4, 0), Layout: layout("h:1", 1, 2, 3)}, false},
		{"the same ids at another address", &held, wire.View{ID: id(5, 2), Layout: layout("h:2", 1, 2, 3)}, false},
		{"with nothing, one that saw this incarnation", nil, wire.View{ID: id(1, 3), Layout: layout("h:1", 2, 3), Saw: saw(20)}, true},
		{"with nothing, one that saw an earlier incarnation", nil, wire.View{ID: id(1, 3), Layout: layout("h:1", 2, 3), Saw: saw(19)}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			local := &node{}
			k := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
			k.Use(local)
			if c.held != nil {
				v := *c.held
				k.hold(&v)
			}
			k.FollowIfAllowed(&c.v)
			if got := len(local.adopted) == 1; got != c.follow {
				t.Errorf("followed: %t, want %t", got, c.follow)
			}
		})
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
			local := &node{}
			k := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
			k.Use(local)
			v := held
			k.hold(&v)
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

func TestAncestorsKeepTheLargerRenewalAndTheHighestViews(t *testing.T) {
	a := []wire.Ancestor{{View: id(1, 1)}, {View: id(2, 1), Renewed: 3}}
	b := []wire.Ancestor{{View: id(2, 1), Renewed: 1}, {View: id(2, 2)}}
	want := []wire.Ancestor{{View: id(1, 1)}, {View: id(2, 1), Renewed: 3}, {View: id(2, 2)}}
	if d := cmp.Diff(want, mergeAncestors(a, b)); d != "" {
		t.Error(d)
	}
	var many []wire.Ancestor
	for n := range uint64(maxAncestors) {
		many = append(many, wire.Ancestor{View: id(n+10, 1)})
	}
	got := mergeAncestors(many, a)
	if len(got) != maxAncestors || got[0].View != id(10, 1) {
		t.Errorf("%d ancestors from %v on, want the highest %d", len(got), got[0].View, maxAncestors)
	}
}

// TestOnlyAddressesThatAViewNamedAreDialled puts a list with a new address of a member
// while the view names the old one.
func TestOnlyAddressesThatAViewNamedAreDialled(t *testing.T) {
	box := &core.Outbox{}
	k := New(Config{Self: 2, Inc: 20, Boot: 5}, box, nil)
	k.Use(&node{})
	k.hold(&wire.View{ID: id(1, 1), Layout: layout("old:1", 1, 2, 3), Sources: []wire.Member{{ID: 9, Address: "source:1"}}})
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

func TestHellosAreRarerInLargeViewsAndByNodesLeftBehind(t *testing.T) {
	crowded := make([]ids.Node, crowd+2)
	for i := range crowded {
		crowded[i] = ids.Node(i + 1)
	}
	cases := []struct {
		name       string
		members    []ids.Node
		leftBehind bool
		pause      wire.Instant
	}{
		{"few", crowded[:crowd+1], false, 100 * wire.Millisecond},
		{"a crowd", crowded, false, 200 * wire.Millisecond},
		{"left behind", crowded[:3], true, wire.Second},
		{"left behind by a crowd", crowded, true, wire.Second},
		{"outside", crowded[1:4], false, wire.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := New(Config{Self: 1, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
			k.Use(&node{})
			k.hold(&wire.View{ID: id(4, 1), Layout: layout("h:1", c.members...)})
			if c.leftBehind {
				next := wire.View{ID: id(5, 2), Layout: layout("h:1", 2, 3), Ancestors: []wire.Ancestor{{View: id(4, 1)}}}
				k.OnQueryReply(wire.Header{From: 2}, &wire.QueryReply{Present: true, View: next})
			}
			k.SetNow(7 * wire.Second)
			k.Tick(func() wire.Hello { return wire.Hello{} })
			next, due := k.NextHello()
			if pause := next - 7*wire.Second; !due || pause != c.pause {
				t.Errorf("the next hellos are due in %d ns, want %d", pause, c.pause)
			}
		})
	}
}

// TestInLargeViewsMembersOfOtherShardsHearFewerHellos counts the hellos that a member sends in eight
// seconds, while it hears all members but one.
func TestInLargeViewsMembersOfOtherShardsHearFewerHellos(t *testing.T) {
	const shards, silent = 6, 12
	l := wire.Layout{}
	for i := range shards {
		a, b := ids.Node(2*i+1), ids.Node(2*i+2)
		l.Shards = append(l.Shards, wire.Shard{Name: string(rune('a' + i)), Members: layout("h:1", a, b).Shards[0].Members})
	}
	greeted := func(self ids.Node) map[ids.Node]int {
		box := &core.Outbox{}
		k := New(Config{Self: self, Inc: 20, Boot: 5}, box, nil)
		k.Use(&node{})
		v := &wire.View{ID: id(4, 1), Layout: l}
		k.hold(v)
		counts := map[ids.Node]int{}
		for now := wire.Instant(0); now < 8*wire.Second; now += helloToCrowd {
			box.Reset()
			k.SetNow(now)
			for _, m := range l.Members() {
				if m.ID != self && m.ID != silent {
					k.OnHello(wire.Header{From: m.ID, View: v.ID}, &wire.Hello{})
				}
			}
			k.Tick(func() wire.Hello { return wire.Hello{} })
			for _, e := range box.Output().Messages {
				if _, ok := e.Message.(*wire.Hello); ok {
					counts[e.To]++
				}
			}
		}
		return counts
	}
	const often = int(8 * wire.Second / helloToCrowd)
	want := map[ids.Node]int{1: often, 4: often, silent: often} // the primary, the other member of its shard, and the silent member
	for _, rare := range []ids.Node{2, 5, 6, 7, 8, 9, 10, 11} {
		want[rare] = often / farRounds
	}
	if d := cmp.Diff(want, greeted(3)); d != "" {
		t.Errorf("greeted by node 3 (-want +got):\n%s", d)
	}
	for to, n := range greeted(1) {
		if n != often {
			t.Errorf("the primary greeted node %d %d times, want %d", to, n, often)
		}
	}
}

// TestAProcessGivesWayToTheOneAtTheAddressThatTheListNames: node 2 has two processes. Node 1 hears
// the process at the address old:1. A list is put to the other process.
func TestAProcessGivesWayToTheOneAtTheAddressThatTheListNames(t *testing.T) {
	for address, gives := range map[string]bool{"old:1": true, "new:1": false} {
		mgr := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
		mgr.Use(&node{})
		mgr.hold(&wire.View{ID: id(1, 2), Layout: layout("h:1", 1)}) // the list that was put here before
		mgr.Put(&core.PutView{Token: 1, Layout: layout(address, 1, 2)})
		mgr.OnQueryReply(wire.Header{From: 1, Inc: 10}, &wire.QueryReply{
			PutID: mgr.puts[0].id, Present: true, View: wire.View{ID: id(3, 1), Layout: layout("old:1", 1, 2)}, Twin: true,
		})
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
			for _, from := range []ids.Node{1, 3} {
				mgr.OnQueryReply(wire.Header{From: from}, &wire.QueryReply{PutID: mgr.puts[0].id, Present: true, View: held})
			}
		},
		"at another member": func(mgr *Manager) { mgr.OnNewView(wire.Header{From: 1}, "", &wire.NewView{View: renewed}) },
	} {
		local := &node{}
		mgr := New(Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{}, nil)
		mgr.Use(local)
		v := held
		mgr.hold(&v)
		mgr.OnQueryReply(wire.Header{From: 3}, &wire.QueryReply{Present: true, View: next})
		if !mgr.LeftBehind() {
			t.Fatalf("%s: not left behind by %v", name, next.ID)
		}
		again(mgr)
		if mgr.LeftBehind() || len(local.adopted) > 0 || mgr.viewID() != held.ID {
			t.Errorf("put %s: left behind %t, adopted %v", name, mgr.LeftBehind(), local.adopted)
		}
	}
}

// TestAMemberThatWasToldTheEmptyListLeavesNobodyBehind: that member has left the view alone. The
// other members wait for it in strong buckets, and go on in causal ones.
func TestAMemberThatWasToldTheEmptyListLeavesNobodyBehind(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	mgr, local := newTestManager(&held)
	mgr.OnQueryReply(wire.Header{From: 3}, &wire.QueryReply{Present: true, View: wire.View{
		ID: id(5, 3), Layout: layout("h:1"), Ancestors: []wire.Ancestor{{View: held.ID}},
	}})
	if mgr.LeftBehind() || len(local.adopted) > 0 || mgr.viewID() != held.ID {
		t.Errorf("left behind %t, adopted %v, view %v", mgr.LeftBehind(), local.adopted, mgr.viewID())
	}
}

// TestAViewIsSentToASilentMemberWithBackOff: a PUT waits 300 ms for the answers of its
// members, sends them the view, and ends after 3 s.
func TestAViewIsSentToASilentMemberWithBackOff(t *testing.T) {
	box := &core.Outbox{}
	k := New(Config{Self: 2, Inc: 20, Boot: 5}, box, nil)
	k.Use(&node{})
	sent := map[ids.Node][]wire.Instant{}
	var answered wire.Instant
	for now := wire.Instant(0); now < 5*wire.Second; now += 10 * wire.Millisecond {
		k.SetNow(now)
		if now == 0 {
			k.Put(&core.PutView{Token: 1, Layout: layout("h:1", 1, 2, 3)})
		}
		k.Tick(func() wire.Hello { return wire.Hello{} })
		out := box.Output()
		for _, e := range out.Messages {
			switch m := e.Message.(type) {
			case *wire.NewView:
				sent[e.To] = append(sent[e.To], now/wire.Millisecond)
				if e.To == 1 {
					k.OnNewViewReply(wire.Header{From: 1, Inc: 10}, &wire.NewViewReply{PutID: m.PutID, View: m.View.ID, Accepted: true})
				}
			case *wire.Query:
				if e.To == 1 {
					k.OnQueryReply(wire.Header{From: 1, Inc: 10}, &wire.QueryReply{PutID: m.PutID})
				}
			}
		}
		if len(out.Replies) > 0 {
			answered = now / wire.Millisecond
		}
		box.Reset()
	}
	want := map[ids.Node][]wire.Instant{1: {300}, 3: {300, 550, 1050, 2050}}
	if d := cmp.Diff(want, sent); d != "" {
		t.Errorf("the view was sent at these milliseconds (-want +got):\n%s", d)
	}
	if answered != 3000 {
		t.Errorf("the PUT is answered after %d ms, want 3000", answered)
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
		recordLaterSighting(v, c.s)
		if i := sightingIndex(v, 2); i < 0 || v.Saw[i].View != c.want || v.Saw[i].Inc != c.s.Inc {
			t.Errorf("%s: %v, want view %v", c.name, v.Saw, c.want)
		}
	}
}
