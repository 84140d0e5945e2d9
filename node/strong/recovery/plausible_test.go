package recovery

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// pastOf is a past of one ballot for each view, as they come.
func pastOf(views ...uint64) (past []wire.PastBallot) {
	for _, v := range views {
		past = append(past, wire.PastBallot{Ballot: bal(v, 1)})
	}
	return past
}

// longPast ascends below ballot bal(1, 1).
func longPast(n int) (past []wire.PastBallot) {
	for i := range n {
		past = append(past, wire.PastBallot{Ballot: bal(0, uint64(i+1))})
	}
	return past
}

// pastRows are pasts that a history below ballot bal(5, 1) can have, or not.
var pastRows = []struct {
	name string
	past []wire.PastBallot
	can  bool
}{
	{"none", nil, true},
	{"ascending", pastOf(1, 2, 4), true},
	{"the ballot itself", pastOf(1, 5), false},
	{"a higher ballot", pastOf(1, 6), false},
	{"a higher ballot first", pastOf(6), false},
	{"descending", pastOf(2, 1), false},
	{"descending at the end", pastOf(1, 3, 2), false},
	{"one ballot twice", pastOf(1, 2, 2), false},
	{"all that is remembered", longPast(kv.DefaultPast), true},
	{"more than is remembered", longPast(kv.DefaultPast + 1), false},
}

func TestAPastAscendsBelowTheBallotThatIsPromised(t *testing.T) {
	for _, c := range pastRows {
		h := wire.HistorySummary{Ballot: bal(4, 2), Past: c.past}
		if Credible(&wire.Join{Ballot: bal(5, 1), History: h}, 0) != c.can {
			t.Errorf("a history with this past is credible: %t: %s", !c.can, c.name)
		}
		if Credible(&wire.Join{Ballot: bal(5, 1), Staged: []wire.StagedSummary{{}, {History: h}}}, 0) != c.can {
			t.Errorf("a staged base with this past is credible: %t: %s", !c.can, c.name)
		}
		for _, base := range []wire.Base{{Past: c.past}, {Sides: c.past}} {
			if buildable(func(s *wire.Start) { s.Base = base }) != c.can {
				t.Errorf("a base of it is buildable: %t: %s", !c.can, c.name)
			}
		}
	}
}

func TestAReportNamesNoMoreThanANodeCanHave(t *testing.T) {
	full := wire.Join{Ballot: bal(5, 1), Staged: make([]wire.StagedSummary, MaxStaged), Owed: make([]wire.KnownBallot, MaxOwed)}
	full.History = wire.HistorySummary{Ballot: bal(4, 1), Attested: make([]wire.Attestation, history.MaxAttested), Commit: 3, Length: 3}
	if !Credible(&full, 0) {
		t.Fatal("a report at its bounds is not credible")
	}
	for name, lie := range map[string]func(j *wire.Join){
		"more staged bases":             func(j *wire.Join) { j.Staged = make([]wire.StagedSummary, MaxStaged+1) },
		"more owed ballots":             func(j *wire.Join) { j.Owed = make([]wire.KnownBallot, MaxOwed+1) },
		"more attestations":             func(j *wire.Join) { j.History.Attested = make([]wire.Attestation, history.MaxAttested+1) },
		"a history of the ballot":       func(j *wire.Join) { j.History.Ballot = bal(5, 1) },
		"a history of a higher ballot":  func(j *wire.Join) { j.History.Ballot = bal(5, 2) },
		"a staged base of the ballot":   func(j *wire.Join) { j.Staged = []wire.StagedSummary{{History: hist(bal(5, 1), 0)}} },
		"a commit beyond the log's end": func(j *wire.Join) { j.History.Commit = 4 },
	} {
		j := full
		if lie(&j); Credible(&j, 0) {
			t.Errorf("credible with %s", name)
		}
	}
}

// buildable reports whether node 1 takes a Start, changed from one that is true.
func buildable(change func(s *wire.Start)) bool {
	members := []wire.Member{{ID: 0}, {ID: 1}}
	s := wire.Start{
		Ballot: bal(5, 1), Base: wire.Base{Source: bal(4, 1)}, Members: []wire.Member{{ID: 0}, {ID: 1}},
		Bound: []wire.Sighting{{Node: 0, Inc: 100}, {Node: 1, Inc: 101}},
	}
	change(&s)
	return Buildable(&s, wire.Sighting{Node: 1, Inc: 101}, members, 0)
}

func TestABaseCountsOnItsReceiverAndIsOlderThanItsBallot(t *testing.T) {
	if !buildable(func(*wire.Start) {}) {
		t.Fatal("a true Start is not taken")
	}
	for name, lie := range map[string]func(s *wire.Start){
		"a source of the ballot":         func(s *wire.Start) { s.Base.Source = bal(5, 1) },
		"a source of a higher ballot":    func(s *wire.Start) { s.Base.Source = bal(5, 2) },
		"other members":                  func(s *wire.Start) { s.Members = []wire.Member{{ID: 1}} },
		"a member at another address":    func(s *wire.Start) { s.Members[0].Address = "elsewhere" },
		"another incarnation":            func(s *wire.Start) { s.Bound[1].Inc = 99 },
		"the incarnation of a stranger":  func(s *wire.Start) { s.Bound[1].Node = 2 },
		"more ballots given up":          func(s *wire.Start) { s.Base.GivenUp = make([]ids.Ballot, MaxOwed+1) },
		"more attestations than bounded": func(s *wire.Start) { s.Base.Attested = make([]wire.Attestation, history.MaxAttested+1) },
	} {
		if buildable(lie) {
			t.Errorf("taken with %s", name)
		}
	}
}

func TestPeersBeginOneRoundMoreThanThereAreMembersInASecond(t *testing.T) {
	var l Limit
	for _, c := range []struct {
		at  wire.Instant
		may []bool
	}{
		{5 * wire.Second, []bool{true, true, true, false}},
		{6*wire.Second - 1, []bool{false}},
		{6 * wire.Second, []bool{true, true, true, false}},
	} {
		for i, want := range c.may {
			if l.Take(c.at, 2) != want {
				t.Errorf("%v: round %d may begin: %t", c.at, i+1, !want)
			}
		}
	}
}

func TestARoundBeyondAllThatAViewComesToIsNotReachable(t *testing.T) {
	if !Reachable(1<<32) || Reachable(1<<32+1) {
		t.Error("the bound of rounds is not 2^32")
	}
}
