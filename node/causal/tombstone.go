package causal

import (
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// collect begins a collection of tombstones (docs/causal.md §9.3) if there are candidates,
// the last try is 5 s ago, and a survey could count now.
func (r *Replica) collect() {
	c := r.collector
	at, idle := c.Next()
	if !idle || r.view.None() {
		return
	}
	if r.step.Now() < at {
		r.step.Alarm(at)
		return
	}
	r.step.Alarm(c.Postpone(r.step.Now()))
	if !r.healthy() {
		return
	}
	if q := c.Begin(r.collectable); q != nil {
		r.beginSurvey(&c.Surveyor, q)
	}
}

// raiseGCCounter raises the GC counter of this node, and persists it.
func (r *Replica) raiseGCCounter(n uint64) {
	before := r.collector.Counter
	if r.collector.Raise(n); r.collector.Counter > before {
		r.step.Change.GCCounter = r.collector.Counter
	}
}

// healthy reports that a survey may begin (docs/causal.md §9.1, rule 3): all members can
// answer, and no data is on its way to or from this node.
func (r *Replica) healthy() bool {
	if !r.view.Member() || r.view.Closed() || !r.synced || r.slots.Unready() > 0 || r.peers.HasFormer() || r.slots.ForOthers() {
		return false
	}
	return r.peers.AllReady()
}

// collectable reports that a tombstone is a candidate (docs/causal.md §9.3, rule 1): its
// slot is owned and ready, and durable K has the version that the tombstone overwrote. A
// version that K lacks may arrive from a node that no member knows. K could not refuse that
// version, so the tombstone must stay for it (I19).
func (r *Replica) collectable(t *gc.Tombstone) bool {
	s := r.slots.At(t.Slot)
	return s.Live() && (t.Over.IsZero() || r.slots.Durable(s, t.Over.Dot.Stream, t.Over.Dot.N)) && r.satisfied.Folded(&t.Deps, t.Slot)
}

// concludeCollection ends a collection round. After the first round the second one follows.
// After the second round the tombstones that still stand go, and the GC counters of their
// slots become at least their counters (I13, I19).
func (r *Replica) concludeCollection(answers gc.Answers) {
	next, list := r.collector.Conclude(r.view.Replicas(), answers)
	if next != nil {
		r.beginSurvey(&r.collector.Surveyor, next)
		return
	}
	dropped := 0
	for i := range list {
		t, stands := r.collector.Standing(&list[i])
		if !stands {
			continue
		}
		r.slots.Grow(t.Slot, r.slots.At(t.Slot).Known(), t.Version.Counter, false)
		r.items.Remove(t.Slot, &wire.Item{Key: t.Key, Version: t.Version, Deleted: true}, t.ItemHash)
		dropped++
	}
	if dropped > 0 {
		r.writePending()
		r.step.Event(core.Event{Kind: EventCollected, View: r.view.ID(), Count: uint64(dropped)})
	}
}
