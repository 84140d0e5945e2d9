package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func ballot(view uint64) ids.Ballot {
	return ids.Ballot{View: ids.View{Number: view}, Round: 1, Boot: 7}
}

// entries are count writes of a ballot from a position on.
func entries(b ids.Ballot, first, count uint64) []wire.Entry {
	var all []wire.Entry
	for at := first; at < first+count; at++ {
		all = append(all, wire.Entry{
			Stamp: ids.Stamp{Ballot: b, Index: at}, ID: ids.Request{Node: 1, Counter: at}, LowestOpen: 1,
			Op: wire.Op{Kind: wire.OpPut, Key: "k"}, Result: wire.Result{Status: wire.Created, MsgNum: at},
		})
	}
	return all
}

// standing is a history that stands in a ballot of nodes 0 and 1, with an empty log.
func standing(t *testing.T, b ids.Ballot) (*History, *core.Outbox) {
	box := &core.Outbox{}
	h := New(box, 0)
	h.Stage(&Base{Ballot: b, Fresh: true, Members: []wire.Member{{ID: 0}, {ID: 1}}, Bound: []wire.Sighting{{Node: 0, Inc: 5}}}, true)
	h.SwapIn(b)
	box.Reset()
	if h.Ballot() != b || h.Length() != 0 || h.Staged() != nil {
		t.Fatalf("in %v with %d entries", h.Ballot(), h.Length())
	}
	return h, box
}

func indexes(all []wire.Entry) (at []uint64) {
	for _, e := range all {
		at = append(at, e.Stamp.Index)
	}
	return at
}

func TestCommittedEntriesAreAppliedOnceInOrderAndLeaveTheLog(t *testing.T) {
	h, box := standing(t, ballot(1))
	h.Append(entries(ballot(1), 1, 3))
	h.Append(entries(ballot(1), 4, 2))
	sum := h.SumAt(2)
	for _, at := range []uint64{2, 1, 2, 4} {
		h.CommitTo(at)
	}
	if d := cmp.Diff([]uint64{1, 2, 3, 4}, indexes(box.Output().Applies)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]uint64{5}, indexes(h.After(4))); d != "" || h.Commit() != 4 || h.Length() != 5 {
		t.Errorf("committed %d of %d: %s", h.Commit(), h.Length(), d)
	}
	if h.NextNumber() != 5 {
		t.Errorf("the next number is %d", h.NextNumber())
	}
	if _, answered, _ := h.Lookup(ids.Request{Node: 1, Counter: 4}); !answered {
		t.Error("the ledger does not have a committed request")
	}
	if _, answered, _ := h.Lookup(ids.Request{Node: 1, Counter: 5}); answered {
		t.Error("the ledger has a request that is not committed")
	}
	other, _ := standing(t, ballot(1))
	other.Append(entries(ballot(1), 1, 2))
	if other.SumAt(2) != sum || h.Sum() == sum {
		t.Error("the sum at a position is not that of the entries up to there")
	}
	defer func() {
		if recover() == nil {
			t.Error("a commit beyond the log's end is taken")
		}
	}()
	h.CommitTo(6)
}

func TestABatchExtendsTheLogWithoutAGap(t *testing.T) {
	for _, c := range []struct {
		name  string
		first uint64
		batch []wire.Entry
		want  Extension
		ends  uint64
	}{
		{"the next entries", 4, entries(ballot(1), 4, 2), Extended, 5},
		{"some of them known", 2, entries(ballot(1), 2, 4), Extended, 5},
		{"all of them known", 2, entries(ballot(1), 2, 2), Known, 3},
		{"none, at the end", 4, nil, Extended, 3},
		{"none, before the end", 2, nil, Extended, 3},
		{"after the end", 5, entries(ballot(1), 5, 2), Gap, 3},
		{"none, after the end", 5, nil, Gap, 3},
		{"no position", 0, entries(ballot(1), 4, 2), Gap, 3},
		{"of another ballot", 4, entries(ballot(2), 4, 2), Foreign, 3},
		{"numbered wrongly", 4, entries(ballot(1), 5, 2), Foreign, 3},
		{"numbered wrongly at the end", 4, append(entries(ballot(1), 4, 1), entries(ballot(1), 6, 1)...), Foreign, 3},
	} {
		h, _ := standing(t, ballot(1))
		h.Append(entries(ballot(1), 1, 3))
		if got := h.Extend(c.first, c.batch); got != c.want || h.Length() != c.ends {
			t.Errorf("%s: outcome %d, the log ends at %d", c.name, got, h.Length())
		}
	}
}

func TestALogIsDurableUpToTheLastWriteThatIs(t *testing.T) {
	h, box := standing(t, ballot(1))
	first := box.LastWrite() + 1
	h.Append(entries(ballot(1), 1, 3))
	h.Append(entries(ballot(1), 4, 2))
	for _, c := range []struct {
		seq, durable uint64
		more         bool
	}{{first - 1, 0, false}, {first, 3, true}, {first, 3, false}, {first + 1, 5, true}} {
		if more := h.OnDurable(c.seq); more != c.more || h.Durable() != c.durable {
			t.Errorf("write %d: durable up to %d, more: %t", c.seq, h.Durable(), more)
		}
	}
}

func TestAbandonedEntriesAndAllBehindThemAreNotReported(t *testing.T) {
	h, box := standing(t, ballot(1))
	h.Append(entries(ballot(1), 1, 5))
	if at := h.Position(ids.Request{Node: 1, Counter: 4}); at != 4 {
		t.Fatalf("the request is at %d", at)
	}
	if at := h.Position(ids.Request{Node: 2, Counter: 4}); at != 0 {
		t.Fatalf("a request that is not in the log is at %d", at)
	}
	h.Abandon(0, 8, 1) // another boot
	h.Abandon(1, 7, 1) // another node
	for _, at := range []uint64{4, 2, 4} {
		h.Abandon(0, 7, at)
	}
	if n := len(box.Output().Events); n != 2 {
		t.Errorf("%d events of two entries", n)
	}
	for _, c := range []struct{ commit, kept uint64 }{{1, 1}, {2, 3}, {4, 5}} {
		h.CommitTo(c.commit)
		s := h.Summary()
		if h.KeptLength() != c.kept || s.Length != c.kept || s.Sum != h.SumAt(c.kept) || s.Commit != c.commit {
			t.Errorf("committed %d: kept %d, reported %d", c.commit, h.KeptLength(), s.Length)
		}
	}
}

func TestOnlyTheBootThatWroteALogLedIt(t *testing.T) {
	h, _ := standing(t, ballot(1))
	for _, c := range []struct {
		self ids.Node
		boot ids.Boot
		led  bool
	}{{0, 7, true}, {1, 7, false}, {0, 8, false}} {
		if h.LedBy(c.self, c.boot) != c.led {
			t.Errorf("node %d in boot %d: want %t", c.self, c.boot, c.led)
		}
	}
	if New(&core.Outbox{}, 0).LedBy(0, 0) {
		t.Error("a node led the blank history")
	}
}
