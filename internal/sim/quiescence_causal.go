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
func (e *quiescence) openSession(w *world) string {
	for _, s := range w.sessions {
		if r := s.open; r != nil && r.Asked < e.put {
			return r.String() + " is open"
		}
	}
	return ""
}

// near are the boots whose data must come to the members of the last list.
func (w *world) near() []*truth.Incarnation {
	return w.truth.Near(w.operator.list.list(), func(m wire.Member) bool { return m.Address == w.nodes[m.ID].address() })
}

// leaveUnanswerable ends the reads that wait for a version out of reach: it is lost, or
// only nodes of another group have it. Such a read waits until its client leaves.
func (e *quiescence) leaveUnanswerable(w *world) {
	if w.sched.garbled() {
		e.leaveWaiting(w)
		return
	}
	near := w.near()
	for _, s := range w.sessions {
		if r := s.open; r != nil && r.Read && w.now-r.Asked > wire.Second && !w.truth.Attainable(r.Op, w.nodes[r.node].truth, near) {
			w.counts.add("session", "waited for what is out of reach")
			s.leave(r)
		}
	}
}

// causalEqual reports a member that is not ready, or has something else than another
// replica.
func (e *quiescence) causalEqual(w *world) string {
	list := w.operator.list.list()
	for _, id := range list {
		n := w.nodes[id]
		switch {
		case !n.shows.CausalReady:
			return fmt.Sprintf("node %d is not ready for its slots", n.id)
		case n.shows.Other > 0 && e.namesAllNodes(w):
			return fmt.Sprintf("node %d holds %d slots for others", n.id, n.shows.Other)
		}
	}
	for key := range w.sched.Causal.Keys {
		var first *node
		for _, id := range list {
			n := w.nodes[id]
			if !n.truth.Owns(key) {
				continue
			}
			if first == nil {
				first = n
			} else if a, b := live(first.truth.Item(key)), live(n.truth.Item(key)); a != b {
				return fmt.Sprintf("I18: of %q node %d has %v, node %d has %v", truth.KeyName(key), first.id, a, n.id, b)
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
func (e *quiescence) namesAllNodes(w *world) bool { return w.operator.list == 1<<len(w.nodes)-1 }

// lastRound lets a session write and read once more.
func (s *session) lastRound() {
	w := s.w
	key := w.rng.IntN(w.sched.Causal.Keys)
	s.plan = &ClientPlan{Node: s.plan.Node, Roams: true, Ops: []OpPlan{
		{Kind: Put, Key: key}, {Kind: List}, {Kind: Get, Key: key, Context: NoContext}, {Kind: Get, Key: w.rng.IntN(w.sched.Causal.Keys), Context: OtherClientsContext, Back: w.rng.IntN(8)},
	}}
	s.next = 0
	s.roam()
	s.think()
}
