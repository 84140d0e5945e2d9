package agreement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/promise"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/wire"
)

// bal is a ballot of node 0, in boot 7.
func bal(view, round uint64) ids.Ballot {
	return ids.Ballot{View: ids.View{Number: view}, Round: round, Boot: 7}
}

// scene is the agreement of one of the nodes 0, 1 and 2, with its host and its views.
type scene struct {
	*Agreement
	t     *testing.T
	box   core.Outbox
	calls []string // of the host and the views
}

func (s *scene) BallotEnds()               { s.calls = append(s.calls, "ends") }
func (s *scene) PromiseMade()              {}
func (s *scene) Lead()                     { s.calls = append(s.calls, "lead") }
func (s *scene) Resume()                   { s.calls = append(s.calls, "resume") }
func (s *scene) Reach()                    {}
func (s *scene) RenumberAbove(id ids.View) { s.calls = append(s.calls, "renumber") }

func begin(t *testing.T, self ids.Node) *scene {
	s := &scene{t: t}
	cfg := Config{Self: self, Inc: ids.Incarnation(self), Boot: 7, Limits: transfer.Limits{ChunkBytes: 1 << 20}}
	s.Agreement = New(cfg, &s.box, history.New(&s.box, 0), promise.New(self, cfg.Inc, &s.box, func() bool { return false }), s, s)
	s.SetNow(10 * wire.Second)
	return s
}

// adopt gives the node a view of nodes 0, 1 and 2.
func (s *scene) adopt(number uint64) {
	s.Adopt(&wire.View{ID: ids.View{Number: number}, Layout: wire.Layout{Shards: []wire.Shard{{Members: members()}}}})
}

func members() []wire.Member { return []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}} }

// receive gives the node a message of another node. A node's incarnation has the number of its id.
func (s *scene) receive(from ids.Node, m wire.Message) {
	s.t.Helper()
	h := wire.Header{From: from, Inc: ids.Incarnation(from), Boot: 7}
	if !s.Receive(&core.Received{Header: h, Message: m}, func(*wire.Pull) wire.Fate { return wire.FateElsewhere }) {
		s.t.Fatalf("%T does not concern rounds", m)
	}
}

// said returns the messages that were sent since the last call, after all writes became durable.
func (s *scene) said() (all []wire.Message) {
	s.box.MarkDurable(s.box.LastWrite())
	for _, e := range s.box.Output().Messages {
		all = append(all, e.Message)
	}
	s.box.Reset()
	return all
}

// one returns the only message that was sent since the last call.
func one[M wire.Message](s *scene) M {
	s.t.Helper()
	all := s.said()
	m, ok := wire.Message(nil), false
	if len(all) == 1 {
		m = all[0]
		_, ok = m.(M)
	}
	if !ok {
		s.t.Fatalf("sent %v", all)
	}
	return m.(M)
}

// stage brings the empty base of a ballot to a backup.
func (s *scene) stage(b ids.Ballot) {
	s.receive(0, &wire.JoinRequest{Ballot: b})
	s.receive(0, &wire.Start{Ballot: b, Members: members(), Bound: []wire.Sighting{{Node: 1, Inc: 1}}})
}

func TestABackupPromisesOnlyHigherBallotsOfItsPrimary(t *testing.T) {
	s := begin(t, 1)
	s.receive(0, &wire.JoinRequest{Ballot: bal(3, 1)})
	if m := s.said(); len(m) > 0 {
		t.Fatalf("without a view: %v", m)
	}
	s.adopt(3)
	s.said()
	for _, c := range []struct {
		name     string
		from     ids.Node
		ballot   ids.Ballot
		promised ids.Ballot
		answer   wire.Kind // zero: none
	}{
		{"the first one", 0, bal(3, 2), bal(3, 2), wire.KindJoin},
		{"again", 0, bal(3, 2), bal(3, 2), wire.KindJoin},
		{"a lower round", 0, bal(3, 1), bal(3, 2), wire.KindBallotTooLow},
		{"the same round of another boot", 0, ids.Ballot{View: ids.View{Number: 3}, Round: 2, Boot: 8}, bal(3, 2), 0},
		{"of a node that is not primary", 2, bal(3, 3), bal(3, 2), 0},
		{"of an earlier view", 0, bal(2, 9), bal(3, 2), wire.KindBallotTooLow},
		{"of a view that it does not hold", 0, bal(4, 1), bal(3, 2), 0},
		{"a round that no view comes to", 0, bal(3, 1<<33), bal(3, 2), 0},
		{"a higher round", 0, bal(3, 4), bal(3, 4), wire.KindJoin},
	} {
		s.receive(c.from, &wire.JoinRequest{Ballot: c.ballot})
		var answer wire.Kind
		if m := s.said(); len(m) > 0 {
			answer = m[0].Kind()
		}
		if s.promise.Ballot() != c.promised || answer != c.answer {
			t.Errorf("%s: promised %v, answered with %d", c.name, s.promise.Ballot(), answer)
		}
	}
}

