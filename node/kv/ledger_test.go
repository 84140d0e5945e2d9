package kv

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestLedgerAnswersOpenRequests applies random entries, as forwarders in
// several boots would cause them, and compares with a plain map.
func TestLedgerAnswersOpenRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type origin struct {
			node ids.Node
			boot ids.Boot
		}
		l := NewLedger(0)
		answers := map[ids.Request]wire.Result{}
		marks := map[origin]uint64{}
		for range rapid.IntRange(1, 200).Draw(t, "entries") {
			o := origin{ids.Node(rapid.IntRange(0, 2).Draw(t, "node")), ids.Boot(rapid.IntRange(0, 1).Draw(t, "boot"))}
			mark := max(marks[o], uint64(rapid.IntRange(1, 30).Draw(t, "mark")))
			id := ids.Request{Node: o.node, Boot: o.boot, Counter: mark + uint64(rapid.IntRange(0, 10).Draw(t, "ahead"))}
			e := wire.Entry{ID: id, LowestOpen: mark, Result: wire.Result{Status: wire.Created, MsgNum: l.Next()}}
			l.Apply(&e)
			answers[id], marks[o] = e.Result, mark
		}
		l = Import(l.Export(), 0)
		for id, want := range answers {
			mark := marks[origin{id.Node, id.Boot}]
			res, answered, forgotten := l.Lookup(id)
			if open := id.Counter >= mark; answered != open || forgotten == open || open && res != want {
				t.Fatalf("%+v under mark %d: %+v answered %t forgotten %t", id, mark, res, answered, forgotten)
			}
		}
		if _, answered, forgotten := l.Lookup(ids.Request{Node: 9}); answered || forgotten {
			t.Fatal("knows a request of a node that never asked")
		}
	})
}

func TestLedgerForgetsTheForwarderThatWasSilentLongest(t *testing.T) {
	l := NewLedger(2)
	for i, node := range []ids.Node{1, 2, 1, 3} {
		l.Apply(&wire.Entry{
			ID: ids.Request{Node: node, Counter: uint64(i) + 1}, LowestOpen: 1,
			Result: wire.Result{Status: wire.Created, MsgNum: l.Next()},
		})
	}
	for node, want := range map[ids.Node]bool{1: true, 2: false, 3: true} {
		counter := map[ids.Node]uint64{1: 3, 2: 2, 3: 4}[node]
		if _, answered, _ := l.Lookup(ids.Request{Node: node, Counter: counter}); answered != want {
			t.Errorf("node %d: answered %t, want %t", node, answered, want)
		}
	}
}

func TestExportIsACopy(t *testing.T) {
	l := NewLedger(0)
	entry := func(c uint64) *wire.Entry {
		return &wire.Entry{ID: ids.Request{Node: 1, Counter: c}, LowestOpen: 1, Result: wire.Result{Status: wire.Absent, MsgNum: c}}
	}
	l.Apply(entry(1))
	w := l.Export()
	before := l.Export()
	l.Apply(entry(2))
	Import(w, 0).Apply(entry(3))
	if d := cmp.Diff(before, w); d != "" {
		t.Errorf("an exported ledger changed:\n%s", d)
	}
}

func TestFailedConditionTakesNoNumber(t *testing.T) {
	l := NewLedger(0)
	l.Apply(&wire.Entry{ID: ids.Request{Node: 1, Counter: 1}, Result: wire.Result{Status: wire.PreconditionFailed, MsgNum: 1}})
	if l.Next() != 1 {
		t.Errorf("next is %d, want 1", l.Next())
	}
}

func TestPastRemembersTheHighestBallots(t *testing.T) {
	ballot := func(n uint64) ids.Ballot { return ids.Ballot{View: ids.View{Number: n}, Round: 1} }
	var p Past
	for _, n := range []uint64{5, 1, 3, 4, 2} {
		p = p.With(ballot(n), 10*n, 3)
	}
	for n, want := range map[uint64]bool{1: false, 2: false, 3: true, 4: true, 5: true} {
		count, ok := p.Count(ballot(n))
		if ok != want || ok && count != 10*n {
			t.Errorf("ballot %d: %d, %t", n, count, ok)
		}
		if p.Forgot(ballot(n), 3) == want {
			t.Errorf("ballot %d: forgotten is not the opposite of remembered", n)
		}
	}
	more := p.With(ballot(4), 99, 3)
	if c, _ := more.Count(ballot(4)); c != 99 {
		t.Errorf("the larger count wins: %d", c)
	}
	if c, _ := p.Count(ballot(4)); c != 40 {
		t.Errorf("the receiver changed: %d", c)
	}
}
