package sim

import (
	"fmt"

	"github.com/cohortkv/cohort/node/wire"
)

// quiescence is the last phase of a run. All faults are over, one list is put to all its
// members, and then all requests must end within their bounds. After that the messages
// that were delayed for minutes arrive, and the same must hold again.
type quiescence struct {
	pending        int // steps that have not happened
	begun          bool
	put            wire.Instant // when the last list was put
	clients        int          // that have ended
	delayedArrived bool         // the delayed messages have arrived
	done           bool
}

// Bounds of docs/views.md §5: after one list was put to all its members, all
// reachable, every request is answered and all members are equal.
const (
	settleBound = 10 * wire.Second
	finishBound = 300 * wire.Second // for the clients to end what they have planned
	pollEvery   = 100 * wire.Millisecond
)

// begin ends all faults and lets the operator put the last list.
func (e *quiescence) begin(w *world) func() {
	return func() {
		w.note("quiescence: all faults are over")
		e.begun = true
		w.net.calm = true
		w.net.cuts = [maxNodes][maxNodes]int{}
		for _, n := range w.processes() {
			for n.up && n.pauses > 0 {
				n.resume()
			}
			n.slowDisk = 0
			if !n.up {
				n.start()
			}
		}
		w.after(wire.Second, func() { e.putLast(w) })
	}
}

// putLast puts a list to all its members, and waits for everything to settle. It
// joins all groups that there are.
func (e *quiescence) putLast(w *world) {
	o := &w.operator
	last := w.sched.Last
	last.All, last.OneByOne = true, last.OneByOne && w.sched.Operator == Sane
	last.Force = last.Force || w.sched.garbled() // what was said to be missing may never have been
	switch {
	case w.sched.Operator == Adversarial:
		o.executeUnchecked(&last, func() {})
	case !o.join(&last, func() {}, o.groups...):
		w.fail("schedule", "no sane list is left")
		return
	}
	e.put = w.now
	for _, c := range w.clients {
		c.leaveRemovedNode()
	}
	for _, s := range w.sessions {
		s.leaveRemovedNode()
	}
	e.await(w, e.put+settleBound+putBound, e.settled, func() {
		e.await(w, w.now+finishBound, e.finished, func() {
			if w.sched.garbled() {
				e.done = true
				w.counts.add("world", "run ended well")
				return
			}
			e.putAgain(w)
		})
	})
}

// putAgain puts the same list once more, to one member. This must change nothing.
func (e *quiescence) putAgain(w *world) {
	o := &w.operator
	id, _ := o.list.any(w.rng)
	last, made := w.final(), w.viewsMade()
	c := o.all[len(o.all)-1]
	c.open++
	o.tell(c, &Tell{Node: id})
	e.await(w, w.now+putBound, func(*world) string {
		if o.busy() {
			return "the same list again is not answered"
		}
		return e.finished(w)
	}, func() {
		if w.sched.Model.strong() && w.final() != last || w.viewsMade() != made {
			w.fail("same again", "%s came of putting %s again to node %d; views made: %d",
				name(w.final().ballot), o.list, id, w.viewsMade()-made)
		}
		e.emptyMember(w)
	})
}

// emptyMember crashes a member without its state and puts the same list to another
// member. The crashed member must take part again (docs/views.md §4).
func (e *quiescence) emptyMember(w *world) {
	o := &w.operator
	lost, _ := o.list.any(w.rng)
	told, others := o.list.without(one(lost)).any(w.rng)
	if !others || w.sched.Operator == Adversarial {
		e.deliverDelayed(w)
		return
	}
	w.nodes[lost].crash(false)
	w.nodes[lost].start()
	e.put = w.now
	e.putUntilReady(w, told)
	e.await(w, w.now+settleBound+putBound, e.finished, func() { e.deliverDelayed(w) })
}

// putUntilReady puts the last list to one node until all members are ready. If a round
// trip takes as long as the query of the members, one PUT may miss a member.
func (e *quiescence) putUntilReady(w *world, node int) {
	if e.finished(w) == "" || w.failure != nil {
		return
	}
	o := &w.operator
	if !o.busy() {
		c := o.all[len(o.all)-1]
		c.open++
		o.tell(c, &Tell{Node: node})
	}
	w.after(wire.Second, func() { e.putUntilReady(w, node) })
}

// viewsMade is how many views were made.
func (w *world) viewsMade() int {
	return w.counts[CountKey{"event", "view_created"}] + w.counts[CountKey{"event", "view_renumbered"}]
}

// leaveRemovedNode ends the client's request at a node that the last list does not name.
// Such a node may never answer.
func (c *client) leaveRemovedNode() {
	if o := c.open; o != nil && !c.w.operator.list.has(int(o.node)) {
		c.leave(o)
	}
	c.roam()
}

