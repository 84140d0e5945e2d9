package put

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/view/hello"
	"github.com/cohortkv/cohort/node/wire"
)

func layout(members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: "h:1"})
	}
	return l
}

func id(n uint64, author ids.Node) ids.View {
	return ids.View{Number: n, Author: author, Boot: 5}
}

// scene is the open PUTs of node 2, incarnation 20, with the rest of the node: it adopts what it
// is told to.
type scene struct {
	*Puts
	t     *testing.T
	box   core.Outbox
	held  *held.View
	peers *hello.Peers

	ballot           ids.Ballot
	serving, handed  bool
	holding          bool
	progressed       uint64
	renewed, refresh int
	adopted          []*wire.View
}

func (s *scene) Ballot() ids.Ballot              { return s.ballot }
func (s *scene) BallotMembers() []wire.Member    { return nil }
func (s *scene) Holding() bool                   { return s.holding }
func (s *scene) Data() bool                      { return false }
func (s *scene) Serving() bool                   { return s.serving }
func (s *scene) Progress() uint64                { return s.progressed }
func (s *scene) HandedOver() (causal, only bool) { return s.handed, false }
func (s *scene) Refresh()                        { s.refresh++ }
func (s *scene) Renewed()                        { s.renewed++ }
func (s *scene) GiveWay(ids.Node, ids.View)      { s.held.FallBehind() }
func (s *scene) Reach()                          {}
func (s *scene) Adopt(v *wire.View) {
	other := !s.held.Lists(v.Layout)
	s.adopted = append(s.adopted, v)
	s.held.Hold(v, s.now)
	s.peers.Begin(s.now)
	if other {
		s.Overtaken(v)
	}
}

// begin returns a node that holds a view; nil: none.
func begin(t *testing.T, own *wire.View) *scene {
	s := &scene{t: t, handed: true}
	s.held = held.New(held.Config{Self: 2, Inc: 20, Boot: 5}, &s.box)
	s.peers = hello.New(s.held, &s.box, 0)
	s.Puts = New(Config{Boot: 5}, s.held, s.peers, &s.box, s, s, s)
	if own != nil {
		v := *own
		s.held.Hold(&v, 0)
		s.peers.Begin(0)
	}
	return s
}

// put puts a list with token 1.
func (s *scene) put(list wire.Layout) { s.Put(&core.PutView{Token: 1, Layout: list}) }

// tick lets the time of the next tick come.
func (s *scene) tick(now wire.Instant) {
	s.SetNow(now)
	s.Tick()
}

// answer gives the PUT that came last a member's answer to the query.
func (s *scene) answer(from ids.Node, r wire.QueryReply) {
	r.PutID = s.last
	s.OnQueryReply(wire.Header{From: from, Inc: ids.Incarnation(10 * from)}, &r)
}

// takes gives that PUT a member's answer to its view.
func (s *scene) takes(from ids.Node, r wire.NewViewReply) {
	r.PutID, r.View = s.last, s.held.ID()
	s.OnNewViewReply(wire.Header{From: from, Inc: ids.Incarnation(10 * from)}, &r)
}

func holds(v wire.View) wire.QueryReply { return wire.QueryReply{Present: true, View: v} }

// said returns what was sent and answered since the last call. All writes are durable.
func (s *scene) said() (sent map[ids.Node][]wire.Message, replies []core.Reply) {
	s.box.MarkDurable(s.box.LastWrite())
	sent = map[ids.Node][]wire.Message{}
	for _, e := range s.box.Output().Messages {
		sent[e.To] = append(sent[e.To], e.Message)
	}
	replies = slices.Clone(s.box.Output().Replies)
	s.box.Reset()
	return sent, replies
}

// answered checks that a PUT was answered since the last call of said, and how.
func (s *scene) answered(want core.Outcome) core.Reply {
	s.t.Helper()
	_, replies := s.said()
	if len(replies) != 1 || replies[0].Outcome != want {
		s.t.Fatalf("replies %v, want one of outcome %v", replies, want)
	}
	return replies[0]
}

