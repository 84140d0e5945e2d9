package checkpoint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	strong "github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

var standard = Config{Space: 4, Origins: 3}

// node is a history with all that its writes have left on a disk.
type node struct {
	box     *core.Outbox
	history *strong.History
	sum     *State
	areas   uint64 // areas that were begun
	round   uint64
	counter uint64
	due     map[ids.Ballot]uint64 // by ballot: position up to which entries were applied
}

func begun() *node {
	box := &core.Outbox{}
	return &node{box: box, history: strong.New(box, standard.Origins), sum: New(standard), due: map[ids.Ballot]uint64{}}
}

// flush takes in the writes of a step.
func (n *node) flush(t fataler) {
	out := n.box.Output()
	for i := range out.Writes {
		n.areas++
		if _, err := n.sum.Write(&out.Writes[i], n.areas); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if b := n.history.Ballot(); n.history.Commit() > 0 {
		n.due[b] = n.history.Commit()
	}
	n.box.Reset()
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func (n *node) ballot() ids.Ballot {
	return ids.Ballot{View: ids.View{Number: n.round}, Round: 1, Boot: 7}
}

// entries are writes that follow the log, of a few forwarders.
func (n *node) entries(count int) (all []wire.Entry) {
	for i := range count {
		n.counter++
		all = append(all, wire.Entry{
			Stamp: ids.Stamp{Ballot: n.history.Ballot(), Index: n.history.Length() + uint64(i) + 1},
			ID:    ids.Request{Node: ids.Node(n.counter % 5), Counter: n.counter}, LowestOpen: n.counter / 2,
			Op:     wire.Op{Kind: wire.OpPut, Key: "k"},
			Result: wire.Result{Status: wire.Created, MsgNum: n.counter},
		})
	}
	return all
}

// stage stages a base of the next round, as a member does: the history or a staged base is its
// source, or it was received whole.
func (n *node) stage(t *rapid.T) {
	n.round++
	b := &strong.Base{Ballot: n.ballot(), Members: []wire.Member{{ID: 1}}, Bound: []wire.Sighting{{Node: 1, Inc: ids.Incarnation(n.round)}}}
	if rapid.IntRange(0, 2).Draw(t, "whole") == 0 {
		n.box.Persist(wire.Write{Kind: wire.WriteStageHead, Ballot: b.Ballot})
		b.Fresh, b.Ledger = true, wire.Ledger{MsgNum: 100 * n.round, Origins: []wire.Origin{{Node: 9}}}
		n.history.Stage(b, true)
		return
	}
	summary, source := n.history.Summary(), n.history.Ballot()
	from, _ := n.history.Source(source)
	length := rapid.Uint64Range(from.Commit, from.Length+2).Draw(t, "length") // other members may have more of the log
	b.Tail = append(b.Tail, from.Tail[:min(length, from.Length)-from.Commit]...)
	if length > from.Length && !source.IsZero() {
		b.Tail = append(b.Tail, n.entries(int(length-from.Length))...)
	}
	past := append([]wire.PastBallot(nil), summary.Past...)
	if !source.IsZero() {
		past = append(past, wire.PastBallot{Ballot: source, Count: length})
	}
	if s := n.history.Staged(); s != nil && rapid.Bool().Draw(t, "on a staged base") {
		source, past = s.Ballot, append(append([]wire.PastBallot(nil), s.Desc.Past...), wire.PastBallot{Ballot: s.Ballot})
		b.Fresh, b.Ledger, b.Tail, length = s.Fresh, s.Ledger, s.Tail, 0
	}
	b.Desc = wire.Base{Source: source, Length: length, Past: past, Attested: summary.Attested}
	n.history.Stage(b, false)
}

// step does one thing that a node does, and lets the state follow, more or less.
func (n *node) step(t *rapid.T) {
	h := n.history
	switch rapid.IntRange(0, 5).Draw(t, "step") {
	case 0, 1:
		if h.Staged() == nil && !h.Ballot().IsZero() {
			h.Append(n.entries(rapid.IntRange(1, 3).Draw(t, "entries")))
		}
	case 2:
		if h.Staged() == nil {
			h.CommitTo(rapid.Uint64Range(h.Commit(), h.Length()).Draw(t, "commit"))
		}
	case 3:
		n.stage(t)
	case 4:
		if s := h.Staged(); s != nil {
			h.SwapIn(s.Ballot)
		}
	case 5:
		b := n.sum.Ballot()
		n.sum.Apply(b, rapid.Uint64Range(0, n.due[b]).Draw(t, "applied"))
	}
	n.flush(t)
}

// told is what a history shows of itself, at its end: everything is committed.
type told struct {
	Summary wire.HistorySummary
	Ledger  wire.Ledger
	Staged  []wire.StagedSummary
	Tails   [][]wire.Entry // of bases that stand on an area of their own
}

func tell(h *strong.History) told {
	x := told{Staged: h.StagedSummaries()}
	if h.Staged() == nil {
		h.CommitTo(h.Length())
	}
	x.Summary = h.Summary()
	if s, found := h.Source(h.Ballot()); found {
		x.Ledger = s.Ledger()
	}
	for _, s := range x.Staged {
		if from, _ := h.Source(s.History.Ballot); from.Area == core.AreaStaged {
			x.Tails = append(x.Tails, from.Tail)
		}
	}
	return x
}

func TestARestartedNodeFindsTheHistoryThatItHad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := begun()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n.step(t)
		}
		data := n.sum.Append(nil, 5)
		read, at, err := Decode(standard, data)
		if err != nil || at != 5 {
			t.Fatalf("position %d: %v", at, err)
		}
		if d := cmp.Diff(n.sum.Recovered(), read.Recovered(), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("read again (-sum +read):\n%s", d)
		}
		if staged := n.history.Staged(); staged != nil && rapid.Bool().Draw(t, "swap in") {
			n.history.SwapIn(staged.Ballot)
			n.flush(t)
		}
		found := n.sum.Recovered()
		if found.Commit > n.history.Commit() {
			t.Fatalf("%d entries count as committed, %d are", found.Commit, n.history.Commit())
		}
		after := strong.Recover(&core.Outbox{}, standard.Origins, found)
		if staged := n.history.Staged(); staged != nil && rapid.Bool().Draw(t, "swap in later") {
			n.history.SwapIn(staged.Ballot)
			after.SwapIn(staged.Ballot)
		} else if staged != nil {
			n.history.CommitTo(n.history.Length())
			after.CommitTo(after.Length())
		}
		if d := cmp.Diff(tell(n.history), tell(after), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("before and after the restart (-before +after):\n%s", d)
		}
	})
}

