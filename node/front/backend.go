package front

import (
	"iter"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Backend is the node behind the front. Every request that must wait gets a Waiter.
// The backend signals the waiter exactly once, unless the front abandons it first.
// No method blocks for long; all may be called by any goroutine.
type Backend interface {
	// Write submits a write. Its answer is the waiter's Reply.
	Write(w *Waiter, op wire.Op)
	// Read asks when the state may be read. A Reply of core.Done means that it may
	// be read now, through State.
	Read(w *Waiter)
	// CausalWrite submits an unconditional write to the causal bucket, from a
	// client whose session has the context c. Its answer is the waiter's Reply.
	CausalWrite(w *Waiter, op wire.Op, c wire.Context)
	// CausalRead reads a key of the causal bucket, for a client whose session has
	// the context c. Its answer is the waiter's Reply.
	CausalRead(w *Waiter, key string, c wire.Context)
	// CausalList lists this node's shard of the causal bucket. After a Reply of
	// core.Done the waiter has the Listing.
	CausalList(w *Waiter, c wire.Context)
	// PutView submits an operator's view, which is canonical and valid. The backend
	// fills in its Token.
	PutView(w *Waiter, put core.PutView)
	// Ways returns a function that says what is wrong with the link to a node, in a
	// few words and in detail. Both are empty if nothing is wrong as far as the bus
	// knows.
	Ways() func(ids.Node) (why, detail string)
	// Lag asks how far the members are behind each other. The answer is the
	// waiter's Reply.
	Lag(w *Waiter)
	// Forget submits an operator's statement that a node is gone for good.
	Forget(w *Waiter, id ids.Node)
	// Abandon takes a waiter back, because its client left or its time is up. If
	// Abandon returns true, no signal follows. If false, the signal was already
	// given.
	Abandon(w *Waiter) bool
	// State is the state that this node has applied.
	State() State
	// Status describes the node: its view, its readiness and its part in each
	// model.
	Status() core.NodeStatus
	// Outage names the members that requests wait for now, and why. It is too slow
	// for the hot path.
	Outage() api.Outage
	// Holds is how much the node has in memory: keys, and bytes.
	Holds() api.Holds
	// Stuck says why the node makes no progress at all; empty if it makes progress.
	Stuck() string
}

// State is applied, committed data. Any goroutine may read it at any time.
// Backend.Read makes sure that it is recent enough.
type State interface {
	// Get returns a key's record and, read atomically with it, the number that
	// the next write gets.
	Get(key string) (rec wire.Record, found bool, next uint64)
	// Bytes is what all buckets of the node hold, in bytes.
	Bytes() int64
	// Growth is the number of bytes by which Bytes would change if a value of that
	// many bytes were put under the key.
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
	// Pinned is the number of bytes that only this snapshot keeps in memory.
	Pinned() int64
	// From yields records in the order of key bytes: those greater than after, or
	// all if after is nil.
	From(after *string) iter.Seq[wire.Record]
}

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
