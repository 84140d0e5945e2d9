package waiters

import (
	"iter"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Listing is this node's shard of the causal bucket at one moment. Any goroutine
// may read it.
type Listing interface {
	// Pinned is the number of bytes that only this listing keeps in memory.
	Pinned() int64
	// From yields items, values and tombstones, in an order that never changes:
	// those behind the key after, or all if after is nil. The items never change.
	From(after *string) iter.Seq[*wire.Item]
	// Context is the context of the client after these items were shown to it.
	Context(shown iter.Seq[*wire.Item]) wire.Context
}

// Node is what a waiting request needs of the node.
type Node interface {
	// Abandon takes a waiter back, because its client left or its time is up. If
	// Abandon returns true, no signal follows. If false, the signal was already
	// given.
	Abandon(w *Waiter) bool
	// Status describes the node: its view, its readiness and its part in each
	// model.
	Status() core.NodeStatus
	// Outage names the members that requests wait for now, and why. It is too slow
	// for the hot path.
	Outage() api.Outage
}

// Waiter is one request that waits for the node. It belongs to one handler at a
// time, and may be pooled.
type Waiter struct {
	Reply   core.Reply    // valid after Done was signalled
	Listing Listing       // valid after Done was signalled, for CausalList
	Done    chan struct{} // capacity 1
	Token   ids.Token     // for the backend's use
}

// NewWaiter returns a waiter for use.
func NewWaiter() *Waiter { return &Waiter{Done: make(chan struct{}, 1)} }
