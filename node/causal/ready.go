package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// writePending persists the pending knowledge of this step. When that is durable, K of the
// slots grows and requests are checked against it (I15). Slots for which no other node need
// be waited for become ready then, unless the view has changed meanwhile.
func (r *Replica) writePending() {
	g := r.slots.TakeGrowth()
	if g == nil {
		return
	}
	view := r.view.ID()
	r.step.After(r.step.Commit(), func() {
		r.slots.Apply(g, func(at hashing.Slot) {
			if r.view.ID() == view {
				r.makeReady(at)
				r.advance()
			}
		})
		r.requests.WakeAll()
	})
}

// hold begins to hold a slot, with nothing in it. That begins an inquiry: no node was asked
// yet which writes of ended boots this slot had (docs/causal.md §10, rule 9).
func (r *Replica) hold(at hashing.Slot) {
	if r.slots.Hold(at) {
		r.boots.Begin()
	}
}

// makeReady makes a slot ready, once the items that were kept aside are merged, durably.
// From then on the tracks count for the slot, and the tracks cover those items, so they may
// not be missing (I15).
func (r *Replica) makeReady(at hashing.Slot) {
	aside, ok := r.slots.TakeAside(at)
	switch {
	case !ok:
		return
	case len(aside) == 0:
		r.serve(at)
		return
	}
	view := r.view.ID()
	for i := range aside {
		item := &aside[i]
		r.items.Read(item.Key, func(current *wire.Item) {
			if r.view.ID() != view || !r.slots.Merging(at) {
				return
			}
			if r.items.Merge(item, current) {
				r.requests.Note(item.Key)
			}
			last := r.slots.Merged(at)
			r.step.After(r.step.Commit(), func() {
				r.requests.WakeKeys()
				if last && r.view.ID() == view && r.slots.EndMerging(at) {
					r.makeReady(at) // more items may have been kept aside meanwhile
				}
			})
		})
	}
}

// serve makes a slot ready that has no items aside, and wakes the requests that wait.
func (r *Replica) serve(at hashing.Slot) {
	r.slots.Serve(at)
	if r.slots.Unready() == 0 {
		r.step.Event(core.Event{Kind: EventReady, View: r.view.ID()})
		r.catchUp()
		r.checkSynced()
	}
	r.moved()
	r.requests.WakeAll()
}
