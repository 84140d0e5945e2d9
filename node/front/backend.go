package front

import (
	"iter"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// Backend is the node behind the front. Every request that must wait is given a
// Waiter, which is signalled exactly once unless it is abandoned first.
type Backend interface {
	// Write submits a write. The waiter's Reply is its answer.
	Write(w *Waiter, op wire.Op)
	// Read asks when the state may be read: a Reply of wire.Done means now, by
	// way of State.
	Read(w *Waiter)
	// CausalWrite submits an unconditional write to the causal bucket, of a client
	// that has seen the context. The waiter's Reply is its answer.
	CausalWrite(w *Waiter, op wire.Op, c wire.Context)
	// CausalRead reads a key of the causal bucket. The waiter's Reply is its answer.
	CausalRead(w *Waiter, key string, c wire.Context)
	// CausalList lists this node's shard of the causal bucket. After a Reply of
	// wire.Done the waiter has the Listing.
	CausalList(w *Waiter, c wire.Context)
	// PutView submits an operator's view, canonical and valid. Its Token is the backend's.
	PutView(w *Waiter, put wire.PutView)
	// Ways returns what says, in a few words and in detail, what is wrong with the way to
	// a node; empty: nothing is, as far as the bus knows.
	Ways() func(wire.NodeID) (why, detail string)
	// Lag asks how far members are behind each other. The waiter's Reply is the answer.
	Lag(w *Waiter)
	// Forget submits an operator's word that a node is gone for good.
	Forget(w *Waiter, id wire.NodeID)
	// Abandon takes a waiter back: its client left, or its time is up. True: no
	// signal follows. False: the signal was given already.
	Abandon(w *Waiter) bool
	// State is the state as it is applied here.
	State() State
	// Status is what the node shows of itself.
	Status() wire.NodeStatus
	// Outage is whom requests wait for at this moment, and why. It is not for the hot
	// path.
	Outage() api.Outage
	// Holds is how much the node has in memory.
	Holds() api.Holds
	// Stuck says why the node makes no progress at all; empty: it does.
	Stuck() string
}

// State is applied, committed data. It may be read at any time by any
// goroutine; that it is recent enough is what Backend.Read is for.
type State interface {
	// Get returns a key's record and, read atomically with it, the number that
	// the next write gets.
	Get(key string) (rec wire.Record, found bool, next uint64)
	// Bytes is what the node holds, of all buckets.
	Bytes() int64
	// Growth is by how much a value of so many bytes under a key would change Bytes.
	Growth(causal bool, key string, value int) int64
	// Snapshot freezes the state; it costs O(1) and never blocks a writer.
	Snapshot() Snapshot
}

// Snapshot is the state at one position.
type Snapshot interface {
	// Next is the number that the next write after the snapshot gets.
	Next() uint64
	// Len is the number of keys.
	Len() int
	// Pinned is how many bytes only this snapshot keeps in memory.
	Pinned() int64
	// From yields records in order of key bytes, those greater than after (or
	// all, when after is nil).
	From(after *string) iter.Seq[wire.Record]
}

// Listing is a shard of the causal bucket at one moment; any goroutine may read
// it.
type Listing interface {
	// Pinned is how many bytes only this listing keeps in memory.
	Pinned() int64
	// From yields items, values and tombstones, in an order that never changes:
	// those after a key, or all, when after is nil. The items never change.
	From(after *string) iter.Seq[*wire.Item]
	// Context is what the client has seen once it was shown these items.
	Context(shown iter.Seq[*wire.Item]) wire.Context
}

// Waiter is one request that waits for the node. It belongs to one handler at a
// time and may be pooled.
type Waiter struct {
	Reply   wire.Reply    // valid after Done was signalled
	Listing Listing       // likewise, after CausalList
	Done    chan struct{} // capacity 1
	Token   wire.Token    // the backend's own
}

// NewWaiter returns a waiter for use.
func NewWaiter() *Waiter { return &Waiter{Done: make(chan struct{}, 1)} }
