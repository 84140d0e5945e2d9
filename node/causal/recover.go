package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Recovered takes up the state of a node that starts with its disk, in its view v
// (docs/causal.md §11). It is called at most once, before any other input. In v the node is then
// like one that was cut off for a while: its ready slots are ready. The new boot begins new
// streams, so no dot comes twice (I16).
func (r *Replica) Recovered(v *wire.View, found *core.RecoveredCausal) {
	for _, k := range found.Views {
		r.catalog.Add(k)
	}
	r.collector.Raise(found.GCCounter)
	r.results.Recover(found.Applied, found.Finished)
	r.peers.Recover(found.Former)
	r.holdView(v)
	r.recoverSlots(found)
	r.enter(nil, false)
}

// recoverSlots takes up K, readiness and GC counters of the slots, and what follows from the
// items: sums, and the list of tombstones. The streams of the last boot end here. Their positions
// go into K of the slots for which they counted in the view: the own stream for each owned slot,
// the tracks for those that were ready (I15).
func (r *Replica) recoverSlots(found *core.RecoveredCausal) {
	r.slots.Recover(&found.Known)
	if found.Items != nil {
		for item := range found.Items {
			hash := hashing.Hash(item.Key)
			at := r.slots.RecoverItem(hash, item)
			if item.Deleted {
				r.collector.Note(item, hash, at)
			}
		}
	}
	r.slots.Assign(r.view.Owns, true, false, r.collector.Counter)
	var own, all wire.Vector
	for _, p := range found.Live {
		if p.Stream.View != r.view.ID() {
			continue
		}
		all = version.Extend(all, p.Stream, p.N)
		if p.Stream.Node == r.cfg.Self {
			own = version.Extend(own, p.Stream, p.N)
		}
	}
	r.step.Change.NewStreams = true
	r.slots.Fold(own, all)
}
