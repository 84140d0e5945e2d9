package recovery

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// bal is a ballot of boot 7.
func bal(view, round uint64) ids.Ballot {
	return ids.Ballot{View: ids.View{Number: view, Boot: 7}, Round: round, Boot: 7}
}

// hist is a history that contains one entry of each ballot in its past.
func hist(b ids.Ballot, length uint64, past ...ids.Ballot) wire.HistorySummary {
	h := wire.HistorySummary{Ballot: b, Length: length}
	for _, p := range past {
		h.Past = append(h.Past, wire.PastBallot{Ballot: p, Count: 1})
	}
	return h
}

// of sets the members of the ballot of a history, the primary first.
func of(h wire.HistorySummary, members ...ids.Node) wire.HistorySummary {
	for _, m := range members {
		h.Members = append(h.Members, wire.Member{ID: m})
	}
	return h
}

// attested adds that incarnations of nodes reported all they had when a ballot began.
func attested(h wire.HistorySummary, b ids.Ballot, nodes ...ids.Node) wire.HistorySummary {
	for _, n := range nodes {
		h.Attested = append(h.Attested, wire.Attestation{Node: n, Inc: ids.Incarnation(n), Ballot: b})
	}
	return h
}

// join is the report of a node in boot 8. Its incarnation has the number of its id.
func join(node ids.Node, h wire.HistorySummary) Join {
	return Join{Node: node, Inc: ids.Incarnation(node), Boot: 8, Report: &wire.Join{History: h}}
}

// inBoot is a join of another boot.
func inBoot(j Join, b ids.Boot) Join {
	j.Boot = b
	return j
}

// staged adds a staged base that counts on nodes, beneath those that were added before.
func staged(j Join, h wire.HistorySummary, bound ...ids.Node) Join {
	s := wire.StagedSummary{History: h}
	for _, n := range bound {
		s.Bound = append(s.Bound, wire.Sighting{Node: n, Inc: ids.Incarnation(n)})
	}
	j.Report.Staged = append(j.Report.Staged, s)
	return j
}

// owing adds ballots that a node owes.
func owing(j Join, ballots ...ids.Ballot) Join {
	for _, b := range ballots {
		j.Report.Owed = append(j.Report.Owed, wire.KnownBallot{Ballot: b})
	}
	return j
}

var blank = hist(ids.Ballot{}, 0)

// side is one history of which a base is made.
type side struct {
	ballot ids.Ballot
	length uint64
	holder ids.Node
}

// members are the members of the view. Other nodes that join are its sources.
var members = []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}, {ID: 3}, {ID: 4}, {ID: 6}}

