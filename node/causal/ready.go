package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// writePending writes what K of slots is to grow to. When that is durable, it counts
// (I15).
func (r *Replica) writePending() {
	g := r.slots.TakeGrowth()
	if g == nil {
		return
	}
	r.change.Known = &g.Holdings
	view := r.viewID()
	r.after(r.commit(), func() {
		r.slots.Apply(g, func(at hashing.Slot) {
			if r.viewID() == view {
				r.makeReady(at)
				r.advance()
			}
		})
		r.wakeAll()
	})
}

// hold begins to hold a slot, with nothing in it.
func (r *Replica) hold(at hashing.Slot) {
	if r.slots.Hold(at) {
		r.boots.beginInquiry() // which nodes have writes of ended boots in it?
	}
}

// makeReady lets a slot be served. What was kept aside is merged first; the tracks
// count for the slot from when that is durable.
func (r *Replica) makeReady(at hashing.Slot) {
	aside, ok := r.slots.TakeAside(at)
	switch {
	case !ok:
		return
	case len(aside) == 0:
		r.serve(at)
		return
	}
	view := r.viewID()
	for i := range aside {
		item := &aside[i]
		r.read(item.Key, func(current *wire.Item) {
			if r.viewID() != view || !r.slots.Merging(at) {
				return
			}
			if r.merge(item, current) {
				r.waiting.Note(item.Key)
			}
			last := r.slots.Merged(at)
			r.after(r.commit(), func() {
				r.wakeKeys()
				if last && r.viewID() == view && r.slots.EndMerging(at) {
					r.makeReady(at) // more may have come meanwhile
				}
			})
		})
	}
}

// serve marks a slot as ready.
func (r *Replica) serve(at hashing.Slot) {
	r.slots.Serve(at)
	if r.slots.Unready() == 0 {
		r.box.Event(core.Event{Kind: EventReady, View: r.viewID()})
		r.catchUp()
		r.checkSynced()
	}
	r.moved()
	r.wakeAll()
}
