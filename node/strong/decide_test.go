package strong

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

func bal(view, round uint64) ids.Ballot {
	return ids.Ballot{View: ids.View{Number: view, Boot: 7}, Round: round, Boot: 7}
}

func hist(b ids.Ballot, length uint64, past ...ids.Ballot) wire.HistorySummary {
	h := wire.HistorySummary{Ballot: b, Length: length}
	for _, p := range past {
		h.Past = append(h.Past, wire.PastBallot{Ballot: p, Count: 1})
	}
	return h
}

func join(node ids.Node, h wire.HistorySummary) joined {
	return joined{node: node, inc: ids.Incarnation(node), join: &wire.Join{History: h}}
}

func staged(j joined, h wire.HistorySummary, bound ...ids.Node) joined {
	s := wire.StagedSummary{History: h}
	for _, n := range bound {
		s.Bound = append(s.Bound, wire.Sighting{Node: n, Inc: ids.Incarnation(n)})
	}
	j.join.Staged = append(j.join.Staged, s)
	return j
}

var noHistory = hist(ids.Ballot{}, 0)

// decideCases are the joins of a round and what it starts from.
var decideCases = []struct {
	name     string
	joins    []joined
	source   ids.Ballot
	length   uint64
	holder   ids.Node
	diverged bool
	dropped  int
}{
	{"nobody has anything", []joined{join(0, noHistory), join(1, noHistory)}, ids.Ballot{}, 0, 0, false, 0},
	{"a newcomer beside a member", []joined{join(0, noHistory), join(1, hist(bal(1, 1), 4))}, bal(1, 1), 4, 1, false, 0},
	{"the longest log of one ballot", []joined{join(0, hist(bal(1, 1), 3)), join(1, hist(bal(1, 1), 5)), join(2, hist(bal(1, 1), 4))}, bal(1, 1), 5, 1, false, 0},
	{"itself, when as long", []joined{join(1, hist(bal(1, 1), 5)), join(0, hist(bal(1, 1), 5))}, bal(1, 1), 5, 0, false, 0},
	{"not the longer log, the younger ballot", []joined{join(0, hist(bal(1, 1), 99)), join(1, hist(bal(2, 1), 0, bal(1, 1)))}, bal(2, 1), 0, 1, false, 0},
	{"two that do not know each other", []joined{join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 1, bal(1, 1)))}, ids.Ballot{}, 0, 0, true, 0},
	{"one of two in which nothing was written", []joined{join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1)))}, bal(2, 1), 1, 0, false, 0},
	{"two in which nothing was written", []joined{join(0, hist(bal(2, 1), 0, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1)))}, bal(3, 1), 0, 1, false, 0},
	{"nothing written, but on more", []joined{join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1), bal(1, 2)))}, ids.Ballot{}, 0, 0, true, 0},
	{
		"a staged base that may have been active",
		[]joined{join(0, noHistory), staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2)},
		bal(2, 1), 0, 1, false, 0,
	},
	{
		"a staged base that never was: one it counts on has it neither staged nor swapped in",
		[]joined{join(2, hist(bal(1, 1), 4)), staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2)},
		bal(1, 1), 4, 1, false, 1,
	},
	{
		"a staged base that another member has swapped in and gone on with",
		[]joined{join(2, hist(bal(2, 1), 6, bal(1, 1))), staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2)},
		bal(2, 1), 6, 2, false, 0,
	},
	{
		"the staged base beneath one that never was",
		[]joined{
			join(3, noHistory),
			staged(staged(join(1, hist(bal(1, 1), 4)), hist(bal(3, 1), 0, bal(2, 1), bal(1, 1)), 1, 3), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
			staged(join(2, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
		},
		bal(2, 1), 0, 1, false, 1,
	},
	{
		"a stranger with the id of one that was counted on says nothing",
		[]joined{{node: 2, inc: 99, join: &wire.Join{History: noHistory}}, staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2)},
		bal(2, 1), 0, 1, false, 0,
	},
}

// attested adds that incarnations of nodes reported all they had when a ballot began.
func attested(h wire.HistorySummary, b ids.Ballot, nodes ...ids.Node) wire.HistorySummary {
	for _, n := range nodes {
		h.Attested = append(h.Attested, wire.Attestation{Node: n, Inc: ids.Incarnation(n), Ballot: b})
	}
	return h
}

// TestAnAttestationOfADepartedNodeDisprovesAStagedBase: node 2, on which the staged ballot 2
// counts, took part in ballot 3 without it, and has left since.
func TestAnAttestationOfADepartedNodeDisprovesAStagedBase(t *testing.T) {
	line := attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(3, 1), 2, 4)
	leftover := staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2)
	cases := []struct {
		name  string
		line  wire.HistorySummary
		sides int
	}{
		{"who it counts on attested to a later ballot", line, 1},
		{"nobody did", hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), 2},
		{"only to an earlier one", attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(1, 1), 2), 2},
		{"another incarnation did", attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(3, 1), 9), 2},
	}
	for _, c := range cases {
		v := decide(roundInput{}, []joined{join(4, c.line), leftover})
		if len(v.sides) != c.sides {
			t.Errorf("%s: %d histories are left, want %d", c.name, len(v.sides), c.sides)
		}
	}
}

