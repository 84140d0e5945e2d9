package waits

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// peers has the times at which members were heard. A member is silent after 500 ms.
type peers map[ids.Node]wire.Instant

func (p peers) Heard(id ids.Node) (wire.Instant, bool) {
	at, ever := p[id]
	return at, ever
}

func (p peers) Silence(ids.Node) wire.Instant { return 500 * wire.Millisecond }

// scene is the waits of node 1 in a view of nodes 0, 1 and 2.
type scene struct {
	*Waits
	box   core.Outbox
	heard peers
	now   wire.Instant
	state State
}

func begin() *scene {
	s := &scene{heard: peers{}, now: 10 * wire.Second}
	s.Waits = New(1, &s.box, s.heard)
	s.state = State{View: &wire.View{}, ViewAt: s.now, Members: []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}}, Primary: 0}
	return s
}

// pass lets time go by, and these members are heard meanwhile.
func (s *scene) pass(d wire.Instant, heard ...ids.Node) {
	s.now += d
	for _, id := range heard {
		s.heard[id] = s.now
	}
	s.Tick()
}

func (s *scene) expect(t *testing.T, reason string, want ...core.Wait) {
	t.Helper()
	list, why := s.List(s.now, s.state)
	if d := cmp.Diff(want, list); d != "" || why != reason {
		t.Errorf("reason %q, want %q: %s", why, reason, d)
	}
}

func (s *scene) events() (all []string) {
	for _, e := range s.box.Output().Events {
		all = append(all, e.Kind.Name)
	}
	return all
}

func TestWhatIsWaitedForDependsOnWhatTheNodeDoes(t *testing.T) {
	begun := 10 * wire.Second
	r := round.Begin(round.Config{Self: 1, View: &wire.View{}, Ballot: ids.Ballot{Round: 1}, Members: []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}}, Moved: func() {}, Reach: func() {}}, &core.Outbox{}, begun)
	for _, c := range []struct {
		name   string
		change func(s *State)
		reason string
		want   []core.Wait
	}{
		{"outside its view", func(s *State) { s.NotInView = true }, "", nil},
		{"serves", func(s *State) { s.Serving = true }, "", nil},
		{"a backup in a round", func(*State) {}, "waiting for the primary", []core.Wait{{Node: 0, Since: begun, Cause: core.WaitPrimary}}},
		{"the primary in a round", func(s *State) { s.Round, s.Primary = r, 1 }, "waiting for members to join the round", []core.Wait{
			{Node: 0, Since: begun, Cause: core.WaitJoin}, {Node: 2, Since: begun, Cause: core.WaitJoin},
		}},
	} {
		s := begin()
		c.change(&s.state)
		s.pass(100*wire.Millisecond, 0, 2)
		s.state.ViewAt = begun
		t.Run(c.name, func(t *testing.T) {
			list, why := s.List(begun, s.state)
			if d := cmp.Diff(c.want, list); d != "" || why != c.reason {
				t.Errorf("reason %q, want %q: %s", why, c.reason, d)
			}
		})
	}
}

func TestAWaitBeginsWithTheLastHelloAndIsReportedOnce(t *testing.T) {
	s := begin()
	s.state.Serving = true
	s.pass(0, 0, 2)
	s.expect(t, "")
	begun := s.now
	silent := core.Wait{Node: 2, Since: begun, Cause: core.WaitSilent}
	s.pass(500*wire.Millisecond, 0)
	s.expect(t, "")
	s.pass(1, 0)
	s.expect(t, "waiting for members that are silent", silent)
	s.pass(1500*wire.Millisecond-2, 0)
	s.expect(t, "waiting for members that are silent", silent)
	if len(s.events()) > 0 {
		t.Errorf("reported after less than 2 s: %v", s.events())
	}
	for range 3 {
		s.pass(1, 0)
		s.expect(t, "waiting for members that are silent", silent)
	}
	s.pass(1, 0, 2)
	s.expect(t, "")
	if d := cmp.Diff([]string{"strong_waits", "strong_wait_over"}, s.events()); d != "" {
		t.Error(d)
	}
}

func TestAMemberThatWasNeverHeardIsWaitedForSinceTheViewWasAdopted(t *testing.T) {
	s := begin()
	s.state.Serving = true
	s.pass(700*wire.Millisecond, 0)
	s.expect(t, "waiting for members that are silent", core.Wait{Node: 2, Since: s.state.ViewAt, Cause: core.WaitSilent})
	if d := cmp.Diff([]ids.Node{2}, s.Silent(s.now, s.state.Members, s.state.ViewAt)); d != "" {
		t.Error(d)
	}
}

func TestMembersThatDoNotHearOneAnotherAreWaitedFor(t *testing.T) {
	s := begin()
	s.state.Serving = true
	hello := func(from ids.Node, silent, deaf []ids.Node) {
		s.OnHello(from, &wire.Hello{Silent: silent, Deaf: deaf}, s.state.Primary, len(s.state.Members))
		s.pass(10*wire.Millisecond, 0, 2)
	}
	s.pass(0, 0, 2)
	s.expect(t, "")
	hello(0, []ids.Node{2}, nil)
	s.expect(t, "waiting for members that are silent", core.Wait{Node: 2, Since: s.now, Cause: core.WaitApart})
	since := s.now
	hello(2, []ids.Node{1}, nil)
	s.expect(t, "waiting for members that are silent", core.Wait{Node: 2, Since: since, Cause: core.WaitDeaf})
	hello(0, nil, []ids.Node{2})
	hello(2, nil, nil)
	s.expect(t, "waiting for members that are silent", core.Wait{Node: 2, Since: since, Cause: core.WaitApart})
	hello(0, nil, nil)
	s.expect(t, "")
	hello(2, []ids.Node{1}, nil)
	if d := cmp.Diff([]ids.Node{2}, s.Deaf()); d != "" {
		t.Error(d)
	}
	hello(2, []ids.Node{0, 1, 5}, []ids.Node{7})
	s.state.View = &wire.View{}
	s.List(s.now, s.state)
	if len(s.Deaf()) > 0 {
		t.Error("what was said in another view counts")
	}
}

func TestTheListIsOnlyMadeAnewAfterATickOrAChange(t *testing.T) {
	s := begin()
	s.state.Serving = true
	s.pass(0, 0, 2)
	s.expect(t, "")
	s.now += wire.Second
	s.expect(t, "") // no tick
	s.state.Serving = false
	if list, _ := s.List(s.now, s.state); len(list) != 2 {
		t.Errorf("after a change: %v", list)
	}
}
