package quiescence

import (
	"fmt"

	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/wire"
)

// These conditions of causal buckets must hold when all faults are over and the last list
// was put (docs/causal.md §7.6). Every request is answered. Every node is ready and holds
// no slots for others. All replicas of a key are equal.

// openSession returns a request that was open when the list was put, and still is.
func (e *Quiescence) openSession() string {
	for _, s := range e.sessions.All {
		if r := s.Open; r != nil && r.Asked < e.put {
			return r.String() + " is open"
		}
	}
	return ""
}

// near returns the boots whose data must reach the members of the last list.
func (e *Quiescence) near() []*truth.Incarnation {
	return e.sessions.Truth.Near(e.operator.List.List(), e.there)
}

// there reports whether a node is at the address that a view has.
func (e *Quiescence) there(m wire.Member) bool { return m.Address == e.w.Nodes[m.ID].Address() }

// leaveUnanswerable ends the reads that wait for a version out of reach. The version is
// lost, or only nodes of another group hold it. Such a read waits until its client leaves.
func (e *Quiescence) leaveUnanswerable() {
	w := e.w
	if w.Sched.Garbled() {
		e.leaveWaiting()
		return
	}
	near := e.near()
	for _, s := range e.sessions.All {
		if r := s.Open; r != nil && r.Read && w.Now-r.Asked > wire.Second && !e.sessions.Truth.Attainable(r.Op, e.sessions.Of(w.Nodes[r.Node]), near) {
			w.Counts.Add("session", "waited for what is out of reach")
			s.Leave(r)
		}
	}
}

// causalEqual returns the first member that is not ready, or that differs from another
// replica.
func (e *Quiescence) causalEqual() string {
	w := e.w
	list := e.operator.List.List()
	for _, id := range list {
		n := w.Nodes[id]
		switch {
		case !n.Shows.CausalReady:
			return fmt.Sprintf("node %d is not ready for its slots", n.ID)
		case n.Shows.Other > 0 && e.namesAllNodes():
			return fmt.Sprintf("node %d holds %d slots for others", n.ID, n.Shows.Other)
		}
	}
	for key := range w.Sched.Causal.Keys {
		var first *truth.Incarnation
		for _, id := range list {
			has := e.sessions.Of(w.Nodes[id])
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

// live returns a write that has a value; nil stands for no write and for a tombstone.
func live(w *truth.Write) *truth.Write {
	if w == nil || w.Item.Deleted {
		return nil
	}
	return w
}

// namesAllNodes reports whether the last list names all nodes.
func (e *Quiescence) namesAllNodes() bool { return e.operator.List == 1<<len(e.w.Nodes)-1 }
