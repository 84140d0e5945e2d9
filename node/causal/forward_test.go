package causal

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// keep is how long request ids are kept.
const keep = 60 * wire.Second

func TestAForwardedWriteIsRememberedForAMinuteAtLeast(t *testing.T) {
	var c incomingForwards
	c.init(&Limits{DedupRetention: keep, DedupEntries: 100})
	id := func(n uint64) ids.Request { return ids.Request{Node: 1, Boot: 1, Counter: n} }
	item := func(n uint64) *wire.Item {
		return &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: 7}, ID: id(n)}
	}
	c.remember(item(1), true, wire.Second)
	c.remember(item(2), true, keep)
	c.remember(item(3), true, keep+2*wire.Second)
	for n := uint64(1); n <= 3; n++ {
		if got, ok := c.lookup(id(n)); !ok || got != (appliedWrite{hashing.Hash("x"), item(n).Version, false, true}) {
			t.Errorf("request %d: %+v, %t", n, got, ok)
		}
	}
	c.remember(item(4), true, 3*keep)
	if _, ok := c.lookup(id(1)); ok {
		t.Error("after two minutes the first request is still remembered")
	}
}

func TestWhetherAForwardedWriteFoundAValueIsKnownToTheNodeThatAppliedItAndGuessedByOthers(t *testing.T) {
	var c incomingForwards
	c.init(&Limits{DedupRetention: keep, DedupEntries: 100})
	for n, row := range []struct {
		counter     uint64
		here        bool // it was applied here
		found, want bool
	}{
		{1, false, false, false},
		{2, false, false, true},
		{2, true, false, false}, // over a tombstone
		{2, true, true, true},
	} {
		id := ids.Request{Node: 1, Boot: 1, Counter: uint64(n)}
		item := &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: row.counter}, ID: id}
		if row.here {
			c.remember(item, row.found, wire.Second)
		}
		c.rememberRemote(item, wire.Second)
		if got, _ := c.lookup(id); got.existed != row.want {
			t.Errorf("%+v: %t", row, got.existed)
		}
	}
}

// TestAnAnswerMustFitItsRequest: one that does not would be shown to a client, or break
// what shows it.
func TestAnAnswerMustFitItsRequest(t *testing.T) {
	item := func(key string, deleted bool) wire.Item {
		return wire.Item{Key: key, Deleted: deleted, Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}}
	}
	put, del := wire.Op{Kind: wire.OpPut, Key: "k"}, wire.Op{Kind: wire.OpDelete, Key: "k"}
	for _, c := range []struct {
		name string
		q    request
		m    wire.CausalForwardReply
		fits bool
	}{
		{"a read of what is not there", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone}, true},
		{"a read", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, true},
		{"a read of another key", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("l", false)}, false},
		{"a write", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", false)}, true},
		{"a delete", request{kind: writing, op: del}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, true},
		{"a write without a version", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardDone}, false},
		{"a write that deleted", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, false},
		{"a write elsewhere", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, true},
	} {
		if why := c.q.unfit(&c.m); (why == "") != c.fits {
			t.Errorf("%s: %q", c.name, why)
		}
	}
}

// TestAnAnswerCountsOnlyFromWhoWasAsked: counters of requests are easily guessed.
func TestAnAnswerCountsOnlyFromWhoWasAsked(t *testing.T) {
	r := bare()
	q := r.newRequest(writing, 7, wire.Op{Kind: wire.OpPut, Key: "k"}, wire.Context{})
	r.outgoing.list = []*outgoingForward{{req: q, counter: 1, to: &peer{id: 1}, others: []ids.Node{2}}}
	done := &wire.CausalForwardReply{
		Counter: 1, Fate: wire.ForwardDone, Present: true,
		Item: wire.Item{Key: "k", Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}},
	}
	r.OnForwardReply(from(3, 30), done)
	if q.gone {
		t.Fatal("a node that was not asked has answered")
	}
	r.OnForwardReply(from(2, 20), done)
	if !q.gone {
		t.Error("a node that was asked before is not heard")
	}
}
