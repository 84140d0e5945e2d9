package round

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func bal(view uint64) ids.Ballot { return ids.Ballot{View: ids.View{Number: view}, Round: 1, Boot: 7} }

// scene is a round of node 0 in a view of nodes 0, 1 and 2, with ballot 5.
type scene struct {
	t       *testing.T
	box     core.Outbox
	round   *Round
	now     wire.Instant
	moved   int
	reached int
	next    int // index of the first message in the outbox that sent has not returned
}

func begin(t *testing.T, change func(c *Config)) *scene {
	s := &scene{t: t, now: wire.Second}
	members := []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}}
	c := Config{
		Boot: 7, Ballot: bal(5), Members: members, Moved: func() { s.moved++ }, Reach: func() { s.reached++ },
		View: &wire.View{ID: ids.View{Number: 5}, Layout: wire.Layout{Shards: []wire.Shard{{Members: members}}}},
	}
	if change != nil {
		change(&c)
	}
	s.round = Begin(c, &s.box, s.now)
	return s
}

// from is the header of a node, whose incarnation has its number.
func from(node ids.Node) wire.Header {
	return wire.Header{From: node, Inc: ids.Incarnation(node), Boot: 8}
}

// join gives the round the report of a node that owes ballots.
func (s *scene) join(node ids.Node, history wire.HistorySummary, owed ...wire.KnownBallot) Outcome {
	return s.round.OnJoin(s.now, from(node), &wire.Join{Ballot: bal(5), History: history, Owed: owed})
}

// sent returns the messages since the last call, each with its receiver.
func (s *scene) sent() (all []string) {
	out := s.box.Output()
	for _, e := range out.Messages[s.next:] {
		what := map[wire.Kind]string{wire.KindJoinRequest: "join", wire.KindPull: "pull", wire.KindStart: "start"}[e.Message.Kind()]
		if start, ok := e.Message.(*wire.Start); ok && start.Whole {
			what += " whole"
		}
		all = append(all, what+" "+string(rune('0'+e.To)))
	}
	s.next = len(out.Messages)
	return all
}

func (s *scene) expect(what string, got, want Outcome) {
	s.t.Helper()
	if got != want {
		s.t.Fatalf("%s: outcome %d, want %d", what, got, want)
	}
}

func (s *scene) expectSent(want ...string) {
	s.t.Helper()
	if d := cmp.Diff(want, s.sent()); d != "" {
		s.t.Fatal(d)
	}
}

// events are those that were emitted.
func (s *scene) events() (all []string) {
	for _, e := range s.box.Output().Events {
		all = append(all, e.Kind.Name)
	}
	return all
}

func TestARoundEndsWhenAllMembersHaveOneBase(t *testing.T) {
	s := begin(t, func(c *Config) { c.Differing = []ids.Node{2} })
	s.expectSent("join 1", "join 2")
	s.expect("first join", s.join(1, wire.HistorySummary{Ballot: bal(1), Length: 4}), Nothing)
	s.expect("second join", s.join(0, wire.HistorySummary{}), Nothing)
	if s.expect("the same join", s.join(1, wire.HistorySummary{Ballot: bal(1), Length: 5}), Nothing); s.moved != 2 {
		t.Errorf("the round got on %d times", s.moved)
	}
	s.expect("last join", s.join(2, wire.HistorySummary{}), Decided)
	start, holder, sides := s.round.Start()
	if holder != 1 || start.Base.Source != bal(1) || start.Base.Length != 5 || len(sides) != 1 || len(start.Bound) != 3 {
		t.Errorf("from %d: %+v", holder, start)
	}
	s.expect("a Started before the base is handed out", s.round.OnStarted(from(1), &wire.Started{Ballot: bal(5)}), Nothing)
	s.round.HandOut(s.now)
	s.expectSent("start 1", "start whole 2")
	for _, c := range []struct {
		name   string
		header wire.Header
		ballot ids.Ballot
		want   Outcome
	}{
		{"of a member", from(1), bal(5), Nothing},
		{"of another ballot", from(2), bal(4), Nothing},
		{"of another incarnation", wire.Header{From: 2, Inc: 99}, bal(5), Nothing},
		{"of a stranger", from(3), bal(5), Nothing},
		{"of the primary", from(0), bal(5), Nothing},
		{"the same again", from(1), bal(5), Nothing},
		{"of the last member", from(2), bal(5), Active},
	} {
		s.expect("a Started "+c.name, s.round.OnStarted(c.header, &wire.Started{Ballot: c.ballot}), c.want)
	}
}