// await polls for a condition, and fails when it does not come true by a time.
func (e *quiescence) await(w *world, until wire.Instant, holds func(*world) string, then func()) {
	why := holds(w)
	switch {
	case w.failure != nil:
	case why == "":
		then()
	case w.now >= until:
		w.fail("liveness", "%s after the last list %s was put: %s", seconds(w.now-e.put), w.operator.list, why)
	default:
		w.after(pollEvery, func() { e.await(w, until, holds, then) })
	}
}

// settled reports what is missing: every PUT answered, every member serving and
// equal, every operation that was open when the list was put at an end.
func (e *quiescence) settled(w *world) string {
	e.leaveUnanswerable(w)
	if w.operator.busy() {
		return "a PUT is open"
	}
	for _, c := range w.clients {
		if o := c.open; o != nil && o.begun < e.put {
			return o.String() + " is open"
		}
	}
	if open := e.openSession(w); open != "" {
		return open
	}
	return e.equal(w)
}

func (e *quiescence) finished(w *world) string {
	e.leaveUnanswerable(w)
	if !e.ended(w) {
		return "clients have not ended"
	}
	return e.equal(w)
}

// ended reports that no client has anything left to do.
func (e *quiescence) ended(w *world) bool { return e.clients == len(w.clients)+len(w.sessions) }

// equal reports what is not as it must be of the models that have clients.
func (e *quiescence) equal(w *world) string {
	why := ""
	switch {
	case w.sched.garbled():
		return e.equalAfterGarbling(w)
	case w.sched.Model.strong():
		why = e.strongEqual(w)
	}
	if why == "" && w.sched.Model.causal() {
		why = e.causalEqual(w)
	}
	return why
}

// final is the history that the members of the last list should stand in: that of
// the first of them. Under an adversarial operator other groups may go on elsewhere.
func (w *world) final() *history {
	return w.witness.histories[w.nodes[w.operator.list.list()[0]].commitments.hist]
}

// strongEqual reports a member that does not serve, or is not where the others are: at
// the end of an active ballot that nothing was built on.
func (e *quiescence) strongEqual(w *world) string {
	last := w.final()
	if !last.active || last.closed || w.sched.Operator != Adversarial && last != w.witness.active {
		return fmt.Sprintf("node %d stands in %s, %s is active", w.operator.list.list()[0], name(last.ballot), name(w.witness.active.ballot))
	}
	for _, id := range w.operator.list.list() {
		n := w.nodes[id]
		switch {
		case !n.serving:
			return fmt.Sprintf("node %d does not serve: %s", n.id, n.reason)
		case n.commitments.hist != last.ballot:
			return fmt.Sprintf("node %d stands in %s, %s is active", n.id, name(n.commitments.hist), name(last.ballot))
		case e.ended(w) && n.commitments.index != last.committed:
			return fmt.Sprintf("node %d has applied %d entries of %d", n.id, n.commitments.index, last.committed)
		}
	}
	return ""
}

// deliverDelayed pauses all nodes until all delayed messages have arrived, and then
// checks that nothing has changed.
func (e *quiescence) deliverDelayed(w *world) {
	if e.delayedArrived {
		e.compare(w)
		e.done = true
		return
	}
	e.delayedArrived = true
	for _, n := range w.processes() {
		w.pause(n, max(w.net.latest-w.now, 0)+wire.Second)
	}
	w.after(max(w.net.latest-w.now, 0)+3*wire.Second, func() {
		e.put = w.now
		e.clients = 0
		for _, c := range w.clients {
			c.lastRound()
		}
		for _, s := range w.sessions {
			s.lastRound()
		}
		e.await(w, e.put+settleBound, e.finished, func() { e.deliverDelayed(w) })
	})
}

// lastRound lets a client write and read once more.
func (c *client) lastRound() {
	c.plan = &ClientPlan{Node: c.plan.Node, Roams: true, Ops: []OpPlan{{Kind: Put, Key: 0}, {Kind: List}, {Kind: Get, Key: 0}}}
	c.next = 0
	c.roam()
	c.think()
}

// compare holds all that every member stores against the witness, and looks for
// every write that was acknowledged.
func (e *quiescence) compare(w *world) {
	for _, id := range w.operator.list.list() {
		w.witness.compareStore(w.nodes[id])
		w.compareCausal(w.nodes[id])
	}
	if w.sched.ruledBy() != Adversarial || !w.forgot && w.operator.list == 1<<len(w.nodes)-1 {
		w.witness.checkAcknowledged(w.final())
	}
	if w.sched.Model.causal() && w.failure == nil {
		w.judge()
	}
	if w.failure == nil {
		w.counts.add("world", "run ended well")
	}
}