// decideRows are the rules of docs/strong.md §7.2, each with the cases that show it. Node
// 0 is the primary of the round, in boot 7.
var decideRows = []struct {
	rule, name string
	joins      []Join
	sides      []side
	owed       []ids.Ballot
	dropped    int
}{
	{rule: "a", name: "a staged base stands for the history beneath it, because it may have been active", joins: []Join{
		join(0, blank), staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
	}, sides: []side{{bal(2, 1), 0, 1}}},
	{rule: "a", name: "a staged base that another member swapped in and went on with", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2), join(2, hist(bal(2, 1), 6, bal(1, 1))),
	}, sides: []side{{bal(2, 1), 6, 2}}},
	{rule: "a1", name: "a node that the base counts on has it neither staged nor swapped in", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2), join(2, hist(bal(1, 1), 4)),
	}, sides: []side{{bal(1, 1), 4, 1}}, dropped: 1},
	{rule: "a1", name: "that node is another incarnation, and proves nothing", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2), {Node: 2, Inc: 99, Report: &wire.Join{}},
	}, sides: []side{{bal(2, 1), 0, 1}}},
	{rule: "a1", name: "that node has a later ballot that contains the base", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
		staged(join(2, hist(bal(1, 1), 4)), hist(bal(3, 1), 0, bal(1, 1), bal(2, 1)), 2),
	}, sides: []side{{bal(3, 1), 0, 2}}},
	{rule: "a1", name: "the base beneath is judged in the same way: it stays", joins: []Join{
		staged(staged(join(1, hist(bal(1, 1), 4)), hist(bal(3, 1), 0, bal(1, 1), bal(2, 1)), 1, 3), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
		staged(join(2, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
		join(3, blank),
	}, sides: []side{{bal(2, 1), 0, 1}}, dropped: 1},
	{rule: "a1", name: "the base beneath is judged in the same way: it goes", joins: []Join{
		staged(staged(join(1, hist(bal(1, 1), 4)), hist(bal(3, 1), 0, bal(1, 1), bal(2, 1)), 1, 3), hist(bal(2, 1), 0, bal(1, 1)), 1, 2),
		join(2, hist(bal(1, 1), 4)),
		join(3, blank),
	}, sides: []side{{bal(1, 1), 4, 1}}, dropped: 2},
	{rule: "a2", name: "a departed node, on which the base counts, attested to a later ballot", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		join(4, attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(3, 1), 2, 4)),
	}, sides: []side{{bal(4, 1), 2, 4}}, dropped: 1},
	{rule: "a2", name: "a staged base of another node tells as much", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		staged(join(4, blank), attested(hist(bal(4, 1), 0, bal(1, 1), bal(3, 1)), bal(3, 1), 2, 4), 4),
	}, sides: []side{{bal(4, 1), 0, 4}}, dropped: 1},
	{rule: "a2", name: "no node attested: the base may have been active", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		join(4, hist(bal(4, 1), 2, bal(1, 1), bal(3, 1))),
	}, sides: []side{{bal(2, 1), 0, 1}, {bal(4, 1), 2, 4}}},
	{rule: "a2", name: "it attested to an earlier ballot only", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		join(4, attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(1, 1), 2)),
	}, sides: []side{{bal(2, 1), 0, 1}, {bal(4, 1), 2, 4}}},
	{rule: "a2", name: "it attested to the ballot of the base itself", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		join(4, attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(2, 1), 2)),
	}, sides: []side{{bal(2, 1), 0, 1}, {bal(4, 1), 2, 4}}},
	{rule: "a2", name: "another incarnation attested", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), hist(bal(2, 1), 0, bal(1, 1), bal(1, 2)), 1, 2),
		join(4, attested(hist(bal(4, 1), 2, bal(1, 1), bal(3, 1)), bal(3, 1), 9)),
	}, sides: []side{{bal(2, 1), 0, 1}, {bal(4, 1), 2, 4}}},
	{rule: "a3", name: "the primary of the base has not swapped it in", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), of(hist(bal(2, 1), 0, bal(1, 1)), 2, 1), 1),
		inBoot(staged(join(2, hist(bal(1, 1), 4)), of(hist(bal(2, 1), 0, bal(1, 1)), 2, 1), 1), 7),
	}, sides: []side{{bal(1, 1), 4, 1}}, dropped: 2},
	{rule: "a3", name: "the primary of the base is another boot, and proves nothing", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), of(hist(bal(2, 1), 0, bal(1, 1)), 2, 1), 1),
		staged(join(2, hist(bal(1, 1), 4)), of(hist(bal(2, 1), 0, bal(1, 1)), 2, 1), 1),
	}, sides: []side{{bal(2, 1), 0, 1}}},
	{rule: "a3", name: "the primary of the base has swapped it in", joins: []Join{
		staged(join(1, hist(bal(1, 1), 4)), of(hist(bal(2, 1), 0, bal(1, 1)), 2, 1), 1),
		inBoot(join(2, of(hist(bal(2, 1), 3, bal(1, 1)), 2, 1)), 7),
	}, sides: []side{{bal(2, 1), 3, 2}}},
	{rule: "b", name: "a blank history counts for nothing", joins: []Join{
		join(0, blank), join(1, hist(bal(1, 1), 4)),
	}, sides: []side{{bal(1, 1), 4, 1}}},
	{rule: "b", name: "the younger ballot counts, not the longer log", joins: []Join{
		join(0, hist(bal(1, 1), 99)), join(1, hist(bal(2, 1), 0, bal(1, 1))),
	}, sides: []side{{bal(2, 1), 0, 1}}},
	{rule: "c", name: "the longest log of one ballot", joins: []Join{
		join(0, hist(bal(1, 1), 3)), join(1, hist(bal(1, 1), 5)), join(2, hist(bal(1, 1), 4)),
	}, sides: []side{{bal(1, 1), 5, 1}}},
	{rule: "c", name: "this node's log, if it led the ballot in this boot", joins: []Join{
		join(0, of(hist(bal(1, 1), 3), 0, 1)), join(1, of(hist(bal(1, 1), 5), 0, 1)),
	}, sides: []side{{bal(1, 1), 3, 0}}},
	{rule: "c", name: "not this node's log, if another node led the ballot", joins: []Join{
		join(0, of(hist(bal(1, 1), 3), 1, 0)), join(1, of(hist(bal(1, 1), 5), 1, 0)),
	}, sides: []side{{bal(1, 1), 5, 1}}},
	{rule: "c", name: "of equal logs this node's", joins: []Join{
		join(0, hist(bal(1, 1), 5)), join(1, hist(bal(1, 1), 5)),
	}, sides: []side{{bal(1, 1), 5, 0}}},
	{rule: "c", name: "of equal logs a member's before a source's", joins: []Join{
		join(0, blank), join(5, hist(bal(1, 1), 5)), join(6, hist(bal(1, 1), 5)),
	}, sides: []side{{bal(1, 1), 5, 6}}},
	{rule: "d", name: "one of two in which nothing was written", joins: []Join{
		join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1))),
	}, sides: []side{{bal(2, 1), 1, 0}}},
	{rule: "d", name: "of two in which nothing was written, the higher ballot stays", joins: []Join{
		join(0, hist(bal(2, 1), 0, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1))),
	}, sides: []side{{bal(3, 1), 0, 1}}},
	{rule: "d", name: "nothing was written, but it was built from more", joins: []Join{
		join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 0, bal(1, 1), bal(1, 2))),
	}, sides: []side{{bal(2, 1), 1, 0}, {bal(3, 1), 0, 1}}},
	{rule: "d", name: "nothing was written, but it was built from more entries of a ballot", joins: []Join{
		join(0, hist(bal(2, 1), 1, bal(1, 1))),
		join(1, wire.HistorySummary{Ballot: bal(3, 1), Past: []wire.PastBallot{{Ballot: bal(1, 1), Count: 2}}}),
	}, sides: []side{{bal(2, 1), 1, 0}, {bal(3, 1), 0, 1}}},
	{rule: "e", name: "nothing is left", joins: []Join{join(0, blank), join(1, blank)}},
	{rule: "e", name: "two that do not know each other lived apart", joins: []Join{
		join(0, hist(bal(2, 1), 1, bal(1, 1))), join(1, hist(bal(3, 1), 1, bal(1, 1))),
	}, sides: []side{{bal(2, 1), 1, 0}, {bal(3, 1), 1, 1}}},
	{rule: "f", name: "a ballot that the base contains is not owed", joins: []Join{
		owing(join(0, hist(bal(2, 1), 1, bal(1, 1))), bal(1, 1), bal(2, 1)),
	}, sides: []side{{bal(2, 1), 1, 0}}},
	{rule: "f", name: "a ballot that the base lacks is owed, once", joins: []Join{
		owing(join(0, hist(bal(2, 1), 1, bal(1, 1))), bal(3, 1)), owing(join(1, blank), bal(3, 1)),
	}, sides: []side{{bal(2, 1), 1, 0}}, owed: []ids.Ballot{bal(3, 1)}},
	{rule: "f", name: "a ballot of a staged base that was dropped is owed", joins: []Join{
		owing(staged(join(0, blank), hist(bal(2, 1), 0, bal(1, 1)), 0, 1), bal(1, 1)), join(1, blank),
	}, owed: []ids.Ballot{bal(1, 1)}, dropped: 1},
}

