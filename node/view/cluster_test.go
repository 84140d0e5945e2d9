package view

import (
	"cmp"
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/put"
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
			if c.follow && !slices.Contains(k.View().Births, id(1, 1)) {
				t.Errorf("the births %v have lost that of the view held", k.View().Births)
			}
			if k.Leave(&wire.View{ID: id(6, 3), Layout: layout("h:1", 1, 3), Ancestors: knows, Births: []ids.View{id(1, 8)}}, &wire.KnownBallot{}) == 0 {
				t.Error("it left its view for one of another cluster")
			}
		})
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
		{"another process says Hello, for the first time", wire.QueryReply{Present: true, View: held, Twin: true}, false},
		{"all is well", wire.QueryReply{Present: true, View: held}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := newTestManager(&held)
			k.OnQueryReply(wire.Header{From: 1}, 0, &c.answer)
			if k.LeftBehind() != c.givesWay {
				t.Errorf("left behind: %t, want %t", k.LeftBehind(), c.givesWay)
			}
		})
	}
}

// TestOneLateHelloOfAnEarlierIncarnationGivesNoIDAway: it makes a member say for 500 ms that
// another process has this node's id, and a late answer says so even later. Another process that
// runs makes the member say so at each probe. Probes are 500 ms apart, and answers take 100 ms.
func TestOneLateHelloOfAnEarlierIncarnationGivesNoIDAway(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2), Births: []ids.View{id(1, 1)}}
	const no, yes, late, hello = "no", "yes", "yes, late", "hello" // what comes from node 1 after each probe
	for _, c := range []struct {
		name     string
		comes    []string
		givesWay bool
	}{
		{"said once", []string{yes}, false},
		{"said again before one hello is forgotten", []string{yes, yes}, false},
		{"said at each probe", []string{yes, yes, yes}, true},
		{"said again, after the contrary", []string{yes, no, yes}, false},
		{"said again, after a hello", []string{yes, hello, yes}, false},
		{"said once, and heard three times", []string{yes, late, late}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := newTestManager(&held)
			now, first := wire.Instant(0), uint64(0)
			for _, comes := range c.comes {
				probe := uint64(0)
				for ; probe == 0; now += 100 * wire.Millisecond {
					k.SetNow(now)
					k.box.Reset()
					k.Tick(func() wire.Hello { return wire.Hello{} })
					for _, e := range k.box.Output().Messages {
						probe = max(probe, e.Request)
					}
				}
				first = cmp.Or(first, probe)
				k.SetNow(now)
				switch comes {
				case hello:
					k.OnHello(wire.Header{From: 1, Inc: 10, View: held.ID}, &wire.Hello{})
					continue
				case late:
					probe = first
				}
				k.OnQueryReply(wire.Header{From: 1, Inc: 10}, probe, &wire.QueryReply{Present: true, View: held, Twin: comes != no})
			}
			if k.LeftBehind() != c.givesWay {
				t.Errorf("gives way: %t, want %t", k.LeftBehind(), c.givesWay)
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
			answer(t, k, wire.QueryReply{Present: true, View: theirs}, 1, 3)
			if k.LeftBehind() != c.givesWay {
				t.Errorf("left behind: %t, want %t", k.LeftBehind(), c.givesWay)
			}
		})
	}
}

// TestARefusalTellsTheAuthorOfTheOtherCluster: so the author may join that cluster, if it may
// replace the list. Otherwise the refusal is reported here, too.
func TestARefusalTellsTheAuthorOfTheOtherCluster(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2), Births: []ids.View{id(1, 1)}}
	for _, c := range []struct {
		name     string
		v        wire.View
		shown    wire.Layout // in the answer
		reported bool
	}{
		{"another cluster's list, without a member", wire.View{Layout: layout("h:1", 2, 3), Births: []ids.View{id(1, 7)}}, held.Layout, true},
		{"another cluster's list, with all members", wire.View{Layout: layout("h:1", 1, 2, 3), Births: []ids.View{id(1, 7)}}, held.Layout, false},
		{"this cluster's list", wire.View{Layout: layout("h:1", 2, 3), Births: held.Births}, wire.Layout{}, false},
	} {
		c.v.ID = id(9, 3)
		k, _ := newTestManager(&held)
		k.OnNewView(wire.Header{From: 3, Boot: 5}, "back", &wire.NewView{View: c.v})
		out := k.box.Output()
		m, ok := out.Messages[0].Message.(*wire.NewViewReply)
		if !ok || m.Accepted || m.Held != held.ID || !m.Layout.Equal(c.shown) {
			t.Errorf("%s: answered %v", c.name, out.Messages[0].Message)
		}
		if got := slices.ContainsFunc(out.Events, func(e core.Event) bool { return e.Kind == put.EventForeign }); got != c.reported {
			t.Errorf("%s: reported %t, want %t", c.name, got, c.reported)
		}
	}
}
