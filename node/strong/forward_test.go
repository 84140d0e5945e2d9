package strong

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestARefusedForwardIsNotRepeatedWithinTheStep: a primary sends its own writes to itself.
// If its ledger, which a peer may have filled, will have none of them, that must not go on
// within one step for ever.
func TestARefusedForwardIsNotRepeatedWithinTheStep(t *testing.T) {
	for _, c := range []struct {
		name  string
		taken bool
	}{{"nothing was taken", false}, {"some of it was", true}} {
		r := New(Config{Self: 1}, &core.Outbox{}, nil, nil)
		r.SetNow(wire.Second)
		first, second := r.fwd.add(1, wire.Op{Key: "a"}), r.fwd.add(2, wire.Op{Key: "b"})
		first.queued = c.taken
		r.fwd.flight = &flight{requests: []*request{first, second}}
		r.reply(&forwardBatch{from: 1})
		if waits := r.fwd.retryAt > r.now; waits == c.taken {
			t.Errorf("%s: what is left waits: %t", c.name, waits)
		}
		if n := len(r.fwd.unsent); n == 0 || r.fwd.unsent[n-1] != second {
			t.Errorf("%s: what is left is lost", c.name)
		}
	}
}

// A primary is not to be had for long, and clients come, wait a little and leave.
func TestRequestsWhoseClientsLeftHoldNoMemory(t *testing.T) {
	r := New(Config{}, &core.Outbox{}, nil, nil)
	for i := range 10_000 {
		token := ids.Token(i + 1)
		r.fwd.unsent = append(r.fwd.unsent, r.fwd.add(token, wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 100)}))
		if i%100 > 0 { // one in a hundred stays
			r.Abandon(token)
		}
	}
	if n := len(r.fwd.unsent); n > 2*100+2 {
		t.Errorf("%d requests are held for 100 that wait", n)
	}
	for _, q := range r.fwd.unsent {
		if q.closed && q.op.Value != nil {
			t.Fatal("the value of a request whose client left is held")
		}
	}
}

// The oldest request waits for as long as an outage lasts. The window behind it grows, and
// what follows must not be looked for in all of it.
func TestOneRequestThatWaitsDoesNotMakeOthersSlow(t *testing.T) {
	r := New(Config{}, &core.Outbox{}, nil, nil)
	r.fwd.add(1, wire.Op{Key: "waits"})
	for i := range 300_000 { // squared, this takes a minute
		token := ids.Token(i + 2)
		r.fwd.add(token, wire.Op{Key: "k"})
		r.Abandon(token)
	}
	if len(r.fwd.open) != 1 || r.fwd.open[0].token != 1 || len(r.fwd.unsent) != 0 {
		t.Errorf("%d are open", len(r.fwd.open))
	}
}
