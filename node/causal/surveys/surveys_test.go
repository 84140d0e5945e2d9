package surveys

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is a node with its surveys.
type node struct {
	*bare.Node
	*Surveys
	synced, written bool
}

func (n *node) Synced() bool   { return n.synced }
func (n *node) Unsynced() bool { return !n.synced }
func (n *node) WritePending() {
	n.written = true
	n.Slots.Apply(n.Slots.TakeGrowth(), func(hashing.Slot) {})
}

func begun(a, b []ids.Node) *node {
	n := &node{Node: bare.In(true, a, b), synced: true}
	n.Surveys = New(Parts{
		Step: n.Step, View: n.View, Peers: n.Peers, Catalog: n.Catalog, Slots: n.Slots, Items: n.Items,
		Collector: n.Collector, Satisfied: n.Satisfied, Host: n,
	})
	return n
}

// question is the open question, as node 1 gets it; nil: none was sent.
func (n *node) question() (q *wire.DigestRequest) {
	for _, e := range n.Sent() {
		if m, ok := e.Message.(*wire.DigestRequest); ok && e.To == 1 {
			q = m
		}
	}
	return q
}

func TestTheStableCutIsMadeWhenAllMembersHaveAnswered(t *testing.T) {
	n := begun([]ids.Node{0, 1}, nil)
	n.MakeCut()
	q := n.question()
	if q == nil || !q.Survey || n.CutSum() != 0 {
		t.Fatalf("asked is %+v", q)
	}
	n.Pass(gc.AskEvery)
	if n.Tick(); n.question() == nil {
		t.Error("the question is not repeated")
	}
	if n.Answer(n.From(1), &wire.Digest{Session: q.Session + 7, View: n.View.ID()}) {
		t.Error("an answer to another question counts")
	}
	if !n.Answer(n.From(1), &wire.Digest{Session: q.Session, View: n.View.ID(), Held: n.Slots.Holdings(q.Slots, true)}) || n.CutSum() == 0 || !n.Told(EventStableCut) {
		t.Error("no cut is made")
	}
	n.Pass(cutEvery)
	n.Hellos()
	n.MakeCut()
	q = n.question()
	if q == nil || len(q.Slots) > 0 {
		t.Fatalf("then %+v is asked", q)
	}
	n.Answer(n.From(1), &wire.Digest{Session: q.Session, View: n.View.ID(), StableCut: n.CutSum()})
	if !n.Catalog.Get(n.View.ID()).Common {
		t.Error("all know the cut, and it is not common")
	}
	n.Pass(cutEvery)
	n.Hellos()
	if n.MakeCut(); n.question() != nil {
		t.Error("a common cut is asked for")
	}
}

// TestWhenASurveyMayBegin is docs/causal.md §9.1, rule 3.
func TestWhenASurveyMayBegin(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(n *node)
		asks    bool
	}{
		"all is well":               {func(n *node) {}, true},
		"not synced":                {func(n *node) { n.synced = false }, false},
		"a slot is not ready":       {func(n *node) { n.Slots.Assign(n.View.Owns, false, false, 0) }, false},
		"a former member":           {func(n *node) { n.Peers.HearOfFormer(wire.Member{ID: 9}) }, false},
		"holds something of others": {func(n *node) { n.Slots.Hold(n.Owned(false)) }, false},
		"a member is silent":        {func(n *node) { n.Pass(wire.Second) }, false},
		"not the lowest member":     {func(n *node) { n.Adopt(6, true, []ids.Node{1}, []ids.Node{2}) }, false},
	} {
		n := begun([]ids.Node{0, 1}, []ids.Node{2})
		c.prepare(n)
		if n.MakeCut(); (n.question() != nil) != c.asks {
			t.Errorf("%s: asks %t", name, !c.asks)
		}
	}
}

func TestASurveyThatSomeMemberDoesNotAnswerFails(t *testing.T) {
	n := begun([]ids.Node{0, 1}, nil)
	n.MakeCut()
	n.Pass(gc.Patience)
	if n.Tick(); n.cuts.Open() != nil || n.CutSum() != 0 {
		t.Error("it goes on, or has made a cut")
	}
}

// TestATombstoneGoesAfterTwoRounds is I19.
func TestATombstoneGoesAfterTwoRounds(t *testing.T) {
	n := begun([]ids.Node{0, 1}, nil)
	at := n.Owned(true)
	key, stream := n.Key(at), wire.Stream{View: ids.View{Number: 1}, Node: 1, Boot: 10}
	n.Items.Merge(&wire.Item{Key: key, Deleted: true, Version: wire.CausalVersion{Counter: 4, Dot: wire.Dot{Stream: stream, N: 1}}}, nil)
	n.Slots.Grow(at, wire.Vector{{Stream: stream, N: 1}}, 0, false)
	n.WritePending()
	n.Pass(5 * wire.Second)
	n.Hellos()
	n.Collect()
	for round := 1; round <= 2; round++ {
		q := n.question()
		if q == nil || (q.Collecting > 0) != (round == 2) || n.Items.Current(key, nil) == nil {
			t.Fatalf("round %d: %+v", round, q)
		}
		n.Answer(n.From(1), &wire.Digest{Session: q.Session, View: n.View.ID(), Held: n.Slots.Holdings(q.Slots, true)})
	}
	if n.Items.Current(key, nil) != nil || n.Slots.At(at).GCCounter() != 4 || n.Collector.Counter != 4 || !n.Told(EventCollected) {
		t.Errorf("the tombstone stands, or the GC counters are %d and %d", n.Slots.At(at).GCCounter(), n.Collector.Counter)
	}
}
