package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

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