func TestASwapBringsWhatTheStateLacksOfItsBase(t *testing.T) {
	for _, applied := range []uint64{0, 1, 2, 3} {
		n := begun()
		n.round++
		first := &strong.Base{Ballot: n.ballot(), Fresh: true}
		n.history.Stage(first, true)
		n.history.SwapIn(first.Ballot)
		n.flush(t)
		n.history.Append(n.entries(4))
		n.history.CommitTo(2)
		n.flush(t)
		from, _ := n.history.Source(first.Ballot)
		n.round++
		n.history.Stage(&strong.Base{
			Ballot: n.ballot(), Tail: from.Tail[:1], Desc: wire.Base{Source: first.Ballot, Length: 3, Past: []wire.PastBallot{{Ballot: first.Ballot, Count: 3}}},
		}, false)
		n.flush(t)
		if passed := n.sum.Apply(first.Ballot, applied); uint64(len(passed)) != applied {
			t.Fatalf("%d entries are passed, want %d", len(passed), applied)
		}
		tail, err := n.sum.Write(&wire.Write{Kind: wire.WriteSwap, Ballot: n.ballot()}, 0)
		if err != nil || uint64(len(tail)) != 3-applied || n.sum.Commit() != 0 {
			t.Fatalf("with %d entries applied the swap brings %d: %v", applied, len(tail), err)
		}
		for i := range tail {
			if at := tail[i].Stamp.Index; at != applied+uint64(i)+1 {
				t.Errorf("entry %d of the tail is entry %d of the log", i, at)
			}
		}
		if passed := n.sum.Apply(first.Ballot, 4); passed != nil {
			t.Errorf("entries of the ballot before are applied: %v", passed)
		}
	}
}

func TestWritesThatDoNotFitAreErrors(t *testing.T) {
	entry := wire.Entry{Stamp: ids.Stamp{Index: 2}}
	for name, w := range map[string]wire.Write{
		"a gap in the log":              {Kind: wire.WriteAppend, Entries: []wire.Entry{entry}},
		"a swap without a base":         {Kind: wire.WriteSwap},
		"knowledge of no slot":          {Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Known: &wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{First: 15, Count: 2}}}}}},
		"knowledge of a missing vector": {Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Known: &wire.Holdings{Held: []wire.HeldSlots{{Slots: wire.SlotRange{First: 15, Count: 1}}}}}},
	} {
		if _, err := New(standard).Write(&w, 1); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestAreasAreNumberedByTheWritesThatBeginThem(t *testing.T) {
	b := func(n uint64) ids.Ballot { return ids.Ballot{Round: n} }
	s := New(standard)
	for i, row := range []struct {
		w    wire.Write
		want wire.Areas
	}{
		{wire.Write{Kind: wire.WriteStageHead, Ballot: b(1)}, wire.Areas{Building: 1, Receiving: b(1)}},
		{wire.Write{Kind: wire.WriteStageHead, Ballot: b(2)}, wire.Areas{Building: 2, Receiving: b(2)}},
		{wire.Write{Kind: wire.WriteStageDrop, Ballot: b(2)}, wire.Areas{}},
		{wire.Write{Kind: wire.WriteStageHead, Ballot: b(3)}, wire.Areas{Building: 4, Receiving: b(3)}},
		{wire.Write{Kind: wire.WriteStaged, Ballot: b(3), Fresh: true}, wire.Areas{Staged: 4}},
		{wire.Write{Kind: wire.WriteStageHead, Ballot: b(4)}, wire.Areas{Staged: 4, Building: 6, Receiving: b(4)}},
		{wire.Write{Kind: wire.WriteStaged, Ballot: b(5), Under: b(3), Fresh: true}, wire.Areas{Staged: 4, Building: 6, Receiving: b(4)}},
		{wire.Write{Kind: wire.WriteSwap, Ballot: b(5), Fresh: true}, wire.Areas{Current: 4, Building: 6, Receiving: b(4)}},
		{wire.Write{Kind: wire.WriteStaged, Ballot: b(4), Fresh: true}, wire.Areas{Current: 4, Staged: 6}},
		{wire.Write{Kind: wire.WriteStaged, Ballot: b(6)}, wire.Areas{Current: 4}},
		{wire.Write{Kind: wire.WriteSwap, Ballot: b(6)}, wire.Areas{Current: 4}},
	} {
		if _, err := s.Write(&row.w, uint64(i+1)); err != nil {
			t.Fatal(err)
		}
		if s.Areas() != row.want {
			t.Errorf("after write %d: %+v, want %+v", i, s.Areas(), row.want)
		}
	}
}
