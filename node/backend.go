package node

import (
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// backend is the interface of the node to its front.
type backend struct {
	driver *driver
	state  state
	status atomic.Pointer[wire.NodeStatus] // never nil
}

func newBackend(memory *store.Memory) *backend {
	b := &backend{state: state{memory}}
	b.status.Store(&wire.NodeStatus{})
	return b
}

// Inputs of clients come from pools, because every request needs one.
var (
	submits       = sync.Pool{New: func() any { return new(wire.Submit) }}
	reads         = sync.Pool{New: func() any { return new(wire.SubmitRead) }}
	causalSubmits = sync.Pool{New: func() any { return new(wire.CausalSubmit) }}
	causalReads   = sync.Pool{New: func() any { return new(wire.CausalRead) }}
)

// recycle returns an input to its pool after its step.
func recycle(in wire.Input) {
	switch in := in.(type) {
	case *wire.Submit:
		*in = wire.Submit{}
		submits.Put(in)
	case *wire.SubmitRead:
		reads.Put(in)
	case *wire.CausalSubmit:
		*in = wire.CausalSubmit{}
		causalSubmits.Put(in)
	case *wire.CausalRead:
		*in = wire.CausalRead{}
		causalReads.Put(in)
	}
}

// Write implements front.Backend.
func (b *backend) Write(w *front.Waiter, op wire.Op) {
	b.driver.clients.add(w)
	in := submits.Get().(*wire.Submit)
	in.Token, in.Op = w.Token, op
	b.driver.submit(in)
}

// Read implements front.Backend.
func (b *backend) Read(w *front.Waiter) {
	b.driver.clients.add(w)
	in := reads.Get().(*wire.SubmitRead)
	in.Token = w.Token
	b.driver.submit(in)
}

// CausalWrite implements front.Backend.
func (b *backend) CausalWrite(w *front.Waiter, op wire.Op, c wire.Context) {
	b.driver.clients.add(w)
	in := causalSubmits.Get().(*wire.CausalSubmit)
	in.Token, in.Op, in.Context = w.Token, op, c
	b.driver.submit(in)
}

// CausalRead implements front.Backend.
func (b *backend) CausalRead(w *front.Waiter, key string, c wire.Context) {
	b.driver.clients.add(w)
	in := causalReads.Get().(*wire.CausalRead)
	in.Token, in.Key, in.Context = w.Token, key, c
	b.driver.submit(in)
}

// CausalList implements front.Backend.
func (b *backend) CausalList(w *front.Waiter, c wire.Context) {
	b.driver.clients.add(w)
	b.driver.submit(&wire.CausalList{Token: w.Token, Context: c})
}

// PutView implements front.Backend.
func (b *backend) PutView(w *front.Waiter, put wire.PutView) {
	b.driver.clients.add(w)
	put.Token = w.Token
	b.driver.submit(&put)
}

// Forget implements front.Backend.
func (b *backend) Forget(w *front.Waiter, id ids.Node) {
	b.driver.clients.add(w)
	b.driver.submit(&wire.ForgetNode{Token: w.Token, Node: id})
}

// Lag implements front.Backend.
func (b *backend) Lag(w *front.Waiter) {
	b.driver.clients.add(w)
	b.driver.submit(&wire.AskLag{Token: w.Token})
}

// Abandon implements front.Backend.
func (b *backend) Abandon(w *front.Waiter) bool {
	if !b.driver.clients.takeBack(w) {
		return false
	}
	b.driver.submit(&wire.Abandon{Token: w.Token})
	return true
}

// State implements front.Backend.
func (b *backend) State() front.State { return b.state }

// Status implements front.Backend.
func (b *backend) Status() wire.NodeStatus { return *b.status.Load() }

// state is the interface of the store to the front.
type state struct{ *store.Memory }

// Snapshot implements front.State.
func (s state) Snapshot() front.Snapshot { return s.Memory.Snapshot() }
