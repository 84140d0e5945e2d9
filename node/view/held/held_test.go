package held

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

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

// hold returns node 2, incarnation 20, holding a view; nil: none.
func hold(v *wire.View) (*View, *core.Outbox) {
	box := &core.Outbox{}
	h := New(Config{Self: 2, Inc: 20, Boot: 5}, box)
	if v != nil {
		own := *v
		h.Hold(&own, 0)
	}
	return h, box
}

func TestAViewIsFollowedOnlyInKnowledgeOfTheOneHeld(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Renewed: 2}
	knows := func(renewed uint64) []wire.Ancestor { return []wire.Ancestor{{View: held.ID, Renewed: renewed}} }
	saw := func(inc ids.Incarnation) []wire.Sighting { return []wire.Sighting{{Node: 2, Inc: inc}} }
	for _, c := range []struct {
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
		{"one that replaces it, with this id at another address", &held, wire.View{ID: id(5, 3), Layout: layout("h:2", 1, 2, 3), Ancestors: knows(2)}, true},
		{"one that has given this id to another process", &held, wire.View{ID: id(5, 3), Layout: layout("h:2", 1, 2, 3), Ancestors: knows(2), Saw: saw(99)}, false},
		{"with nothing, one that saw this incarnation", nil, wire.View{ID: id(1, 3), Layout: layout("h:1", 2, 3), Saw: saw(20)}, true},
		{"with nothing, one that saw an earlier incarnation", nil, wire.View{ID: id(1, 3), Layout: layout("h:1", 2, 3), Saw: saw(19)}, false},
	} {
		h, _ := hold(c.held)
		if got := h.MayFollow(&c.v); got != c.follow {
			t.Errorf("%s: followed %t, want %t", c.name, got, c.follow)
		}
	}
}

