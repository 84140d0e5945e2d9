package strong

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// The primary cannot be reached for a long time. Clients come, wait a little, and leave.
func TestRequestsWhoseClientsLeftHoldNoMemory(t *testing.T) {
	r := New(Config{}, &core.Outbox{}, nil, nil)
	for i := range 10_000 {
		token := ids.Token(i + 1)
		r.fwd.unsent = append(r.fwd.unsent, r.fwd.add(token, wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 100)}))
		if i%100 > 0 { // one client in a hundred stays
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

// The oldest request waits as long as an outage lasts, and the window of counters behind it grows.
// To find a later request must not take a look at all of the window.
func TestOneRequestThatWaitsDoesNotMakeOthersSlow(t *testing.T) {
	r := New(Config{}, &core.Outbox{}, nil, nil)
	r.fwd.add(1, wire.Op{Key: "waits"})
	for i := range 300_000 { // if each look-up is linear, this takes a minute
		token := ids.Token(i + 2)
		r.fwd.add(token, wire.Op{Key: "k"})
		r.Abandon(token)
	}
	if r.fwd.open.Len() != 1 || r.fwd.find(1).token != 1 || len(r.fwd.unsent) != 0 {
		t.Errorf("%d are open", r.fwd.open.Len())
	}
}

// unheard is the Peers of a node that hears no member.
type unheard struct{ Peers }

func (unheard) Heard(ids.Node) (wire.Instant, bool) { return 0, false }
func (unheard) Silence(ids.Node) wire.Instant       { return wire.Second }
func (unheard) LeftBehind() bool                    { return false }

// TestAForwardIsRepeatedAfterASecond: its answer may be lost. A refused Forward is repeated after
// 20 ms.
func TestAForwardIsRepeatedAfterASecond(t *testing.T) {
	r := New(Config{Self: 1}, &core.Outbox{}, unheard{}, nil)
	r.now = wire.Second
	r.fwd.flight = &flight{request: 7, requests: []*request{r.fwd.add(1, wire.Op{Key: "a"})}, sent: r.now}
	r.now += wire.Second - 1
	if r.Tick(); r.fwd.flight == nil {
		t.Error("repeated before a second has passed")
	}
	r.now++
	if r.Tick(); r.fwd.flight != nil || len(r.fwd.unsent) != 1 || r.fwd.retryAt > r.now {
		t.Error("not repeated after a second")
	}
	r.fwd.flight, r.fwd.unsent = &flight{request: 8, requests: r.fwd.unsent, sent: r.now}, nil
	if r.OnRequestFailed(7); r.fwd.flight == nil {
		t.Error("another request has failed, and this one counts as refused")
	}
	if r.OnRequestFailed(8); r.fwd.flight != nil || r.fwd.retryAt != r.now+20*wire.Millisecond {
		t.Errorf("a refused Forward is repeated at %d", r.fwd.retryAt)
	}
}
