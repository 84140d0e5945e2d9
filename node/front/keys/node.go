package keys

import (
	"iter"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// Node is the node, as far as keys concern it. No method blocks for long; all may be
// called by any goroutine.
type Node interface {
	StrongNode
	CausalNode
	// Status describes the node: its view, its readiness and its part in each
	// model.
	Status() core.NodeStatus
}

// StrongNode has the strong bucket.
type StrongNode interface {
	// Write submits a write. Its answer is the waiter's Reply.
	Write(w *waiters.Waiter, op wire.Op)
	// Read asks when the state may be read. A Reply of core.Done means that it may
	// be read now, through State.
	Read(w *waiters.Waiter)
	// State is the state that this node has applied.
	State() State
}

// CausalNode has the causal bucket.
type CausalNode interface {
	// CausalWrite submits an unconditional write to the causal bucket, from a
	// client whose session has the context c. Its answer is the waiter's Reply.
	CausalWrite(w *waiters.Waiter, op wire.Op, c wire.Context)
	// CausalRead reads a key of the causal bucket, for a client whose session has
	// the context c. Its answer is the waiter's Reply.
	CausalRead(w *waiters.Waiter, key string, c wire.Context)
	// CausalList lists this node's shard of the causal bucket. After a Reply of
	// core.Done the waiter has the Listing.
	CausalList(w *waiters.Waiter, c wire.Context)
}

// State is applied, committed data. Any goroutine may read it at any time.
// StrongNode.Read makes sure that it is recent enough.
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