func TestANodeLeavesItsViewForOneThatOwesItsDataIfNoOperatorMeantItToStay(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	renewed, empty, above := held, held, held
	renewed.Renewed = 1
	empty.Layout = layout("h:1")
	above.ID = id(8, 1)
	owed := &wire.KnownBallot{Ballot: ids.Ballot{View: held.ID, Round: 1}}
	next := func(ancestors ...wire.Ancestor) wire.View {
		return wire.View{ID: id(7, 3), Layout: layout("h:1", 1, 3), Ancestors: ancestors}
	}
	listed := next()
	listed.Layout = layout("h:1", 1, 2)
	for _, c := range []struct {
		name string
		held *wire.View
		v    wire.View
		owed *wire.KnownBallot
		want wire.Fate
	}{
		{"one that replaces the held view", &held, next(wire.Ancestor{View: held.ID}), &wire.KnownBallot{}, 0},
		{"one whose author had not heard of the owed ballot's view", &held, next(), owed, 0},
		{"the held view is another one", &held, next(), &wire.KnownBallot{Ballot: ids.Ballot{View: id(3, 1)}}, wire.FateElsewhere},
		{"the held view was renewed", &renewed, next(wire.Ancestor{View: held.ID}), owed, wire.FateElsewhere},
		{"the held list is empty", &empty, next(), &wire.KnownBallot{}, 0},
		{"one that lists the node", &held, listed, owed, wire.FateElsewhere},
		{"one below", &above, next(), &wire.KnownBallot{Ballot: ids.Ballot{View: above.ID}}, wire.FateBelow},
		{"without a view", nil, next(), owed, wire.FateElsewhere},
	} {
		h, _ := hold(c.held)
		if got := h.MayLeave(&c.v, c.owed); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestAnIDBelongsToTheProcessThatAViewHasHeard: node 2, incarnation 20, asks itself whether its
// id is another process's now.
func TestAnIDBelongsToTheProcessThatAViewHasHeard(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	here := held.Layout.Members()[1]
	next := func(address string, inc ids.Incarnation) wire.View {
		return wire.View{
			ID: id(5, 1), Layout: layout(address, 1, 2, 3), Ancestors: []wire.Ancestor{{View: held.ID}},
			Saw: []wire.Sighting{{Node: 2, Inc: inc}},
		}
	}
	old := wire.View{ID: id(3, 1), Layout: layout("h:1", 1, 2, 3)}
	moved := wire.Member{ID: 2, Address: "else:1"}
	for _, c := range []struct {
		name         string
		mine         wire.Member // as the list of a PUT has it
		reply        wire.QueryReply
		given, taken bool // by a probe; by a PUT
	}{
		{"all is well", here, wire.QueryReply{Present: true, View: held}, false, false},
		{"another process says Hello", here, wire.QueryReply{Present: true, View: held, Twin: true}, false, true},
		{"it said so under an earlier view", here, wire.QueryReply{Present: true, View: old, Twin: true}, false, false},
		{"the list moves the id away from it", moved, wire.QueryReply{Present: true, View: held, Twin: true}, false, false},
		{"another process was heard at another address", moved, wire.QueryReply{Present: true, View: next("else:1", 99)}, true, true},
		{"this one was heard there", moved, wire.QueryReply{Present: true, View: next("else:1", 20)}, false, false},
	} {
		h, _ := hold(&held)
		if got := h.IDGivenAway(&c.reply); got != c.given {
			t.Errorf("%s: given away %t, want %t", c.name, got, c.given)
		}
		if got := h.IDTaken(c.mine, &c.reply); got != c.taken {
			t.Errorf("%s: taken %t, want %t", c.name, got, c.taken)
		}
	}
}

func TestAnIDIsAboveAllThatWasHeldOrMade(t *testing.T) {
	h, _ := hold(&wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2)})
	if got, want := h.NewID(2), id(5, 2); got != want {
		t.Errorf("above a lower view: %v, want %v", got, want)
	}
	if got, want := h.NewID(9), id(10, 2); got != want {
		t.Errorf("above a higher view: %v, want %v", got, want)
	}
	h.Hold(&wire.View{ID: id(7, 3), Layout: layout("h:1", 2)}, 0)
	if got, want := h.NewID(0), id(11, 2); got != want {
		t.Errorf("a second time: %v, want %v", got, want)
	}
}

func TestAListUnderANewIDReplacesItselfAndIsNotRenewed(t *testing.T) {
	before := wire.Sighting{Node: 1, Inc: 10, View: id(3, 1)}
	h, _ := hold(&wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2), Renewed: 3, Saw: []wire.Sighting{before, {Node: 2, Inc: 20, View: id(3, 1)}}})
	v := h.Above(id(8, 9))
	want := wire.View{
		ID: id(9, 2), Layout: layout("h:1", 1, 2), Ancestors: []wire.Ancestor{{View: id(4, 1), Renewed: 3}},
		Saw: []wire.Sighting{before, {Node: 2, Inc: 20, View: id(4, 1)}}, // so node 1 knows of view 4, in which others may have written
	}
	if d := cmp.Diff(want, *v); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if h.ID() != id(4, 1) || h.View().Renewed != 3 {
		t.Errorf("the held view has become %v", h.View())
	}
}

// TestWhatTheAuthorHearsIsTakenIn: the held view comes again, with more in it.
func TestWhatTheAuthorHearsIsTakenIn(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2), Renewed: 2, Saw: []wire.Sighting{{Node: 1, Inc: 10}}}
	more := held
	more.Renewed, more.Births, more.Ancestors = 1, []ids.View{id(1, 1)}, []wire.Ancestor{{View: id(3, 1)}}
	more.Saw = []wire.Sighting{{Node: 1, Inc: 10}, {Node: 3, Inc: 30}}
	h, _ := hold(&held)
	if h.Extend(&more) {
		t.Error("an older count of renewals counts")
	}
	want := more
	want.Renewed = 2
	want.Saw = []wire.Sighting{{Node: 1, Inc: 10}, {Node: 3, Inc: 30, View: held.ID}}
	if d := cmp.Diff(want, *h.View()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	more.Renewed = 3
	if !h.Extend(&more) || h.View().Renewed != 3 {
		t.Errorf("renewed %d times, want 3", h.View().Renewed)
	}
	if h.Renew(1); h.View().Renewed != 4 {
		t.Errorf("renewed %d times, want 4", h.View().Renewed)
	}
	if h.Renew(8); h.View().Renewed != 9 {
		t.Errorf("renewed %d times, want 9", h.View().Renewed)
	}
}

