package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// from describes a base that is built on the whole history of a ballot.
func from(b ids.Ballot) wire.Base {
	return wire.Base{Source: b, Past: []wire.PastBallot{{Ballot: b, Count: 2}}}
}

func reported(h *History) (all []ids.Ballot) {
	for _, s := range h.StagedSummaries() {
		all = append(all, s.History.Ballot)
	}
	return all
}

func TestAStagedBaseKeepsTheOneThatItIsBuiltOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		base   Base
		built  bool
		report []ids.Ballot
	}{
		{"on the staged one", Base{Ballot: ballot(3), Desc: from(ballot(2))}, false, []ids.Ballot{ballot(3), ballot(2)}},
		{"on the history beneath", Base{Ballot: ballot(3), Desc: from(ballot(1))}, false, []ids.Ballot{ballot(3)}},
		{"in the area of the staged one", Base{Ballot: ballot(3), Desc: from(ballot(2)), Fresh: true}, true, []ids.Ballot{ballot(3)}},
	} {
		h, box := standing(t, ballot(1))
		h.Stage(&Base{Ballot: ballot(2), Desc: from(ballot(1))}, false)
		h.Stage(&c.base, c.built)
		if d := cmp.Diff(c.report, reported(h)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		w := box.Output().Writes
		if under := w[len(w)-1].Under; (under == ballot(2)) != (len(c.report) == 2) {
			t.Errorf("%s: beneath it %v is durable", c.name, under)
		}
	}
}

func TestABaseIsSwappedInAsAWhole(t *testing.T) {
	h, box := standing(t, ballot(1))
	h.Append(entries(ballot(1), 1, 2))
	h.Stage(&Base{Ballot: ballot(2), Desc: from(ballot(1)), Bound: []wire.Sighting{{Node: 1, Inc: 9}}, Tail: entries(ballot(1), 1, 2)}, false)
	if h.Ballot() != ballot(1) || !h.HasStaged(ballot(2)) || !h.StagedContains(ballot(1)) || h.StagedContains(ballot(5)) {
		t.Fatal("a base that is put aside changed the history, or is not known")
	}
	h.SwapIn(ballot(2))
	if h.Ballot() != ballot(2) || h.Length() != 0 || h.Durable() != 0 || h.NextNumber() != 3 {
		t.Errorf("in %v with %d entries, the next number is %d", h.Ballot(), h.Length(), h.NextNumber())
	}
	if d := cmp.Diff([]uint64{1, 2}, indexes(box.Output().Applies)); d != "" {
		t.Error(d)
	}
	if !h.Contains(ballot(1)) || !h.Contains(ballot(2)) || h.Contains(ballot(3)) {
		t.Error("the ancestry is not that of the base")
	}
	if a := h.Summary().Attested; len(a) != 1 || a[0] != (wire.Attestation{Node: 1, Inc: 9, Ballot: ballot(2)}) {
		t.Errorf("attested %v", a)
	}
	if h.OnDurable(box.LastWrite()); h.Durable() != 0 {
		t.Error("writes of the log that was replaced count")
	}
	defer func() {
		if recover() == nil {
			t.Error("a base is swapped in for a ballot that it is not of")
		}
	}()
	h.SwapIn(ballot(3))
}

func TestAFreshBaseReplacesTheLedger(t *testing.T) {
	h, _ := standing(t, ballot(1))
	h.Append(entries(ballot(1), 1, 2))
	h.CommitTo(2)
	h.Stage(&Base{Ballot: ballot(2), Fresh: true, Ledger: wire.Ledger{MsgNum: 40}}, true)
	if h.SwapIn(ballot(2)); h.NextNumber() != 40 {
		t.Errorf("the next number is %d", h.NextNumber())
	}
}

func TestASourceIsTheHistoryOrAStagedBase(t *testing.T) {
	h, _ := standing(t, ballot(1))
	h.Append(entries(ballot(1), 1, 3))
	h.CommitTo(1)
	h.Stage(&Base{Ballot: ballot(2), Fresh: true, Tail: entries(ballot(1), 1, 2)}, true)
	for _, c := range []struct {
		ballot ids.Ballot
		area   core.Area
		tail   []uint64
		length uint64
	}{{ballot(1), core.AreaCurrent, []uint64{2, 3}, 3}, {ballot(2), core.AreaStaged, []uint64{1, 2}, 0}, {ballot(3), 0, nil, 0}, {ids.Ballot{}, 0, nil, 0}} {
		s, found := h.Source(c.ballot)
		if found != (c.area != 0) || s.Area != c.area || s.Length != c.length {
			t.Errorf("%v: %t, area %d, %d entries", c.ballot, found, s.Area, s.Length)
		}
		if d := cmp.Diff(c.tail, indexes(s.Tail)); d != "" {
			t.Errorf("%v: %s", c.ballot, d)
		}
	}
}

func TestWhatARestartedNodeFindsBehindItsStateIsDurableAndNotCommitted(t *testing.T) {
	h := Recover(&core.Outbox{}, 0, &core.Recovered{
		StoredHistory: wire.StoredHistory{
			Ballot: ballot(1), Commit: 2, Sum: 77, Log: entries(ballot(1), 3, 3),
			Staged: []wire.StagedBase{{Ballot: ballot(3), Base: from(ballot(2))}, {Ballot: ballot(2), Base: from(ballot(1))}},
		},
	})
	if h.Durable() != 5 || h.Commit() != 2 || h.Sum() != 77 || h.Length() != 5 {
		t.Errorf("durable %d, committed %d of %d", h.Durable(), h.Commit(), h.Length())
	}
	if d := cmp.Diff([]ids.Ballot{ballot(3), ballot(2)}, reported(h)); d != "" {
		t.Error(d)
	}
}

func TestTheLatestAttestationsAreKept(t *testing.T) {
	var all []wire.Attestation
	for i := range uint64(MaxAttested + 10) {
		all = append(all, wire.Attestation{Node: ids.Node(i % 5), Inc: ids.Incarnation(i), Ballot: ballot(i + 1)})
	}
	all = append(all, wire.Attestation{Node: all[0].Node, Inc: all[0].Inc, Ballot: ballot(1000)})
	got := Latest(all)
	if len(got) != MaxAttested || got[0].Ballot != ballot(1000) || got[len(got)-1].Ballot != ballot(12) {
		t.Errorf("%d are kept, from %v to %v", len(got), got[0].Ballot, got[len(got)-1].Ballot)
	}
}
