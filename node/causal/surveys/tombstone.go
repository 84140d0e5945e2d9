package surveys

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Collect begins a collection of tombstones (docs/causal.md §9.3) if there are candidates,
// the last try is 5 s ago, and a survey could count now.
func (y *Surveys) Collect() {
	c := y.collector
	at, idle := c.Next()
	if !idle || y.view.None() {
		return
	}
	if y.step.Now() < at {
		y.step.Alarm(at)
		return
	}
	y.step.Alarm(c.Postpone(y.step.Now()))
	if !y.healthy() {
		return
	}
	if q := c.Begin(y.collectable); q != nil {
		y.begin(&c.Surveyor, q)
	}
}

// collectable reports that a tombstone is a candidate (docs/causal.md §9.3, rule 1): its
// slot is owned and ready, and durable K has the version that the tombstone overwrote. A
// version that K lacks may arrive from a node that no member knows. K could not refuse that
// version, so the tombstone must stay for it (I19).
func (y *Surveys) collectable(t *gc.Tombstone) bool {
	s := y.slots.At(t.Slot)
	return s.Live() && (t.Over.IsZero() || y.slots.Durable(s, t.Over.Dot.Stream, t.Over.Dot.N)) && y.satisfied.Folded(&t.Deps, t.Slot)
}

// concludeCollection ends a collection round. After the first round the second one follows.
// After the second round the tombstones that still stand go, and the GC counters of their
// slots become at least their counters (I13, I19).
func (y *Surveys) concludeCollection(answers gc.Answers) {
	next, list := y.collector.Conclude(y.view.Replicas(), answers)
	if next != nil {
		y.begin(&y.collector.Surveyor, next)
		return
	}
	dropped := 0
	for i := range list {
		t, stands := y.collector.Standing(&list[i])
		if !stands {
			continue
		}
		y.slots.Grow(t.Slot, y.slots.At(t.Slot).Known(), t.Version.Counter, false)
		y.items.Remove(t.Slot, &wire.Item{Key: t.Key, Version: t.Version, Deleted: true}, t.ItemHash)
		dropped++
	}
	if dropped > 0 {
		y.host.WritePending()
		y.step.Event(core.Event{Kind: EventCollected, View: y.view.ID(), Count: uint64(dropped)})
	}
}

// RaiseGCCounter raises the GC counter of this node, and persists it.
func (y *Surveys) RaiseGCCounter(n uint64) {
	before := y.collector.Counter
	if y.collector.Raise(n); y.collector.Counter > before {
		y.step.Change.GCCounter = y.collector.Counter
	}
}
