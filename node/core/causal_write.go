package core

import "github.com/cohortkv/cohort/node/wire"

// CausalWrite changes what is durable of causal buckets, in the order of the
// fields.
type CausalWrite struct {
	Reset  bool             // forget everything of causal buckets first
	Free   []wire.HashRange // slots that were handed over: their items go
	Put    []wire.Item      // each in place of what its key held
	Drop   []string         // keys that were deleted, here or elsewhere, and collected: nothing is kept of them
	Known  *wire.Holdings   // of these slots; ranges that are in Free are not held any more
	Live   wire.Vector      // progress of the streams of this view
	Alumni []wire.Member    // when AlumniSet
	Views  []wire.KnownView // that became known

	AlumniSet bool
}
