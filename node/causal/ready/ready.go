// Package ready makes slots ready (docs/causal.md §7.5), and lets K grow when what K covers is
// durable (I15). It counts progress on the way.
//
// Readiness is a state machine without I/O. One goroutine at a time may use it.
package ready

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Waker tries waiting requests again.
type Waker interface {
	// Note notes that a key was merged. WakeKeys is due when the merge is durable.
	Note(key string)
	WakeKeys()
	// WakeAll is called when K or readiness has grown.
	WakeAll()
}

// Host is the replica whose slots become ready.
type Host interface {
	// CatchUp moves the tracks up to K. It is called when all slots are ready.
	CatchUp()
	// CheckSynced finds out whether the node is synced now.
	CheckSynced()
}

// Readiness makes the slots of a node ready.
type Readiness struct {
	step      *step.Step
	view      *membership.View
	slots     *slots.Table
	items     *items.Items
	boots     *loss.Boots
	collector *gc.Collector
	waker     Waker
	host      Host

	progress uint64       // grows whenever slots get nearer to ready; a PUT /view that makes progress is waited for
	movedAt  wire.Instant // when slots last got nearer to ready in this view; unproven service counts from here
}

// Parts are the parts of a replica that a Readiness works with.
type Parts struct {
	Step      *step.Step
	View      *membership.View
	Slots     *slots.Table
	Items     *items.Items
	Boots     *loss.Boots
	Collector *gc.Collector
	Waker     Waker
	Host      Host
}

// New returns the readiness of a node's slots.
func New(p Parts) *Readiness {
	return &Readiness{step: p.Step, view: p.View, slots: p.Slots, items: p.Items, boots: p.Boots, collector: p.Collector, waker: p.Waker, host: p.Host}
}

// Begin is called in a new view, in which slots are assigned already.
func (y *Readiness) Begin() {
	y.movedAt = y.step.Now()
	if y.view.Member() && y.slots.Unready() == 0 {
		y.step.Event(core.Event{Kind: EventReady, View: y.view.ID()})
	}
}

// Progress grows whenever slots get nearer to ready, or data nearer to its owners.
func (y *Readiness) Progress() uint64 { return y.progress }

// Advance notes progress: data has come nearer to its owners.
func (y *Readiness) Advance() { y.progress++ }

// Gained notes progress if the peer has not been exchanged with in this view. Gossip with
// other peers never ends, and so does not count: a PUT /view would seem to make progress without
// end.
func (y *Readiness) Gained(from *peers.Peer) {
	if !from.Exchanged {
		y.Advance()
	}
}

// Moved notes that slots have come nearer to ready, by a node that had not been exchanged
// with in this view. Unproven service is put off from now (docs/causal.md §7.5, rule 3).
func (y *Readiness) Moved() {
	y.progress++
	y.movedAt = y.step.Now()
}

// Hold begins to hold a slot, with nothing in it. That begins an inquiry: no node was asked
// yet which writes of ended boots this slot had (docs/causal.md §10, rule 9).
func (y *Readiness) Hold(at hashing.Slot) {
	if y.slots.Hold(at) {
		y.boots.Begin()
	}
}

// WritePending persists the pending knowledge of this step. When that is durable, K of the
// slots grows and requests are checked against it (I15). Slots for which no other node need
// be waited for become ready then, unless the view has changed meanwhile.
func (y *Readiness) WritePending() {
	g := y.slots.TakeGrowth()
	if g == nil {
		return
	}
	view := y.view.ID()
	y.step.After(y.step.Commit(), func() {
		y.slots.Apply(g, func(at hashing.Slot) {
			if y.view.ID() == view {
				y.makeReady(at)
				y.Advance()
			}
		})
		y.waker.WakeAll()
	})
}

// makeReady makes a slot ready, once the items that were kept aside are merged, durably.
// From then on the tracks count for the slot, and the tracks cover those items, so they may
// not be missing (I15).
func (y *Readiness) makeReady(at hashing.Slot) {
	aside, ok := y.slots.TakeAside(at)
	switch {
	case !ok:
		return
	case len(aside) == 0:
		y.serve(at)
		return
	}
	view := y.view.ID()
	for i := range aside {
		item := &aside[i]
		y.items.Read(item.Key, func(current *wire.Item) {
			if y.view.ID() != view || !y.slots.At(at).Merging() {
				return
			}
			if y.items.Merge(item, current) {
				y.waker.Note(item.Key)
			}
			last := y.slots.At(at).Merged()
			y.step.After(y.step.Commit(), func() {
				y.waker.WakeKeys()
				if last && y.view.ID() == view && y.slots.At(at).EndMerging() {
					y.makeReady(at) // more items may have been kept aside meanwhile
				}
			})
		})
	}
}

// serve makes a slot ready that has no items aside, and wakes the requests that wait.
func (y *Readiness) serve(at hashing.Slot) {
	y.slots.Serve(at)
	if y.slots.Unready() == 0 {
		y.step.Event(core.Event{Kind: EventReady, View: y.view.ID()})
		y.host.CatchUp()
		y.host.CheckSynced()
	}
	y.Moved()
	y.waker.WakeAll()
}

// ServeAll makes all owned slots ready, by rule 2 or 3 of docs/causal.md §7.5. No ready
// holder has told the GC counters of the slots, so that of the node counts (docs/causal.md
// §7.1, rule 4).
func (y *Readiness) ServeAll() {
	if y.slots.Unready() == 0 {
		return
	}
	for i := range y.slots.Len() {
		at := hashing.Slot(i)
		if s := y.slots.At(at); s.Owned() && !s.Ready() {
			y.slots.RaiseGCCounter(at, y.collector.Counter)
			y.makeReady(at)
		}
	}
}

// ServeStalled makes all owned slots ready if none has come nearer to ready for long, though not
// every holder could be asked (docs/causal.md §7.5, rule 3).
func (y *Readiness) ServeStalled() {
	if y.slots.Unready() == 0 {
		return
	}
	if y.step.Now()-y.movedAt >= stalled {
		y.step.Event(core.Event{Kind: EventReadyUnproven, View: y.view.ID(), Count: uint64(y.slots.Unready())})
		y.ServeAll()
	}
	y.step.Alarm(y.movedAt + stalled)
}

// stalled is how long slots wait without progress until they are served unproven.
const stalled = 3 * wire.Second
