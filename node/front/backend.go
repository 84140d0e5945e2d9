package front

import (
	"github.com/cohortkv/cohort/node/front/cluster"
	"github.com/cohortkv/cohort/node/front/keys"
	"github.com/cohortkv/cohort/node/front/route"
	"github.com/cohortkv/cohort/node/front/waiters"
)

// Backend is the node behind the front: all that the handlers ask of it. Every request
// that must wait gets a Waiter. The backend signals the waiter exactly once, unless the
// front abandons it first. No method blocks for long; all may be called by any
// goroutine.
type Backend interface {
	waiters.Node
	keys.Node
	cluster.ViewNode
	cluster.StateNode
	cluster.HealthNode
	cluster.ForgetNode
}

// What the backend gets and gives.
type (
	Waiter   = waiters.Waiter
	Listing  = waiters.Listing
	State    = keys.State
	Snapshot = keys.Snapshot
)

// NewWaiter returns a waiter for use.
func NewWaiter() *Waiter { return waiters.NewWaiter() }

// Request is a kind of request together with the status of its answer.
type Request = route.Request
