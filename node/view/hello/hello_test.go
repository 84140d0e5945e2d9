package hello

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/wire"
)

func layout(members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: "h:1"})
	}
	return l
}

// pairs returns shards of two members each: 1 and 2, 3 and 4, and so on.
func pairs(shards int) (l wire.Layout) {
	for i := range shards {
		l.Shards = append(l.Shards, wire.Shard{Name: string(rune('a' + i)), Members: layout(ids.Node(2*i+1), ids.Node(2*i+2)).Members()})
	}
	return l
}

func id(n uint64) ids.View { return ids.View{Number: n, Author: 1, Boot: 5} }

// scene is a node with the view that it holds and the other members.
type scene struct {
	*Peers
	held *held.View
	box  core.Outbox
}

func begin(self ids.Node, v wire.View) *scene {
	s := &scene{}
	s.held = held.New(held.Config{Self: self, Inc: 20, Boot: 5}, &s.box)
	s.Peers = New(s.held, &s.box, 0)
	s.held.Hold(&v, 0)
	s.Begin(0)
	return s
}

// tick lets the node do what is due, and returns what it sent.
func (s *scene) tick(now wire.Instant) (sent []core.Envelope) {
	s.box.Reset()
	s.Tick(now, func() wire.Hello { return wire.Hello{} }, ids.Ballot{})
	return s.box.Output().Messages
}

// hears takes a hello of a member under the held view.
func (s *scene) hears(now wire.Instant, from ids.Node) {
	s.OnHello(now, wire.Header{From: from, View: s.held.ID()}, &wire.Hello{})
}

func TestHellosAreRarerInLargeViewsAndByNodesLeftBehind(t *testing.T) {
	many := make([]ids.Node, crowd+2)
	for i := range many {
		many[i] = ids.Node(i + 1)
	}
	for _, c := range []struct {
		name       string
		members    []ids.Node
		leftBehind bool
		pause      wire.Instant
	}{
		{"few", many[:crowd+1], false, 100 * wire.Millisecond},
		{"many", many, false, 200 * wire.Millisecond},
		{"left behind", many[:3], true, wire.Second},
		{"left behind by many", many, true, wire.Second},
		{"outside", many[1:4], false, wire.Second},
	} {
		s := begin(1, wire.View{ID: id(4), Layout: layout(c.members...)})
		if c.leftBehind {
			s.held.FallBehind()
		}
		s.tick(7 * wire.Second)
		next, due := s.Next()
		if pause := next - 7*wire.Second; !due || pause != c.pause {
			t.Errorf("%s: the next hellos are due in %d ns, want %d", c.name, pause, c.pause)
		}
	}
}

// TestInLargeViewsMembersOfOtherShardsHearFewerHellos counts the hellos that a member sends in eight
// seconds, while it hears all members but one.
func TestInLargeViewsMembersOfOtherShardsHearFewerHellos(t *testing.T) {
	const mute = 12
	list := pairs(6)
	greeted := func(self ids.Node) map[ids.Node]int {
		s := begin(self, wire.View{ID: id(4), Layout: list})
		counts := map[ids.Node]int{}
		for now := wire.Instant(0); now < 8*wire.Second; now += everyInCrowd {
			for _, m := range list.Members() {
				if m.ID != self && m.ID != mute {
					s.hears(now, m.ID)
				}
			}
			for _, e := range s.tick(now) {
				if _, ok := e.Message.(*wire.Hello); ok {
					counts[e.To]++
				}
			}
		}
		return counts
	}
	const often = int(8 * wire.Second / everyInCrowd)
	want := map[ids.Node]int{1: often, 4: often, mute: often} // the primary, the other member of its shard, and the silent member
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

// TestAMemberIsSilentAfterItsSilence: node 4 shares the shard of node 3, node 5 is far from it.
func TestAMemberIsSilentAfterItsSilence(t *testing.T) {
	s := begin(3, wire.View{ID: id(4), Layout: pairs(6)})
	if s.Greets(4, 0) {
		t.Error("a member greets before its first hello")
	}
	s.hears(0, 4)
	s.hears(0, 5)
	for member, limit := range map[ids.Node]wire.Instant{4: 500 * wire.Millisecond, 5: 2 * wire.Second} {
		if s.Silence(member) != limit || !s.Greets(member, limit-1) || s.Greets(member, limit) {
			t.Errorf("node %d: silence %d, want %d", member, s.Silence(member), limit)
		}
	}
	if s.Greets(99, 0) || s.Has(99) || s.Has(3) || !s.Has(4) {
		t.Error("nodes that are no other member greet")
	}
}

// TestASilentMemberIsProbedAtMostEach500ms: node 2 is heard all the time.
func TestASilentMemberIsProbedAtMostEach500ms(t *testing.T) {
	s := begin(1, wire.View{ID: id(4), Layout: layout(1, 2, 3)})
	probed := map[ids.Node][]wire.Instant{}
	for now := wire.Instant(0); now < 1800*wire.Millisecond; now += 50 * wire.Millisecond {
		s.hears(now, 2)
		for _, e := range s.tick(now) {
			if _, ok := e.Message.(*wire.Query); ok {
				probed[e.To] = append(probed[e.To], now/wire.Millisecond)
			}
		}
	}
	if d := cmp.Diff(map[ids.Node][]wire.Instant{3: {500, 1000, 1500}}, probed); d != "" {
		t.Errorf("probes at these milliseconds (-want +got):\n%s", d)
	}
	outside := begin(9, wire.View{ID: id(4), Layout: layout(1, 2, 3)})
	for _, e := range outside.tick(5 * wire.Second) {
		if _, ok := e.Message.(*wire.Query); ok {
			t.Errorf("a node outside its view probes node %d", e.To)
		}
	}
}

// TestAMemberOfALowerViewIsSentTheViewAtMostEach500ms: many of its hellos are under way when the
// view is passed on.
func TestAMemberOfALowerViewIsSentTheViewAtMostEach500ms(t *testing.T) {
	v := wire.View{ID: id(4), Layout: layout(1, 2, 3)}
	s := begin(1, v)
	passed := map[ids.Node][]wire.Instant{}
	for now := wire.Second; now < 2200*wire.Millisecond; now += 100 * wire.Millisecond {
		for _, from := range []ids.Node{2, 3} {
			s.box.Reset()
			below := ids.View{Number: uint64(from)} // 2 and 3 are below 4
			if s.OnHello(now, wire.Header{From: from, View: below}, &wire.Hello{}) {
				t.Errorf("the hello of node %d under a lower view counts", from)
			}
			for _, e := range s.box.Output().Messages {
				if m, ok := e.Message.(*wire.NewView); !ok || m.View.ID != v.ID {
					t.Errorf("node %d was sent %v", e.To, e.Message)
				}
				passed[e.To] = append(passed[e.To], now/wire.Millisecond)
			}
		}
	}
	want := []wire.Instant{1000, 1500, 2000}
	if d := cmp.Diff(map[ids.Node][]wire.Instant{2: want, 3: want}, passed); d != "" {
		t.Errorf("the view was passed on at these milliseconds (-want +got):\n%s", d)
	}
	s.box.Reset()
	for _, h := range []wire.Header{{From: 2, View: id(5)}, {From: 9, View: id(3)}} {
		if s.OnHello(5*wire.Second, h, &wire.Hello{}) || len(s.box.Output().Messages) > 0 {
			t.Errorf("a hello of node %d under view %d counts, or was answered", h.From, h.View.Number)
		}
	}
}

func TestOfTwoProcessesWithOneIDOneIsHeard(t *testing.T) {
	v := wire.View{ID: id(4), Layout: layout(1, 2, 3), Saw: []wire.Sighting{{Node: 3, Inc: 30}}}
	s := begin(2, v)
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
		h := wire.Header{From: 3, Inc: c.inc, View: v.ID}
		if twin := s.Twin(c.at, h); twin == c.heard {
			t.Errorf("at %d: incarnation %d is a twin: %t", c.at, c.inc, twin)
		}
		if got := s.OnHello(c.at, h, &wire.Hello{}); got != c.heard {
			t.Errorf("at %d: the hello of incarnation %d was heard: %t, want %t", c.at, c.inc, got, c.heard)
		}
	}
}

