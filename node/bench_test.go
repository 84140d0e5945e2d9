package node

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/wire"
)

// answering is a core that answers every request at once and keeps no state.
func answering() *script {
	replies, reads := make([]core.Reply, 1), make([]core.Read, 1)
	return &script{on: func(in core.Input) core.Output {
		switch in := in.(type) {
		case *core.Submit:
			replies[0] = core.Reply{Token: in.Token, Outcome: core.Done}
			return core.Output{Replies: replies}
		case *core.CausalSubmit:
			replies[0] = core.Reply{Token: in.Token, Outcome: core.Done}
			return core.Output{Replies: replies}
		case *core.CausalRead:
			replies[0] = core.Reply{Token: in.Token, Outcome: core.Done}
			return core.Output{Replies: replies}
		case *core.SubmitRead:
			reads[0] = core.Read{Kind: core.ReadClient, Token: in.Token}
			return core.Output{Reads: reads}
		}
		return core.Output{}
	}}
}

func TestARequestCostsTheDriverNoAllocation(t *testing.T) {
	d, _ := newTestDriver(t, answering())
	b := newBackend(d.store)
	b.driver = d
	w, op := front.NewWaiter(), wire.Op{Kind: wire.OpPut, Key: "k"}
	for what, do := range map[string]func(){
		"write":        func() { b.Write(w, op) },
		"read":         func() { b.Read(w) },
		"causal write": func() { b.CausalWrite(w, op, wire.Context{}) },
		"causal read":  func() { b.CausalRead(w, "k", wire.Context{}) },
	} {
		allocs := testing.AllocsPerRun(1000, func() {
			do()
			<-w.Done
		})
		if allocs >= 1 {
			t.Errorf("%v allocations a %s", allocs, what)
		}
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