// TestThePrimaryOfTheBallotKnowsBest: it has cut off what was abandoned, unless it
// came back in another incarnation and cannot know.
func TestThePrimaryOfTheBallotKnowsBest(t *testing.T) {
	own, other := hist(bal(1, 1), 3), hist(bal(1, 1), 5)
	own.Members = []wire.Member{{ID: 0}, {ID: 1}}
	for boot, length := range map[ids.Boot]uint64{7: 3, 8: 5} {
		v := decide(roundInput{self: 0, boot: boot}, []joined{join(0, own), join(1, other)})
		if v.base.Length != length {
			t.Errorf("boot %d: %d entries, want %d", boot, v.base.Length, length)
		}
	}
}

func TestDecidePicksTheBaseByAncestry(t *testing.T) {
	for _, c := range decideCases {
		t.Run(c.name, func(t *testing.T) {
			v := decide(roundInput{}, c.joins)
			if (len(v.sides) > 1) != c.diverged || v.dropped != c.dropped {
				t.Fatalf("sides %v, dropped %d", v.sides, v.dropped)
			}
			if c.diverged != v.base.Merged() {
				t.Errorf("merged: %v", v.base.Merged())
			}
			if v.base.Source != c.source || v.base.Length != c.length || v.holder != c.holder {
				t.Fatalf("got %d entries of %v from %d", v.base.Length, v.base.Source, v.holder)
			}
			base := wire.HistorySummary{Ballot: bal(9, 9), Past: v.base.Past}
			for _, j := range c.joins {
				if b := j.join.History.Ballot; !b.IsZero() && !history.Contains(&base, b) {
					t.Errorf("the base does not know %v", b)
				}
			}
		})
	}
}

func TestOwedBallotsKeepAViewFromBeingActive(t *testing.T) {
	j := join(0, hist(bal(2, 1), 1, bal(1, 1)))
	j.join.Owed = []wire.KnownBallot{{Ballot: bal(1, 1)}, {Ballot: bal(3, 1)}}
	if v := decide(roundInput{}, []joined{j}); len(v.owed) != 1 || v.owed[0].Ballot != bal(3, 1) {
		t.Errorf("owed %v: want the one that the base lacks", v.owed)
	}
	if v := decide(roundInput{force: true}, []joined{j}); len(v.owed) != 0 || len(v.base.GivenUp) != 1 {
		t.Errorf("force gives up what is owed: %+v", v)
	}
}

func TestAHistoryOlderThanThePastLimitIsDropped(t *testing.T) {
	young := hist(bal(9, 1), 1, bal(7, 1), bal(8, 1))
	old := hist(bal(1, 1), 50)
	if v := decide(roundInput{pastLimit: 2}, []joined{join(0, young), join(1, old)}); len(v.sides) > 1 || v.tooOld != 1 {
		t.Errorf("sides %v, strange %d: a full past says nothing of what is below it", v.sides, v.tooOld)
	}
	if v := decide(roundInput{pastLimit: 3}, []joined{join(0, young), join(1, old)}); len(v.sides) < 2 {
		t.Error("a past with room has forgotten nothing: the histories went apart")
	}
}