// TestAListReplacesOnlyViewsOfItsCluster: views of other clusters are no ancestors of the new
// view. If they were, their members would follow it.
func TestAListReplacesOnlyViewsOfItsCluster(t *testing.T) {
	a := wire.View{ID: id(9, 1), Layout: layout(1, 2, 3), Births: []ids.View{id(1, 1)}}
	b := wire.View{ID: id(7, 4), Layout: layout(4, 5), Births: []ids.View{id(1, 4)}}
	moved := layout(1, 2, 3)
	moved.Shards[0].Members[1].Address = "else:1"
	for _, c := range []struct {
		name     string
		held     *wire.View // by node 2, to which the list is put
		list     wire.Layout
		force    bool
		answers  map[ids.Node]*wire.View
		replaces []ids.View
	}{
		{"a member's list, with another cluster's node", &a, layout(1, 2, 4), false, map[ids.Node]*wire.View{1: &a, 4: &b}, []ids.View{a.ID}},
		{"the same by force", &a, layout(1, 2, 4), true, map[ids.Node]*wire.View{1: &a, 4: &b}, []ids.View{b.ID, a.ID}},
		{"a member that lost its state", nil, layout(1, 2, 3), false, map[ids.Node]*wire.View{1: &a}, []ids.View{a.ID}},
		{"it loses others on the way", nil, layout(1, 2), false, map[ids.Node]*wire.View{1: &a}, []ids.View{a.ID}},
		{"a newcomer that adds itself", nil, layout(2, 4, 5), false, map[ids.Node]*wire.View{4: &b}, []ids.View{b.ID}},
		{"a newcomer that takes a node out", nil, layout(2, 4), false, map[ids.Node]*wire.View{4: &b}, nil},
		{"a newcomer with the id of a member", nil, moved, false, map[ids.Node]*wire.View{1: &a}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, c.held)
			s.Put(&core.PutView{Token: 1, Layout: c.list, Force: c.force})
			for _, m := range c.list.Members() {
				if v := c.answers[m.ID]; v != nil {
					s.answer(m.ID, holds(*v))
				}
			}
			s.tick(querySilence)
			if len(s.adopted) != 1 {
				t.Fatalf("%d views were adopted", len(s.adopted))
			}
			got := s.adopted[0]
			var all []ids.View
			for _, a := range got.Ancestors {
				all = append(all, a.View)
			}
			if !slices.Equal(all, c.replaces) {
				t.Errorf("it replaces %v, want %v", all, c.replaces)
			}
			for _, v := range c.answers {
				if got.ID.Number <= v.ID.Number && c.replaces != nil {
					t.Errorf("its number is %d, and that of a view that it replaces is %d", got.ID.Number, v.ID.Number)
				}
			}
			if own := slices.Equal(got.Births, []ids.View{got.ID}); own != (c.replaces == nil) {
				t.Errorf("its births are %v", got.Births)
			}
		})
	}
}

// TestAViewIsSentToASilentMemberWithBackOff: a PUT waits 300 ms for the answers of its
// members, sends them the view, and ends after 3 s.
func TestAViewIsSentToASilentMemberWithBackOff(t *testing.T) {
	s := begin(t, nil)
	sent := map[ids.Node][]wire.Instant{}
	var answered wire.Instant
	s.put(layout(1, 2, 3))
	for now := wire.Instant(0); now < 5*wire.Second; now += 10 * wire.Millisecond {
		s.tick(now)
		messages, replies := s.said()
		for to, all := range messages {
			for _, m := range all {
				switch m.(type) {
				case *wire.NewView:
					sent[to] = append(sent[to], now/wire.Millisecond)
					if to == 1 {
						s.takes(1, wire.NewViewReply{Accepted: true})
					}
				case *wire.Query:
					if to == 1 {
						s.answer(1, wire.QueryReply{})
					}
				}
			}
		}
		if len(replies) > 0 {
			answered = now / wire.Millisecond
		}
	}
	want := map[ids.Node][]wire.Instant{1: {300}, 3: {300, 550, 1050, 2050}}
	if d := cmp.Diff(want, sent); d != "" {
		t.Errorf("the view was sent at these milliseconds (-want +got):\n%s", d)
	}
	if answered != 3000 {
		t.Errorf("the PUT is answered after %d ms, want 3000", answered)
	}
}

