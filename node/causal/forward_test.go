package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestAnAnswerMustFitItsRequest: an answer that does not fit would be shown to a client, or make
// the code panic that shows it.
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
		{"a write that is finished", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardFinished}, true},
		{"a read that is finished", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardFinished}, false},
		{"a write elsewhere", request{kind: writing, op: put}, wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, true},
	} {
		if why := c.q.unfit(&c.m); (why == "") != c.fits {
			t.Errorf("%s: %q", c.name, why)
		}
	}
}

// TestAnAnswerCountsOnlyFromWhoWasAsked: any node could guess the counter of a request.
func TestAnAnswerCountsOnlyFromWhoWasAsked(t *testing.T) {
	r := bare()
	q := r.newRequest(writing, 7, wire.Op{Kind: wire.OpPut, Key: "k"}, wire.Context{})
	r.outgoing.list = []*outgoingForward{{req: q, counter: 1, to: &peers.Peer{ID: 1}, others: []ids.Node{2}}}
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

func from(id ids.Node, boot ids.Boot) wire.Header { return wire.Header{From: id, Boot: boot} }