func TestAJoinCountsOnlyIfItWasAskedForAndCanBeTrue(t *testing.T) {
	s := begin(t, nil)
	none := &wire.Join{Ballot: bal(5)}
	s.expect("a node that was not asked", s.round.OnJoin(s.now, from(3), none), Nothing)
	s.expect("another ballot", s.round.OnJoin(s.now, from(1), &wire.Join{Ballot: bal(4)}), Nothing)
	s.expect("a history of a higher ballot", s.join(1, wire.HistorySummary{Ballot: bal(6)}), Malformed)
	if s.round.HasJoined(1) || s.round.HasJoined(3) || s.moved > 0 {
		t.Fatal("a join counts that must not")
	}
	s.join(0, wire.HistorySummary{})
	s.join(1, wire.HistorySummary{})
	s.expect("the last one", s.join(2, wire.HistorySummary{}), Decided)
	s.expect("again, after the decision", s.join(2, wire.HistorySummary{}), Nothing)
	s.expect("of another incarnation, after the decision", s.round.OnJoin(s.now, wire.Header{From: 2, Inc: 99}, none), Stranger)
}

func TestSourcesOfTheViewAreWaitedForASecond(t *testing.T) {
	s := begin(t, func(c *Config) { c.View.Sources = []wire.Member{{ID: 4}} })
	s.expectSent("join 1", "join 2", "join 4")
	for node := range ids.Node(3) {
		s.expect("a member", s.join(node, wire.HistorySummary{}), Nothing)
	}
	s.now += sourceTimeout - 1
	s.expect("before its time is up", s.round.Tick(s.now), Repeated)
	s.expectSent("join 4")
	s.now++
	s.expect("its time is up", s.round.Tick(s.now), Decided)

	s = begin(t, func(c *Config) { c.View.Sources = []wire.Member{{ID: 4}} })
	for node := range ids.Node(3) {
		s.join(node, wire.HistorySummary{})
	}
	s.expect("the source", s.join(4, wire.HistorySummary{Ballot: bal(1)}), Decided)
}

func TestRequestsAreRepeatedFastThenSlowly(t *testing.T) {
	s := begin(t, nil)
	var at []wire.Instant
	for begun := s.now; s.now < begun+wire.Second; s.now += 10 * wire.Millisecond {
		if s.round.Tick(s.now) == Repeated {
			at = append(at, (s.now-begun)/wire.Millisecond)
		}
	}
	if d := cmp.Diff([]wire.Instant{50, 100, 150, 200, 250, 300, 500, 700, 900}, at); d != "" {
		t.Error(d)
	}
}

// owed is a ballot of nodes 1, 3 and 4. Nodes 3 and 4 are not in the view.
var owed = wire.KnownBallot{Ballot: bal(2), Members: []wire.Member{{ID: 1}, {ID: 3}, {ID: 4}}}

// owing is a round that all members have joined, and whose base lacks an owed ballot.
func owing(t *testing.T) *scene {
	s := begin(t, nil)
	s.join(0, wire.HistorySummary{})
	s.join(1, wire.HistorySummary{}, owed)
	s.sent()
	s.expect("without what is owed", s.join(2, wire.HistorySummary{}), Nothing)
	s.expectSent("pull 3", "pull 4")
	if s.round.Stuck() == "" || s.reached != 1 || len(s.round.Targets()) != 3 {
		t.Fatalf("stuck %q; the nodes to reach changed %d times to %v", s.round.Stuck(), s.reached, s.round.Targets())
	}
	return s
}

