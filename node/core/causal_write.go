package core

import "github.com/cohortkv/cohort/node/wire"

// CausalWrite changes the durable state of causal buckets. Its fields take effect in their
// order, as one: after a crash the state has all of them or none.
type CausalWrite struct {
	Reset  bool             // drops everything that was kept of causal buckets
	Free   []wire.HashRange // slots that the node released: their items are removed
	Put    []wire.Item      // replaces what the keys of these items held
	Drop   []string         // keys whose tombstones were collected: nothing is kept of them
	Known  *wire.Holdings   // K of the slots that changed; slots in Free are not held any more (I15)
	Live   wire.Vector      // positions that the streams of this view have reached
	Alumni []wire.Member    // with AlumniSet: all former members that may have data
	Views  []wire.KnownView // views that became known

	AlumniSet bool
}