func TestABackupEntersOnlyTheBallotThatItPromised(t *testing.T) {
	s := begin(t, 1)
	s.adopt(3)
	s.receive(0, &wire.Active{Ballot: bal(3, 1)})
	s.stage(bal(3, 1))
	s.receive(0, &wire.JoinRequest{Ballot: bal(3, 2)})
	s.receive(0, &wire.Active{Ballot: bal(3, 1)})
	s.receive(0, &wire.Active{Ballot: bal(3, 2)})
	if s.Serving() || !s.history.Ballot().IsZero() {
		t.Fatal("swapped in what it did not promise, or does not have")
	}
	s.stage(bal(3, 2))
	s.calls = nil
	s.receive(2, &wire.Active{Ballot: bal(3, 2)})
	if s.Serving() {
		t.Fatal("swapped in on the word of a node that is not primary")
	}
	for range 2 {
		s.receive(0, &wire.Active{Ballot: bal(3, 2)})
	}
	if d := cmp.Diff([]string{"resume"}, s.calls); d != "" || !s.Serving() || s.history.Ballot() != bal(3, 2) {
		t.Errorf("in %v: %s", s.history.Ballot(), d)
	}
}

func TestABaseIsStagedOnceAndOnlyIfItCanBeTrue(t *testing.T) {
	s := begin(t, 1)
	s.adopt(3)
	s.receive(0, &wire.JoinRequest{Ballot: bal(3, 1)})
	s.said()
	start := wire.Start{Ballot: bal(3, 1), Members: members(), Bound: []wire.Sighting{{Node: 1, Inc: 1}}}
	for name, lie := range map[string]func(from *ids.Node, s *wire.Start){
		"of another node":    func(from *ids.Node, _ *wire.Start) { *from = 2 },
		"of another ballot":  func(_ *ids.Node, s *wire.Start) { s.Ballot = bal(3, 2) },
		"of other members":   func(_ *ids.Node, s *wire.Start) { s.Members = s.Members[:2] },
		"without this node":  func(_ *ids.Node, s *wire.Start) { s.Bound = nil },
		"of a higher source": func(_ *ids.Node, s *wire.Start) { s.Base.Source = bal(4, 1) },
	} {
		from, copied := ids.Node(0), start
		lie(&from, &copied)
		if s.receive(from, &copied); len(s.said()) > 0 || s.history.Staged() != nil {
			t.Errorf("staged: %s", name)
		}
	}
	for range 2 {
		s.receive(0, &start)
		if m := one[*wire.Started](s); m.Ballot != bal(3, 1) {
			t.Errorf("started %v", m.Ballot)
		}
	}
}

func TestPiecesAreServedOnlyUnderThePromisedBallot(t *testing.T) {
	s := begin(t, 1)
	s.adopt(3)
	s.stage(bal(3, 1))
	s.receive(0, &wire.Active{Ballot: bal(3, 1)})
	s.receive(0, &wire.JoinRequest{Ballot: bal(3, 2)})
	s.said()
	for _, b := range []ids.Ballot{bal(3, 1), bal(3, 3), {}} {
		s.receive(0, &wire.Fetch{Ballot: b, Source: bal(3, 1), Part: wire.FetchHead})
		if m := s.said(); len(m) > 0 {
			t.Errorf("served under %v: %v", b, m)
		}
	}
	s.receive(0, &wire.Fetch{Ballot: bal(3, 2), Source: bal(3, 1), Part: wire.FetchHead})
	if c := one[*wire.Chunk](s); c.Missing {
		t.Error("its own history is missing")
	}
}

// primary is node 0 with an active ballot of nodes 0, 1 and 2.
func primary(t *testing.T) *scene {
	s := begin(t, 0)
	s.adopt(3)
	for id := range ids.Node(3) {
		s.receive(id, &wire.Join{Ballot: bal(3, 1)})
	}
	if s.Serving() {
		t.Fatal("serves before all have the base")
	}
	for id := range ids.Node(3) {
		s.receive(id, &wire.Started{Ballot: bal(3, 1)})
	}
	if d := cmp.Diff([]string{"ends", "lead", "resume"}, s.calls); d != "" || !s.Serving() || s.Busy() {
		t.Fatalf("in %v: %s", s.history.Ballot(), d)
	}
	s.said()
	s.calls = nil
	return s
}