// TestAPutEndsWhenItIsOver: the list is put to node 2, and nothing is ever ready.
func TestAPutEndsWhenItIsOver(t *testing.T) {
	other := wire.View{ID: id(7, 3), Layout: layout(3, 7), Births: []ids.View{id(1, 7)}}
	for _, c := range []struct {
		name    string
		limit   wire.Instant
		answers map[ids.Node]wire.QueryReply
		steady  bool // there is progress all the time
		want    wire.Instant
	}{
		{"without progress", 0, map[ids.Node]wire.QueryReply{1: {}, 3: {}}, false, stalled},
		{"with progress", 0, map[ids.Node]wire.QueryReply{1: {}, 3: {}}, true, limit},
		{"with a limit of its own", wire.Second, map[ids.Node]wire.QueryReply{1: {}, 3: {}}, true, wire.Second},
		{"with a limit above that of all", 20 * wire.Second, map[ids.Node]wire.QueryReply{1: {}, 3: {}}, true, limit},
		{"when only another cluster's member is missing", 0, map[ids.Node]wire.QueryReply{1: {}, 3: holds(other)}, true, foreign},
	} {
		s := begin(t, &wire.View{ID: id(4, 1), Layout: layout(2), Births: []ids.View{id(1, 1)}})
		s.Put(&core.PutView{Token: 1, Layout: layout(1, 2, 3), Limit: c.limit})
		for from, r := range c.answers {
			s.answer(from, r)
		}
		s.takes(1, wire.NewViewReply{Accepted: true})
		var ended wire.Instant
		for now := wire.Instant(0); now <= 10*wire.Second && ended == 0; now += 50 * wire.Millisecond {
			if c.steady {
				s.progressed++
			}
			s.tick(now)
			if _, replies := s.said(); len(replies) > 0 {
				ended = now
			}
		}
		if ended != c.want || !s.None() {
			t.Errorf("%s: ended after %d ms, want %d", c.name, ended/wire.Millisecond, c.want/wire.Millisecond)
		}
	}
}

// TestAListInForceIsRenewed: no view is made, and all members hear of the renewal.
func TestAListInForceIsRenewed(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2, 3), Renewed: 1}
	theirs := own
	theirs.Renewed = 2
	s := begin(t, &own)
	s.put(own.Layout)
	s.said()
	s.answer(1, holds(theirs))
	s.answer(3, holds(own))
	if len(s.adopted) > 0 || s.held.View().Renewed != 3 || s.renewed != 1 || s.refresh != 1 {
		t.Errorf("adopted %v, renewed %d times, told %d and %d times", s.adopted, s.held.View().Renewed, s.renewed, s.refresh)
	}
	sent, _ := s.said()
	for _, to := range []ids.Node{1, 3} {
		if m, ok := sent[to][0].(*wire.NewView); !ok || m.View.Renewed != 3 {
			t.Errorf("node %d was sent %v", to, sent[to])
		}
	}
	s.serving = true
	s.Check()
	s.answered(core.ViewServed)
}

// TestARefusalGivesTheListAnIDAboveTheOneHeldThere: at most maxNewIDs ids are made.
func TestARefusalGivesTheListAnIDAboveTheOneHeldThere(t *testing.T) {
	s := begin(t, nil)
	s.put(layout(1, 2))
	s.answer(1, wire.QueryReply{})
	for n := range uint64(maxNewIDs) {
		other := id(20+n*10, 1)
		s.takes(1, wire.NewViewReply{Held: other})
		above := s.held.ID().Compare(other) > 0
		if want := n < maxNewIDs-1; above != want {
			t.Errorf("refusal %d: the list has id %v, above %v: %t", n+1, s.held.ID(), other, above)
		}
		if !s.held.View().Descends(other) {
			t.Errorf("refusal %d: %v is no ancestor", n+1, other)
		}
	}
	if len(s.adopted) != maxNewIDs {
		t.Errorf("%d ids were made, want %d", len(s.adopted), maxNewIDs)
	}
	s.Abandon(1)
	last := s.held.ID()
	if s.takes(1, wire.NewViewReply{Held: id(90, 1)}); s.held.ID() != last {
		t.Error("a refusal has counted after the end of the PUT")
	}
}