func TestEachRuleOfADecision(t *testing.T) {
	for _, c := range decideRows {
		t.Run(c.rule+": "+c.name, func(t *testing.T) {
			for range 2 { // the order of the joins means nothing
				d := Decide(Input{Self: 0, Boot: 7, Members: members, Joins: c.joins})
				var got []side
				for _, s := range d.Sides {
					got = append(got, side{s.History.Ballot, s.History.Length, s.Holder})
				}
				if diff := cmp.Diff(c.sides, got, cmp.AllowUnexported(side{})); diff != "" {
					t.Error(diff)
				}
				var owed []ids.Ballot
				for _, k := range d.Owed {
					owed = append(owed, k.Ballot)
				}
				if diff := cmp.Diff(c.owed, owed); diff != "" || d.Dropped != c.dropped {
					t.Errorf("dropped %d, want %d; owed: %s", d.Dropped, c.dropped, diff)
				}
				describes(t, &d, c.joins)
				slices.Reverse(c.joins)
			}
		})
	}
}

// describes checks that a base is that of the sides, and descends from all that counted.
func describes(t *testing.T, d *Decision, joins []Join) {
	t.Helper()
	if d.Base.Merged() != (len(d.Sides) > 1) {
		t.Errorf("merged: %t, of %d sides", d.Base.Merged(), len(d.Sides))
	}
	if len(d.Sides) == 1 && (d.Base.Source != d.Sides[0].History.Ballot || d.Base.Length != d.Sides[0].History.Length || d.Holder != d.Sides[0].Holder) {
		t.Errorf("%d entries of %v, from node %d", d.Base.Length, d.Base.Source, d.Holder)
	}
	if len(d.Sides) != 1 && (!d.Base.Source.IsZero() || d.Holder != 0) {
		t.Errorf("a base without one source is of %v, from node %d", d.Base.Source, d.Holder)
	}
	for _, j := range joins {
		b := j.Report.History.Ballot
		if !b.IsZero() && !slices.ContainsFunc(d.Base.Past, func(p wire.PastBallot) bool { return p.Ballot == b }) {
			t.Errorf("the base does not descend from %v", b)
		}
	}
}