func TestOnlyAHigherViewThatMissedThisIncarnationIsStale(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Saw: []wire.Sighting{{Node: 3, Inc: 30}}}
	saw := func(v wire.View, inc ids.Incarnation) *wire.View {
		v.Saw = []wire.Sighting{{Node: 2, Inc: inc}}
		return &v
	}
	higher := wire.View{ID: id(6, 1), Layout: held.Layout}
	other := wire.View{ID: id(6, 1), Layout: layout("h:1", 2, 3)}
	far := wire.View{ID: id(5+maxJump, 1), Layout: held.Layout}
	for _, c := range []struct {
		name string
		from wire.Header
		v    *wire.View
		want bool
	}{
		{"a member follows an old message", wire.Header{From: 3, Inc: 30}, saw(higher, 19), true},
		{"another incarnation of the member", wire.Header{From: 3, Inc: 31}, saw(higher, 19), false},
		{"this incarnation was heard", wire.Header{From: 3, Inc: 30}, saw(higher, 20), false},
		{"another list", wire.Header{From: 3, Inc: 30}, saw(other, 19), false},
		{"the held view itself", wire.Header{From: 3, Inc: 30}, saw(held, 19), false},
		{"a number that cannot be", wire.Header{From: 3, Inc: 30}, saw(far, 19), false},
	} {
		h, _ := hold(&held)
		if got := h.StaleAbove(c.from, c.v); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if h, _ := hold(nil); h.StaleAbove(wire.Header{From: 3, Inc: 30}, saw(higher, 19)) {
		t.Error("a node without a view has nothing to number anew")
	}
}

func TestViewsThatNobodyCanHaveMadeAreReported(t *testing.T) {
	held := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3), Renewed: 2}
	same := held
	same.Renewed++
	for _, c := range []struct {
		name  string
		v     wire.View
		sound bool
	}{
		{"the held view, renewed", same, true},
		{"the held id with another list", wire.View{ID: held.ID, Layout: layout("h:1", 1, 2)}, false},
		{"renewed too often", wire.View{ID: held.ID, Layout: held.Layout, Renewed: 3 + maxJump}, false},
		{"a number in reach", wire.View{ID: id(4+maxJump, 1)}, true},
		{"a number out of reach", wire.View{ID: id(5+maxJump, 1)}, false},
		{"births out of order", wire.View{ID: id(5, 1), Births: []ids.View{id(2, 1), id(1, 1)}}, false},
	} {
		h, box := hold(&held)
		if got := h.Sound(&c.v); got != c.sound {
			t.Errorf("%s: sound %t, want %t", c.name, got, c.sound)
		}
		if reported := len(box.Output().Events) > 0; reported == c.sound {
			t.Errorf("%s: reported %t", c.name, reported)
		}
	}
}

