package sim

import (
	"fmt"

	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/wire"
)

// What must be so of causal buckets when all faults are over and the last list was
// put (docs/causal.md §7.6): every request is answered, every node is ready and holds
// nothing for others, all replicas of a key are equal.

// openSession is a request that was open when the list was put and still is.
func (e *quiescence) openSession() string {
	for _, s := range e.sessions.all {
		if r := s.open; r != nil && r.Asked < e.put {
			return r.String() + " is open"
		}
	}
	return ""
}

// near are the boots whose data must come to the members of the last list.
func (e *quiescence) near() []*truth.Incarnation {
	return e.sessions.truth.Near(e.operator.list.list(), func(m wire.Member) bool { return m.Address == e.w.nodes[m.ID].address() })
}

// leaveUnanswerable ends the reads that wait for a version out of reach: it is lost, or
// only nodes of another group have it. Such a read waits until its client leaves.
func (e *quiescence) leaveUnanswerable() {
	w := e.w
	if w.sched.garbled() {
		e.leaveWaiting()
		return
	}
	near := e.near()
	for _, s := range e.sessions.all {
		if r := s.open; r != nil && r.Read && w.now-r.Asked > wire.Second && !e.sessions.truth.Attainable(r.Op, e.sessions.of(w.nodes[r.node]), near) {
			w.counts.add("session", "waited for what is out of reach")
			s.leave(r)
		}
	}
}

// causalEqual reports a member that is not ready, or has something else than another
// replica.
func (e *quiescence) causalEqual() string {
	w := e.w
	list := e.operator.list.list()
	for _, id := range list {
		n := w.nodes[id]
		switch {
		case !n.shows.CausalReady:
			return fmt.Sprintf("node %d is not ready for its slots", n.id)
		case n.shows.Other > 0 && e.namesAllNodes():
			return fmt.Sprintf("node %d holds %d slots for others", n.id, n.shows.Other)
		}
	}
	for key := range w.sched.Causal.Keys {
		var first *truth.Incarnation
		for _, id := range list {
			has := e.sessions.of(w.nodes[id])
			if !has.Owns(key) {
				continue
			}
			if first == nil {
				first = has
			} else if a, b := live(first.Item(key)), live(has.Item(key)); a != b {
				return fmt.Sprintf("I18: of %q node %d has %v, node %d has %v", truth.KeyName(key), first.Node, a, id, b)
			}
		}
	}
	return ""
}

// live is a write that has a value; nil: none, or a tombstone.
func live(w *truth.Write) *truth.Write {
	if w == nil || w.Item.Deleted {
		return nil
	}
	return w
}

// namesAllNodes reports whether the last list names all nodes.
func (e *quiescence) namesAllNodes() bool { return e.operator.list == 1<<len(e.w.nodes)-1 }
