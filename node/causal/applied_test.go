package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestWhetherAForwardedWriteFoundAValueIsKnownToTheNodeThatAppliedItAndGuessedByOthers(t *testing.T) {
	r := bare()
	for n, row := range []struct {
		counter     uint64
		here        bool // the write was applied here
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
			r.rememberApplied(item, true, row.found)
		}
		r.rememberApplied(item, false, false)
		if got, fate := r.fate(id); fate != forward.Done || got.existed != row.want {
			t.Errorf("%+v: %t", row, got.existed)
		}
	}
}

// TestAHelloSaysWhichWritesAreFinished: a write is finished when its client was answered or has
// left. A read that waits does not hold up the lowest open counter.
func TestAHelloSaysWhichWritesAreFinished(t *testing.T) {
	r := bare()
	r.view.Adopt(&wire.View{}, 0)
	says := func(want uint64, when string) {
		t.Helper()
		var h wire.Hello
		if r.Hello(&h); h.LowestOpen != want {
			t.Errorf("%s: the lowest open number is %d, not %d", when, h.LowestOpen, want)
		}
	}
	forwarded := func(k kind, token ids.Token) *request {
		q := r.newRequest(k, token, wire.Op{Kind: wire.OpPut, Key: "k"}, wire.Context{})
		r.clients[token] = q
		r.forward(q)
		return q
	}
	says(1, "at first")
	first := forwarded(writing, 1)
	second := forwarded(writing, 2)
	forwarded(reading, 3)
	says(1, "two writes wait")
	r.reply(second, core.Done, nil)
	says(1, "the first waits")
	r.Abandon(first.token)
	says(4, "a read waits")
}

// TestAWriteOfAForwarderThatHasEndedIsRefused, and the results of that boot are dropped.
func TestAWriteOfAForwarderThatHasEndedIsRefused(t *testing.T) {
	r := bare()
	id := ids.Request{Node: 7, Boot: 70, Counter: 3}
	r.rememberApplied(&wire.Item{Key: "x", ID: id}, true, false)
	r.boots.Hear([]wire.NodeBoot{{Node: 7, Boot: 70}}, r.peers.HearsFrom)
	r.Hello(&wire.Hello{})
	if n := r.incoming.applied.Len(); n != 0 {
		t.Errorf("%d results of it are kept", n)
	}
	if _, fate := r.fate(id); fate != forward.Finished {
		t.Errorf("its write has the fate %d", fate)
	}
	if r.rememberApplied(&wire.Item{Key: "x", ID: id}, false, false); r.incoming.applied.Len() != 0 {
		t.Error("what an exchange brings of it is kept")
	}
}

// TestForwardedRequestsThatWaitHoldABoundedPart lets a peer forward large values that must wait
// here, until the bound on their memory refuses more.
func TestForwardedRequestsThatWaitHoldABoundedPart(t *testing.T) {
	r := bare()
	r.view.Adopt(&wire.View{Layout: wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: r.cfg.Self}}}}}}, 0)
	r.slots.Assign(r.view.Owns, false, false, 0)
	from := wire.Header{From: 2, Boot: 3}
	forward := func(n uint64) {
		m := &wire.CausalForward{Counter: n, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 1<<20)}, To: r.cfg.Boot}
		r.OnForward(from, "reply", m, []*wire.Item{nil})
	}
	for n := range uint64(200) {
		forward(n + 1)
	}
	if got := len(r.incoming.open); got != incomingRoom>>20-1 {
		t.Errorf("%d requests of 1 MiB wait", got)
	}
	r.OnForwardCancel(from, &wire.CausalForwardCancel{Counters: []uint64{1, 2, 3}})
	forward(300)
	if r.incoming.open[ids.Request{Node: 2, Boot: 3, Counter: 300}] == nil {
		t.Error("there is room again, and it is not accepted")
	}
	for n := range uint64(300) {
		r.dropForward(r.incoming.open[ids.Request{Node: 2, Boot: 3, Counter: n + 1}])
	}
	if r.incoming.bytes != 0 {
		t.Errorf("%d bytes are held by nothing", r.incoming.bytes)
	}
}
