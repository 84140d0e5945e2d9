package kv

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func ballotOf(n uint64) ids.Ballot { return ids.Ballot{View: ids.View{Number: n}, Round: 1} }

func stamp(view, index uint64) ids.Stamp { return ids.Stamp{Ballot: ballotOf(view), Index: index} }

// apart are two groups that both continued from the first 5 entries of ballot 1.
var apart = []Side{
	{Ballot: ballotOf(2), Length: 9, Past: Past{{Ballot: ballotOf(1), Count: 5}}},
	{Ballot: ballotOf(3), Length: 9, Past: Past{{Ballot: ballotOf(1), Count: 5}}},
}

func TestAMergeKeepsRecordsThatNoOtherSideHasSuperseded(t *testing.T) {
	common, left, right := stamp(1, 4), stamp(2, 3), stamp(3, 1)
	tail := stamp(1, 6) // logged in ballot 1, and never in ballot 3's history
	nothing := ids.Stamp{}
	cases := []struct {
		name        string
		left, right ids.Stamp
		want        ids.Stamp
		conflict    bool
	}{
		{"both hold what both had", common, common, common, false},
		{"one side overwrote it", left, common, left, false},
		{"the other side overwrote it", common, right, right, false},
		{"both overwrote it", left, right, right, true},
		{"one side deleted it", nothing, common, nothing, false},
		{"one side deleted it, which the other overwrote unseen", nothing, right, right, false},
		{"one side wrote it anew", left, nothing, left, false},
		{"nobody holds it", nothing, nothing, nothing, false},
		{"one side holds an entry that the other's history was cut before", tail, right, right, true},
		{"the same, and the other holds nothing", tail, nothing, tail, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var held []*wire.Record
			for _, s := range []ids.Stamp{c.left, c.right} {
				held = append(held, holding(s))
			}
			got, conflict := Survivor(apart, held)
			if d := cmp.Diff(holding(c.want), got); d != "" || conflict != c.conflict {
				t.Errorf("conflict %v: %s", conflict, d)
			}
		})
	}
}

// holding is a record with a stamp; nil for the zero stamp.
func holding(s ids.Stamp) *wire.Record {
	if s == (ids.Stamp{}) {
		return nil
	}
	return &wire.Record{Key: "k", Stamp: s}
}

func TestBallotsOlderThanThePastLimitCountAsKnown(t *testing.T) {
	s := Side{Ballot: ballotOf(9), Past: Past{{Ballot: ballotOf(7), Count: 1}, {Ballot: ballotOf(8), Count: 1}}, Limit: 2}
	for view, want := range map[uint64]bool{1: true, 7: true, 8: true} {
		if got := s.Knows(stamp(view, 1)); got != want {
			t.Errorf("ballot %d: known %v, want %v", view, got, want)
		}
	}
	if s.Knows(stamp(8, 2)) || s.Knows(stamp(9, 1)) {
		t.Error("it knows entries beyond those that it contains")
	}
}

// TestTheOrderOfTheSidesMeansNothing merges three sides in all orders.
func TestTheOrderOfTheSidesMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type side struct {
			Side
			held *wire.Record
		}
		var sides []side
		for n := range uint64(3) {
			s := side{Side: Side{Ballot: ballotOf(10 + n), Length: 3}}
			for old := range uint64(3) {
				if count := rapid.Uint64Range(0, 3).Draw(t, "knows"); count > 0 {
					s.Past = s.Past.With(ballotOf(1+old), count, 0)
				}
			}
			s.held = holding(rapid.SampledFrom([]ids.Stamp{{}, stamp(1, 1), stamp(2, 2), stamp(3, 3), stamp(10+n, 1)}).Draw(t, "held"))
			sides = append(sides, s)
		}
		var first *wire.Record
		for i, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			var in []Side
			var held []*wire.Record
			for _, j := range order {
				in, held = append(in, sides[j].Side), append(held, sides[j].held)
			}
			got, _ := Survivor(in, held)
			if i == 0 {
				first = got
			} else if d := cmp.Diff(first, got); d != "" {
				t.Fatalf("order %v: %s", order, d)
			}
		}
	})
}

func TestMergedLedgersForgetNoRequest(t *testing.T) {
	answer := func(counter, num uint64) wire.Answer {
		return wire.Answer{Counter: counter, Result: wire.Result{Status: wire.Created, MsgNum: num}}
	}
	unknown := func(counter uint64) wire.Answer {
		return wire.Answer{Counter: counter, Result: wire.Result{Status: wire.Unknown}}
	}
	left := Import(wire.Ledger{MsgNum: 12, Origins: []wire.Origin{
		{Node: 1, Boot: 1, LowestOpen: 3, Used: 9, Answers: []wire.Answer{answer(3, 5), answer(4, 6), answer(6, 9)}},
		{Node: 2, Boot: 2, LowestOpen: 1, Used: 3, Answers: []wire.Answer{answer(1, 3)}},
	}}, 0)
	right := Import(wire.Ledger{MsgNum: 10, Origins: []wire.Origin{
		{Node: 1, Boot: 1, LowestOpen: 4, Used: 8, Answers: []wire.Answer{answer(4, 6), answer(5, 7), answer(6, 8)}},
	}}, 0)
	want := wire.Ledger{MsgNum: 12, Origins: []wire.Origin{
		{Node: 1, Boot: 1, LowestOpen: 4, Used: 9, Answers: []wire.Answer{answer(4, 6), unknown(5), unknown(6)}},
		{Node: 2, Boot: 2, LowestOpen: 1, Used: 3, Answers: []wire.Answer{unknown(1)}},
	}}
	for _, order := range [][]*Ledger{{left, right}, {right, left}} {
		if d := cmp.Diff(want, MergeLedgers(order, 0).Export()); d != "" {
			t.Error(d)
		}
	}
	if got := MergeLedgers([]*Ledger{left, right}, 1).Export(); len(got.Origins) != 1 || got.Origins[0].Node != 1 {
		t.Errorf("with room for one origin, the most recently used stays: %+v", got.Origins)
	}
}

func TestTheUnionOfPastsContainsBoth(t *testing.T) {
	a := Past{{Ballot: ballotOf(1), Count: 5}, {Ballot: ballotOf(3), Count: 2}}
	b := Past{{Ballot: ballotOf(1), Count: 7}, {Ballot: ballotOf(2), Count: 1}}
	want := Past{{Ballot: ballotOf(1), Count: 7}, {Ballot: ballotOf(2), Count: 1}, {Ballot: ballotOf(3), Count: 2}}
	if d := cmp.Diff(want, a.Union(b, 0)); d != "" {
		t.Error(d)
	}
	if got := a.Union(b, 2); !slices.Equal(got, want[1:]) {
		t.Errorf("the highest two: %v", got)
	}
}