func TestAViewComesFromItsAuthorOrAMember(t *testing.T) {
	v := &wire.View{ID: id(5, 7), Layout: layout("h:1", 1, 2)}
	for _, c := range []struct {
		name string
		by   wire.Header
		may  bool
	}{
		{"its author", wire.Header{From: 7, Boot: 5}, true},
		{"another boot of its author", wire.Header{From: 7, Boot: 6}, false},
		{"a member of it", wire.Header{From: 1}, true},
		{"a member of the held view", wire.Header{From: 3}, true},
		{"a stranger", wire.Header{From: 8}, false},
	} {
		h, _ := hold(&wire.View{ID: id(4, 1), Layout: layout("h:1", 2, 3)})
		if got := h.SpeaksFor(c.by, v); got != c.may {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestAnAnswerWithAHistoryAboveItsViewIsNotCredible(t *testing.T) {
	v := wire.View{ID: id(5, 1), Layout: layout("h:1", 1, 2)}
	ballot := func(view ids.View) ids.Ballot { return ids.Ballot{View: view, Round: 1} }
	for _, c := range []struct {
		name string
		m    wire.QueryReply
		want bool
	}{
		{"nothing", wire.QueryReply{}, true},
		{"a history without a view", wire.QueryReply{Ballot: ballot(id(1, 1))}, false},
		{"a history of its view", wire.QueryReply{Present: true, View: v, Ballot: ballot(v.ID)}, true},
		{"a history of a later view", wire.QueryReply{Present: true, View: v, Ballot: ballot(id(6, 1))}, false},
	} {
		h, _ := hold(nil)
		if got := h.Credible(&c.m); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestWhoIsLeftBehindIsAMemberAgainInAnotherViewOrAfterARenewal(t *testing.T) {
	v := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2)}
	h, _ := hold(&v)
	if !h.Changed() || h.Changed() {
		t.Error("a new view is told once")
	}
	if h.Rejoin() {
		t.Error("a member rejoined")
	}
	if !h.FallBehind() || h.FallBehind() || !h.LeftBehind() || !h.Changed() {
		t.Error("a node is left behind once")
	}
	if !h.Rejoin() || h.LeftBehind() || !h.Changed() {
		t.Error("a renewal has not made the node a member again")
	}
	h.FallBehind()
	h.Hold(&wire.View{ID: id(5, 1), Layout: layout("h:1", 1)}, wire.Second)
	if h.LeftBehind() || !h.Outside() || h.Since() != wire.Second || h.Entry() != v.Layout.Members()[1] {
		t.Errorf("left behind %t, outside %t, since %d, entry %v", h.LeftBehind(), h.Outside(), h.Since(), h.Entry())
	}
}

func TestFirstViewsOfOneListAreOneCluster(t *testing.T) {
	h, _ := hold(&wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2), Births: []ids.View{id(1, 1)}})
	if h.SameCluster([]ids.View{id(1, 7)}) || !h.SameCluster(nil) || !h.SameCluster([]ids.View{id(1, 1), id(1, 7)}) {
		t.Error("clusters are told apart by their births")
	}
	same := &wire.View{ID: id(5, 1), Layout: layout("h:1", 1, 2), Births: []ids.View{id(1, 7)}}
	if got := h.WithBirths(same).Births; !slices.Equal(got, []ids.View{id(1, 1), id(1, 7)}) {
		t.Errorf("births %v", got)
	}
	other := &wire.View{ID: id(5, 1), Layout: layout("h:1", 1), Births: []ids.View{id(1, 7)}}
	if h.WithBirths(other) != other || len(same.Births) != 1 {
		t.Error("another list took over the births, or a message was written to")
	}
}

// TestANodeThatRestartsIsStillLeftBehind: its former members may have forgotten it by then, and
// would never learn of its writes (docs/views.md §3.1).
func TestANodeThatRestartsIsStillLeftBehind(t *testing.T) {
	v := wire.View{ID: id(4, 1), Layout: layout("h:1", 1, 2, 3)}
	for _, left := range []bool{false, true} {
		h, _ := hold(nil)
		if !h.Recover(&core.Recovered{Meta: wire.NodeMeta{Present: true, View: v, LeftBehind: left}}, 7) || h.LeftBehind() != left {
			t.Errorf("left behind %t before the restart, %t after it", left, h.LeftBehind())
		}
	}
}