func TestProgressAndSilenceAreOfTheHeldView(t *testing.T) {
	s := begin(1, wire.View{ID: id(4), Layout: layout(1, 2, 3)})
	for from, progress := range map[ids.Node]uint64{2: 5, 3: 7} {
		s.OnHello(wire.Second, wire.Header{From: from, View: id(4)}, &wire.Hello{Progress: progress, CausalProgress: 10})
	}
	at, ever := s.Heard(2)
	if s.Progress() != 32 || at != wire.Second || !ever {
		t.Errorf("progress %d, heard at %d %t", s.Progress(), at, ever)
	}
	s.held.Hold(&wire.View{ID: id(5), Layout: layout(1, 2)}, 3*wire.Second)
	s.Begin(3 * wire.Second)
	if at, ever := s.Heard(2); s.Progress() != 0 || ever || s.Has(3) {
		t.Errorf("in the next view: progress %d, heard at %d %t", s.Progress(), at, ever)
	}
	if due, _ := s.Next(); due != 3*wire.Second {
		t.Errorf("the first hellos are due at %d", due)
	}
}

func TestTheHighestViewWithDataIsRemembered(t *testing.T) {
	s := begin(1, wire.View{ID: id(4), Layout: layout(1, 2)})
	s.NoteData(id(3))
	s.NoteData(id(2))
	if s.DataHeardIn() != id(3) {
		t.Errorf("data heard in %v", s.DataHeardIn())
	}
}

// TestAShardIsUnheardWhileNoMemberOfItGreets: node 1 is in shard a, with node 2. Of shard b, node
// 3 falls silent, then node 4.
func TestAShardIsUnheardWhileNoMemberOfItGreets(t *testing.T) {
	s := begin(1, wire.View{ID: id(4), Layout: pairs(2)})
	ms := wire.Millisecond
	for _, c := range []struct {
		at   wire.Instant
		hear []ids.Node
		want []core.ShardWait
	}{
		{0, nil, nil},
		{100 * ms, []ids.Node{3, 4}, nil},
		{500 * ms, []ids.Node{4}, nil},
		{900 * ms, nil, nil},
		{1000 * ms, nil, []core.ShardWait{{Shard: "b", Members: []ids.Node{3, 4}, Since: 500 * ms}}},
		{3000 * ms, nil, []core.ShardWait{{Shard: "b", Members: []ids.Node{3, 4}, Since: 500 * ms}}},
		{3100 * ms, []ids.Node{3}, nil},
	} {
		for _, from := range c.hear {
			s.hears(c.at, from)
		}
		s.tick(c.at)
		if d := cmp.Diff(c.want, s.Unheard()); d != "" {
			t.Errorf("at %d ms (-want +got):\n%s", c.at/ms, d)
		}
	}
}