func TestAMemberThatWasNotHeardAndIsOfAClusterTakesTheNewViewIn(t *testing.T) {
	s := begin(t, nil)
	s.put(layout(1, 2))
	s.tick(querySilence)
	if !slices.Equal(s.held.Births(), []ids.View{s.held.ID()}) {
		t.Fatalf("births %v", s.held.Births())
	}
	theirs := wire.NewViewReply{Held: id(0, 1), Births: []ids.View{id(0, 1)}, Layout: layout(1)}
	s.said()
	s.takes(1, theirs)
	if !slices.Equal(s.held.Births(), []ids.View{id(0, 1), s.held.ID()}) {
		t.Errorf("births %v", s.held.Births())
	}
	if sent, _ := s.said(); len(sent[1]) != 1 {
		t.Errorf("sent %v", sent[1])
	}
	theirs.Births = []ids.View{id(0, 7)}
	s.takes(1, theirs)
	if got := s.find(s.last).query.Member(1); !got.Foreign {
		t.Error("a second cluster was joined")
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	s := begin(t, &wire.View{ID: id(4, 1), Layout: layout(1, 2)})
	s.Put(&core.PutView{Token: 1, Layout: layout(1, 2, 3), Check: true})
	s.answer(1, wire.QueryReply{})
	s.said()
	s.tick(querySilence)
	r := s.answered(core.ViewChecked)
	want := []core.MemberReport{{Node: 1, Stand: core.MemberAnswered}, {Node: 3, Stand: core.MemberSilent}}
	if d := cmp.Diff(want, r.View.Members); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(s.adopted) > 0 || s.renewed > 0 || !s.Busy() {
		t.Errorf("adopted %v, renewed %d, busy %t", s.adopted, s.renewed, s.Busy())
	}
	if s.Undial(); s.Busy() {
		t.Error("its peers are dialled for ever")
	}
}

func TestTheEmptyListIsAdoptedAloneAndAtOnce(t *testing.T) {
	s := begin(t, &wire.View{ID: id(4, 1), Layout: layout(1, 2), Births: []ids.View{id(1, 1)}})
	s.put(wire.Layout{})
	sent, replies := s.said()
	if len(sent) > 0 || len(replies) != 1 || replies[0].Outcome != core.ViewServed || !s.held.Outside() {
		t.Errorf("sent %v, replies %v", sent, replies)
	}
	if v := s.held.View(); v.ID != id(5, 2) || !v.Descends(id(4, 1)) || len(v.Sources) > 0 {
		t.Errorf("the view is %v", v)
	}
	blank := begin(t, nil)
	if blank.put(wire.Layout{}); len(blank.held.Births()) > 0 {
		t.Errorf("a node told to be in no cluster began one: births %v", blank.held.Births())
	}
}

// TestANodeOutsideTheListIsASourceIfItHasData: of either model.
func TestANodeOutsideTheListIsASourceIfItHasData(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2)}
	for _, c := range []struct {
		name             string
		history, holding bool
		list             wire.Layout
		source           bool
	}{
		{"a history", true, false, layout(1), true},
		{"slots", false, true, layout(1), true},
		{"nothing", false, false, layout(1), false},
		{"a history, and is in the list", true, true, layout(1, 2, 3), false},
		{"a history, and nobody is in the list", true, true, layout(), false},
	} {
		s := begin(t, &own)
		s.holding = c.holding
		if c.history {
			s.ballot = ids.Ballot{View: own.ID, Round: 1}
		}
		s.put(c.list)
		s.tick(querySilence)
		if got := len(s.held.View().Sources) == 1; got != c.source || s.held.ID() != id(5, 2) {
			t.Errorf("it has %s: a source %t, want %t, of view %v", c.name, got, c.source, s.held.ID())
		}
	}
}