func TestAPrimaryBeginsARoundWhenAMemberIsNotAsItShouldBe(t *testing.T) {
	stands := wire.Hello{Ballot: bal(3, 1), Promised: bal(3, 1)}
	for _, c := range []struct {
		name   string
		change func(h *wire.Header, m *wire.Hello)
		round  uint64 // zero: none is begun
	}{
		{"all is well", func(*wire.Header, *wire.Hello) {}, 0},
		{"another incarnation", func(h *wire.Header, _ *wire.Hello) { h.Inc = 99 }, 2},
		{"a higher promise, of an earlier boot", func(_ *wire.Header, m *wire.Hello) { m.Promised = bal(3, 5) }, 6},
		{"a promise of another view", func(_ *wire.Header, m *wire.Hello) { m.Promised = bal(4, 5) }, 0},
		{"more committed than here", func(_ *wire.Header, m *wire.Hello) { m.Commit = 1 }, 2},
		{"other content", func(_ *wire.Header, m *wire.Hello) { m.Sum = 1 }, 2},
		{"a stranger", func(h *wire.Header, _ *wire.Hello) { h.From, h.Inc = 9, 99 }, 0},
	} {
		s := primary(t)
		h, m := wire.Header{From: 1, Inc: 1, Boot: 7}, stands
		c.change(&h, &m)
		s.OnBackupHello(h, &m)
		if begun := s.Round() != nil; begun != (c.round > 0) || begun && s.promise.Ballot() != bal(3, c.round) || begun == s.Serving() {
			t.Errorf("%s: a round is begun: %t, promised %v", c.name, begun, s.promise.Ballot())
		}
	}
	s := primary(t)
	s.OnBackupHello(wire.Header{From: 1, Inc: 1}, &wire.Hello{Promised: bal(3, 1)})
	if m := one[*wire.Active](s); m.Ballot != bal(3, 1) {
		t.Error("a member that missed that the ballot is active is not told")
	}
}

func TestPeersBeginFewRounds(t *testing.T) {
	s := primary(t)
	for i := range uint64(20) {
		s.receive(1, &wire.BallotTooLow{Ballot: s.promise.Ballot(), Promised: bal(3, 100*(i+1))})
	}
	if s.promise.Ballot() != bal(3, 401) {
		t.Errorf("promised %v", s.promise.Ballot())
	}
	s = primary(t)
	s.receive(1, &wire.BallotTooLow{Ballot: bal(3, 1), Promised: bal(3, 1<<32)})
	if d := cmp.Diff([]string{"renumber"}, s.calls); d != "" || s.promise.Ballot() != bal(3, 1) {
		t.Errorf("beyond the last round of a view: %v, promised %v", s.calls, s.promise.Ballot())
	}
}

func TestANodeGivesAHistoryOnlyIfItHasItAndMayLeave(t *testing.T) {
	s := begin(t, 1)
	s.adopt(3)
	s.stage(bal(3, 1))
	s.receive(0, &wire.Active{Ballot: bal(3, 1)})
	s.said()
	s.receive(5, &wire.Pull{Ballot: bal(4, 1), Owed: wire.KnownBallot{Ballot: bal(2, 1)}})
	if m := one[*wire.PullReply](s); m.Fate != wire.FateLost {
		t.Errorf("a ballot that it does not have: %d", m.Fate)
	}
	pull := &wire.Pull{Ballot: bal(4, 1), Owed: wire.KnownBallot{Ballot: bal(3, 1)}}
	s.receive(5, pull)
	if m := one[*wire.PullReply](s); m.Fate != wire.FateElsewhere || m.Held.Number != 3 || !s.Serving() {
		t.Errorf("it may not leave: %+v", m)
	}
	s.Receive(&core.Received{Header: wire.Header{From: 5}, Message: pull}, func(*wire.Pull) wire.Fate {
		s.Adopt(&wire.View{ID: ids.View{Number: 4}})
		return 0
	})
	if m := one[*wire.Join](s); m.Ballot != bal(4, 1) || m.History.Ballot != bal(3, 1) || s.promise.Ballot() != bal(4, 1) || s.Serving() {
		t.Errorf("joined %v with %v, promised %v", m.Ballot, m.History.Ballot, s.promise.Ballot())
	}
}