// TestAPrimaryThatRestartedDoesNotCutItsLog: the new boot does not know what the old one had committed.
func TestAPrimaryThatRestartedDoesNotCutItsLog(t *testing.T) {
	joins := []Join{join(0, of(hist(bal(1, 1), 3), 0, 1)), join(1, of(hist(bal(1, 1), 5), 0, 1))}
	for boot, length := range map[ids.Boot]uint64{7: 3, 8: 5} {
		if d := Decide(Input{Boot: boot, Joins: joins}); d.Base.Length != length {
			t.Errorf("boot %d: %d entries, want %d", boot, d.Base.Length, length)
		}
	}
}

func TestForceGivesUpWhatIsOwed(t *testing.T) {
	d := Decide(Input{Force: true, Joins: []Join{owing(join(0, hist(bal(2, 1), 1, bal(1, 1))), bal(1, 1), bal(3, 1))}})
	if diff := cmp.Diff([]ids.Ballot{bal(3, 1)}, d.Base.GivenUp); diff != "" || len(d.Owed) > 0 {
		t.Errorf("owed %v, given up: %s", d.Owed, diff)
	}
}

func TestAHistoryOlderThanThePastLimitIsDropped(t *testing.T) {
	young, old := hist(bal(9, 1), 1, bal(7, 1), bal(8, 1)), hist(bal(1, 1), 50)
	joins := []Join{join(0, young), owing(join(1, old), bal(2, 1))}
	if d := Decide(Input{PastLimit: 2, Joins: joins}); len(d.Sides) != 1 || d.TooOld != 1 || len(d.Owed) > 0 {
		t.Errorf("%d sides, %d too old, owed %v: a full past says nothing of what is below it", len(d.Sides), d.TooOld, d.Owed)
	}
	if d := Decide(Input{PastLimit: 4, Joins: joins}); len(d.Sides) != 2 || d.TooOld != 0 || len(d.Owed) != 1 {
		t.Errorf("%d sides, %d too old, owed %v: a past with room has forgotten nothing", len(d.Sides), d.TooOld, d.Owed)
	}
}

func TestAMergedBaseHasTheAncestryOfAllSides(t *testing.T) {
	d := Decide(Input{Joins: []Join{
		join(0, attested(hist(bal(2, 1), 4, bal(1, 1)), bal(2, 1), 5)), join(1, attested(hist(bal(3, 1), 6, bal(1, 2)), bal(3, 1), 6)),
	}})
	want := []wire.PastBallot{{Ballot: bal(1, 1), Count: 1}, {Ballot: bal(1, 2), Count: 1}, {Ballot: bal(2, 1), Count: 4}, {Ballot: bal(3, 1), Count: 6}}
	if diff := cmp.Diff(want, d.Base.Past); diff != "" {
		t.Error(diff)
	}
	if len(d.Base.Attested) != 2 {
		t.Errorf("attested %v", d.Base.Attested)
	}
}