// TestOutsideAPutWaitsForThePrimarysBase: node 2 has a history and is not in the list.
func TestOutsideAPutWaitsForThePrimarysBase(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2)}
	s := begin(t, &own)
	s.ballot = ids.Ballot{View: own.ID, Round: 1}
	s.put(layout(1))
	s.answer(1, holds(own))
	if got := s.held.View().Sources; !slices.Equal(got, layout(2).Members()) {
		t.Errorf("sources %v", got)
	}
	s.said()
	s.tick(100 * wire.Millisecond)
	sent, _ := s.said()
	if m, ok := sent[1][0].(*wire.BaseCheck); !ok || m.PutID != s.last || m.Ballot != s.ballot {
		t.Fatalf("sent %v", sent[1])
	}
	s.OnBaseCheckReply(&wire.BaseCheckReply{PutID: s.last, Contained: true})
	if s.None() {
		t.Error("answered before the member has accepted the view")
	}
	s.takes(1, wire.NewViewReply{Accepted: true})
	s.answered(core.ViewServed)
}

// TestOutsideAHigherViewOfTheListDoesUnlessItsBaseLacksThisNodesData: the higher view was made
// by another PUT of the list.
func TestOutsideAHigherViewOfTheListDoesUnlessItsBaseLacksThisNodesData(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2)}
	higher := id(7, 1)
	s := begin(t, &own)
	s.ballot = ids.Ballot{View: own.ID, Round: 1}
	s.put(layout(1))
	s.answer(1, holds(own))
	s.takes(1, wire.NewViewReply{Held: higher, Same: true})
	if s.held.ID() != id(5, 2) {
		t.Fatalf("the list has a new id: %v", s.held.ID())
	}
	s.OnBaseCheckReply(&wire.BaseCheckReply{PutID: s.last, Serving: false})
	if s.held.ID() != id(5, 2) {
		t.Fatalf("a primary that does not serve gave the list a new id: %v", s.held.ID())
	}
	s.OnBaseCheckReply(&wire.BaseCheckReply{PutID: s.last, Serving: true})
	if v := s.held.View(); v.ID != id(8, 2) || !v.Descends(higher) || len(v.Sources) != 1 {
		t.Errorf("the view is %v", v)
	}
}

func TestAPutIsOvertakenByAnotherList(t *testing.T) {
	s := begin(t, nil)
	s.put(layout(1, 2, 3))
	s.answer(1, wire.QueryReply{})
	s.answer(3, wire.QueryReply{})
	s.Adopt(&wire.View{ID: id(9, 1), Layout: layout(1, 2, 3)})
	if s.None() {
		t.Error("another view of the same list ends the PUT")
	}
	s.said()
	s.Adopt(&wire.View{ID: id(10, 1), Layout: layout(1, 2)})
	s.answered(core.ViewOvertaken)
}

// TestAPutTellsHowMembersTakeItsView: node 1 greets under the view, node 3 has answered, node 4 is
// of another cluster, and node 5 is silent.
func TestAPutTellsHowMembersTakeItsView(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(2), Births: []ids.View{id(1, 1)}}
	before := wire.View{ID: id(3, 1), Layout: layout(3), Births: own.Births}
	foreign := wire.View{ID: id(3, 4), Layout: layout(4), Births: []ids.View{id(1, 4)}}
	s := begin(t, &own)
	s.put(layout(1, 2, 3, 4, 5))
	s.answer(3, holds(before))
	s.answer(4, holds(foreign))
	s.tick(querySilence)
	s.peers.OnHello(querySilence, wire.Header{From: 1, View: s.held.ID()}, &wire.Hello{})
	s.said()
	s.serving = true
	s.Check()
	want := []core.MemberReport{
		{Node: 1, Stand: core.MemberFollows},
		{Node: 3, Stand: core.MemberAnswered, Held: before.ID},
		{Node: 4, Stand: core.MemberForeign, Held: foreign.ID},
		{Node: 5, Stand: core.MemberSilent},
	}
	if d := cmp.Diff(want, s.answered(core.ViewServed).View.Members); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAPutOfANodeWhoseIDIsAnothersEndsUnready(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2)}
	twin := holds(own)
	twin.Twin = true
	s := begin(t, &own)
	s.put(own.Layout)
	s.said()
	s.answer(1, twin)
	if r := s.answered(core.ViewUnready); !r.View.Twin || r.View.TwinAt != 1 || !s.held.LeftBehind() {
		t.Errorf("%+v, left behind %t", r.View, s.held.LeftBehind())
	}
}
