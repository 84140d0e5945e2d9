package strong

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

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