func (s *scene) reply(node ids.Node, fate wire.Fate) Outcome {
	return s.round.OnPullReply(s.now, node, &wire.PullReply{Ballot: bal(5), Owed: bal(2), Fate: fate})
}

func TestARoundPullsWhatIsOwed(t *testing.T) {
	s := owing(t)
	s.now += wire.Second
	s.expect("time", s.round.Tick(s.now), Repeated)
	s.expectSent("pull 3", "pull 4")
	s.expect("a node that has it", s.join(4, wire.HistorySummary{Ballot: bal(2), Length: 3}), Decided)
	start, holder, _ := s.round.Start()
	if holder != 4 || start.Base.Source != bal(2) || len(start.Base.GivenUp) > 0 || s.round.Stuck() != "" {
		t.Errorf("from %d: %+v; %s", holder, start.Base, s.round.Stuck())
	}
	if len(start.Bound) != 3 || len(s.round.Targets()) != 3 {
		t.Errorf("the ballot counts on %v, and %v may be dialled", start.Bound, s.round.Targets())
	}
}

// TestALateReplyThatAnOwedBallotIsLostEndsTheRound: the last reply comes long after all members have
// joined, and must be enough for a decision.
func TestALateReplyThatAnOwedBallotIsLostEndsTheRound(t *testing.T) {
	for _, c := range []struct {
		name  string
		first wire.Fate
		event string
	}{{"lost", wire.FateLost, "owed_lost"}, {"elsewhere", wire.FateElsewhere, "owed_elsewhere"}} {
		s := owing(t)
		s.expect("the first reply", s.reply(3, c.first), Nothing)
		s.now += 2 * wire.Second
		s.expect("the same again", s.reply(3, c.first), Nothing)
		s.expect("the last reply", s.reply(4, wire.FateLost), Decided)
		if d := cmp.Diff([]string{"round_stuck", c.event, "round_decided"}, s.events()); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if start, _, _ := s.round.Start(); len(start.Base.GivenUp) != 1 || start.Base.GivenUp[0] != bal(2) {
			t.Errorf("%s: given up %v", c.name, start.Base.GivenUp)
		}
	}
}

func TestABallotThatLivesOnElsewhereIsGivenUpInTime(t *testing.T) {
	s := owing(t)
	s.expect("elsewhere", s.reply(3, wire.FateElsewhere), Nothing)
	s.now += pullTimeout - 1
	s.expect("before the bound", s.round.Tick(s.now), Repeated)
	s.now++
	s.expect("at the bound", s.round.Tick(s.now), Decided)
	s = owing(t)
	s.expect("lost", s.reply(3, wire.FateLost), Nothing)
	s.now += 20 * wire.Second
	if s.round.Tick(s.now) == Decided {
		t.Error("a ballot is given up that a silent node may have")
	}
}

func TestAReplyCountsOnlyFromANodeThatIsAsked(t *testing.T) {
	s := owing(t)
	for _, c := range []struct {
		name   string
		from   ids.Node
		ballot ids.Ballot
		owed   ids.Ballot
		awaits bool
	}{
		{"of a target", 3, bal(5), bal(2), true},
		{"of a member of the view", 1, bal(5), bal(2), false},
		{"of a stranger", 6, bal(5), bal(2), false},
		{"to another round", 3, bal(4), bal(2), false},
		{"about another ballot", 3, bal(5), bal(3), false},
	} {
		if s.round.AwaitsReply(c.from, &wire.PullReply{Ballot: c.ballot, Owed: c.owed}) != c.awaits {
			t.Errorf("a reply %s counts: %t", c.name, !c.awaits)
		}
	}
}
