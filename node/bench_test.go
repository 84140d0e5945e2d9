package node

import (
	"testing"

	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/wire"
)

// answering is a core that answers every request at once and forgets it.
func answering() *script {
	replies := make([]wire.Reply, 1)
	return &script{on: func(in wire.Input) wire.Output {
		switch in := in.(type) {
		case *wire.Submit:
			replies[0] = wire.Reply{Token: in.Token, Outcome: wire.Done}
			return wire.Output{Replies: replies}
		case *wire.SubmitRead:
			return wire.Output{Reads: []wire.Read{{Kind: wire.ReadClient, Token: in.Token}}}
		}
		return wire.Output{}
	}}
}

func TestAWriteCostsTheDriverNoAllocation(t *testing.T) {
	d, _ := newTestDriver(t, answering())
	b := newBackend(d.store)
	b.driver = d
	w, op := front.NewWaiter(), wire.Op{Kind: wire.OpPut, Key: "k"}
	allocs := testing.AllocsPerRun(1000, func() {
		b.Write(w, op)
		<-w.Done
	})
	if allocs >= 1 {
		t.Errorf("%v allocations a write", allocs)
	}
}

func BenchmarkWriteThroughTheDriver(b *testing.B) {
	d, _ := newTestDriver(b, answering())
	backend := newBackend(d.store)
	backend.driver = d
	op := wire.Op{Kind: wire.OpPut, Key: "k"}
	stop := make(chan struct{})
	defer close(stop)
	go d.run(stop)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := front.NewWaiter()
		for pb.Next() {
			backend.Write(w, op)
			<-w.Done
		}
	})
}
