package node

import (
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// backend is the node as its front sees it (front.Backend). Any goroutine may call it.
type backend struct {
	driver *driver
	state  state
	status atomic.Pointer[core.NodeStatus] // as the machine showed it last; never nil
}

func newBackend(memory *store.Memory) *backend {
	b := &backend{state: state{memory}}
	b.status.Store(&core.NodeStatus{})
	return b
}

// Inputs of clients come from pools, because every request needs one. recycle returns them.
var (
	submits       = sync.Pool{New: func() any { return new(core.Submit) }}
	reads         = sync.Pool{New: func() any { return new(core.SubmitRead) }}
	causalSubmits = sync.Pool{New: func() any { return new(core.CausalSubmit) }}
	causalReads   = sync.Pool{New: func() any { return new(core.CausalRead) }}
)

// recycle returns an input to its pool after its step. The machine keeps no input (core.Input).
func recycle(in core.Input) {
	switch in := in.(type) {
	case *core.Submit:
		*in = core.Submit{}
		submits.Put(in)
	case *core.SubmitRead:
		reads.Put(in)
	case *core.CausalSubmit:
		*in = core.CausalSubmit{}
		causalSubmits.Put(in)
	case *core.CausalRead:
		*in = core.CausalRead{}
		causalReads.Put(in)
	}
}

// Write implements front.Backend.
func (b *backend) Write(w *front.Waiter, op wire.Op) {
	b.driver.clients.add(w)
	in := submits.Get().(*core.Submit)
	in.Token, in.Op = w.Token, op
	b.driver.submit(in)
}

// Read implements front.Backend.
func (b *backend) Read(w *front.Waiter) {
	b.driver.clients.add(w)
	in := reads.Get().(*core.SubmitRead)
	in.Token = w.Token
	b.driver.submit(in)
}

// CausalWrite implements front.Backend.
func (b *backend) CausalWrite(w *front.Waiter, op wire.Op, c wire.Context) {
	b.driver.clients.add(w)
	in := causalSubmits.Get().(*core.CausalSubmit)
	in.Token, in.Op, in.Context = w.Token, op, c
	b.driver.submit(in)
}

// CausalRead implements front.Backend.
func (b *backend) CausalRead(w *front.Waiter, key string, c wire.Context) {
	b.driver.clients.add(w)
	in := causalReads.Get().(*core.CausalRead)
	in.Token, in.Key, in.Context = w.Token, key, c
	b.driver.submit(in)
}

// CausalList implements front.Backend.
func (b *backend) CausalList(w *front.Waiter, c wire.Context) {
	b.driver.clients.add(w)
	b.driver.submit(&core.CausalList{Token: w.Token, Context: c})
}

// PutView implements front.Backend.
func (b *backend) PutView(w *front.Waiter, put core.PutView) {
	b.driver.clients.add(w)
	put.Token = w.Token
	b.driver.submit(&put)
}

// Forget implements front.Backend.
func (b *backend) Forget(w *front.Waiter, id ids.Node) {
	b.driver.clients.add(w)
	b.driver.submit(&core.ForgetNode{Token: w.Token, Node: id})
}

// Lag implements front.Backend.
func (b *backend) Lag(w *front.Waiter) {
	b.driver.clients.add(w)
	b.driver.submit(&core.AskLag{Token: w.Token})
}

// Abandon implements front.Backend.
func (b *backend) Abandon(w *front.Waiter) bool {
	if !b.driver.clients.takeBack(w) {
		return false
	}
	b.driver.submit(&core.Abandon{Token: w.Token})
	return true
}

// State implements front.Backend.
func (b *backend) State() front.State { return b.state }

// Status implements front.Backend.
func (b *backend) Status() core.NodeStatus { return *b.status.Load() }

// state is the store as the front sees it (front.State).
type state struct{ *store.Memory }

// Snapshot implements front.State.
func (s state) Snapshot() front.Snapshot { return s.Memory.Snapshot() }
