package node

import (
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// backend is the node as its front sees it.
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

// Inputs of clients come from pools: they are the only ones that there is one of
// for every request.
var (
	submits = sync.Pool{New: func() any { return new(wire.Submit) }}
	reads   = sync.Pool{New: func() any { return new(wire.SubmitRead) }}
)

// recycle takes back an input after its step.
func recycle(in wire.Input) {
	switch in := in.(type) {
	case *wire.Submit:
		*in = wire.Submit{}
		submits.Put(in)
	case *wire.SubmitRead:
		reads.Put(in)
	}
}

// Write implements front.Backend.
func (b *backend) Write(w *front.Waiter, op wire.Op) {
	b.driver.clients.add(w)
	in := submits.Get().(*wire.Submit)
	in.Token, in.Op = w.Token, op
	b.driver.bring(in)
}

// Read implements front.Backend.
func (b *backend) Read(w *front.Waiter) {
	b.driver.clients.add(w)
	in := reads.Get().(*wire.SubmitRead)
	in.Token = w.Token
	b.driver.bring(in)
}

// PutView implements front.Backend.
func (b *backend) PutView(w *front.Waiter, layout wire.Layout, force bool) {
	b.driver.clients.add(w)
	b.driver.bring(&wire.PutView{Token: w.Token, Layout: layout, Force: force})
}

// Abandon implements front.Backend.
func (b *backend) Abandon(w *front.Waiter) bool {
	if !b.driver.clients.takeBack(w) {
		return false
	}
	b.driver.bring(&wire.Abandon{Token: w.Token})
	return true
}

// State implements front.Backend.
func (b *backend) State() front.State { return b.state }

// Status implements front.Backend.
func (b *backend) Status() wire.NodeStatus { return *b.status.Load() }

// state is a store as the front knows it.
type state struct{ *store.Memory }

// Snapshot implements front.State.
func (s state) Snapshot() front.Snapshot { return s.Memory.Snapshot() }
