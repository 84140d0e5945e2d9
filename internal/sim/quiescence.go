package sim

import (
	"fmt"

	"github.com/cohortkv/cohort/node/wire"
)

// quiescence is the last phase of a run. All faults are over, one list is put to all its
// members, and then all requests must end within their bounds. After that the messages
// that were delayed for minutes arrive, and the same must hold again.
type quiescence struct {
	w        *world
	witness  *witness
	operator *operator
	clients  *clients
	sessions *sessions
	faults   injector

	put            wire.Instant // when the last list was put
	delayedArrived bool         // the delayed messages have arrived
}

// Bounds of docs/views.md §5: after one list was put to all its members, all
// reachable, every request is answered and all members are equal.
const (
	settleBound = 10 * wire.Second
	finishBound = 300 * wire.Second // for the clients to end what they have planned
	pollEvery   = 100 * wire.Millisecond
)

// begin ends all faults and lets the operator put the last list.
func (e *quiescence) begin() {
	w := e.w
	w.note("quiescence: all faults are over")
	w.endFaults()
	w.after(wire.Second, e.putLast)
}

// putLast puts a list to all its members, and waits for everything to settle. It
// joins all groups that there are.
func (e *quiescence) putLast() {
	w := e.w
	o := e.operator
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
	for _, c := range e.clients.all {
		c.leaveRemovedNode()
	}
	for _, s := range e.sessions.all {
		s.leaveRemovedNode()
	}
	e.await(e.put+settleBound+putBound, e.settled, func() {
		e.await(w.now+finishBound, e.finished, func() {
			if w.sched.garbled() {
				w.ended = true
				w.counts.add("world", "run ended well")
				return
			}
			e.putAgain()
		})
	})
}

// putAgain puts the same list once more, to one member. This must change nothing.
func (e *quiescence) putAgain() {
	w := e.w
	o := e.operator
	id, _ := o.list.any(w.rng)
	last, made := e.final(), e.viewsMade()
	c := o.all[len(o.all)-1]
	c.open++
	o.tell(c, &Tell{Node: id})
	e.await(w.now+putBound, func() string {
		if o.busy() {
			return "the same list again is not answered"
		}
		return e.finished()
	}, func() {
		if w.sched.Model.strong() && e.final() != last || e.viewsMade() != made {
			w.fail("same again", "%s came of putting %s again to node %d; views made: %d",
				name(e.final().ballot), o.list, id, e.viewsMade()-made)
		}
		e.emptyMember()
	})
}

// emptyMember crashes a member without its state and puts the same list to another
// member. The crashed member must take part again (docs/views.md §4).
func (e *quiescence) emptyMember() {
	w := e.w
	o := e.operator
	lost, _ := o.list.any(w.rng)
	told, others := o.list.without(one(lost)).any(w.rng)
	if !others || w.sched.Operator == Adversarial {
		e.deliverDelayed()
		return
	}
	w.nodes[lost].crash(false)
	w.nodes[lost].start()
	e.put = w.now
	e.putUntilReady(told)
	e.await(w.now+settleBound+putBound, e.finished, func() { e.deliverDelayed() })
}

// putUntilReady puts the last list to one node until all members are ready. If a round
// trip takes as long as the query of the members, one PUT may miss a member.
func (e *quiescence) putUntilReady(node int) {
	w := e.w
	if e.finished() == "" || w.failure != nil {
		return
	}
	o := e.operator
	if !o.busy() {
		c := o.all[len(o.all)-1]
		c.open++
		o.tell(c, &Tell{Node: node})
	}
	w.after(wire.Second, func() { e.putUntilReady(node) })
}

// viewsMade is how many views were made.
func (e *quiescence) viewsMade() int {
	return e.w.counts[CountKey{"event", "view_created"}] + e.w.counts[CountKey{"event", "view_renumbered"}]
}

// await polls for a condition, and fails when it does not come true by a time.
func (e *quiescence) await(until wire.Instant, holds func() string, then func()) {
	w := e.w
	why := holds()
	switch {
	case w.failure != nil:
	case why == "":
		then()
	case w.now >= until:
		w.fail("liveness", "%s after the last list %s was put: %s", seconds(w.now-e.put), e.operator.list, why)
	default:
		w.after(pollEvery, func() { e.await(until, holds, then) })
	}
}

// settled reports what is missing: every PUT answered, every member serving and
// equal, every operation that was open when the list was put at an end.
func (e *quiescence) settled() string {
	e.leaveUnanswerable()
	if e.operator.busy() {
		return "a PUT is open"
	}
	for _, c := range e.clients.all {
		if o := c.open; o != nil && o.begun < e.put {
			return o.String() + " is open"
		}
	}
	if open := e.openSession(); open != "" {
		return open
	}
	return e.equal()
}

func (e *quiescence) finished() string {
	e.leaveUnanswerable()
	if !e.ended() {
		return "clients have not ended"
	}
	return e.equal()
}

// ended reports that no client has anything left to do.
func (e *quiescence) ended() bool {
	return e.clients.ended == len(e.clients.all) && e.sessions.ended == len(e.sessions.all)
}

// equal reports what is not as it must be of the models that have clients.
func (e *quiescence) equal() string {
	w := e.w
	why := ""
	switch {
	case w.sched.garbled():
		return e.equalAfterGarbling()
	case w.sched.Model.strong():
		why = e.strongEqual()
	}
	if why == "" && w.sched.Model.causal() {
		why = e.causalEqual()
	}
	return why
}

// final is the history that the members of the last list should stand in: that of
// the first of them. Under an adversarial operator other groups may go on elsewhere.
func (e *quiescence) final() *history {
	return e.witness.histories[e.witness.of(e.w.nodes[e.operator.list.list()[0]]).hist]
}

// strongEqual reports a member that does not serve, or is not where the others are: at
// the end of an active ballot that nothing was built on.
func (e *quiescence) strongEqual() string {
	w := e.w
	last := e.final()
	if !last.active || last.closed || w.sched.Operator != Adversarial && last != e.witness.active {
		return fmt.Sprintf("node %d stands in %s, %s is active", e.operator.list.list()[0], name(last.ballot), name(e.witness.active.ballot))
	}
	for _, id := range e.operator.list.list() {
		n := w.nodes[id]
		switch {
		case !n.serving:
			return fmt.Sprintf("node %d does not serve: %s", n.id, n.reason)
		case e.witness.of(n).hist != last.ballot:
			return fmt.Sprintf("node %d stands in %s, %s is active", n.id, name(e.witness.of(n).hist), name(last.ballot))
		case e.ended() && e.witness.of(n).index != last.committed:
			return fmt.Sprintf("node %d has applied %d entries of %d", n.id, e.witness.of(n).index, last.committed)
		}
	}
	return ""
}

// deliverDelayed pauses all nodes until all delayed messages have arrived, and then
// checks that nothing has changed.
func (e *quiescence) deliverDelayed() {
	w := e.w
	if e.delayedArrived {
		e.compare()
		w.ended = true
		return
	}
	e.delayedArrived = true
	for _, n := range w.processes() {
		e.faults.pause(n, max(w.net.latest-w.now, 0)+wire.Second)
	}
	w.after(max(w.net.latest-w.now, 0)+3*wire.Second, func() {
		e.put = w.now
		e.clients.ended, e.sessions.ended = 0, 0
		for _, c := range e.clients.all {
			c.lastRound()
		}
		for _, s := range e.sessions.all {
			s.lastRound()
		}
		e.await(e.put+settleBound, e.finished, func() { e.deliverDelayed() })
	})
}

// compare holds all that every member stores against the witness, and looks for
// every write that was acknowledged.
func (e *quiescence) compare() {
	w := e.w
	for _, id := range e.operator.list.list() {
		e.witness.compareStore(w.nodes[id])
		e.sessions.compare(w.nodes[id])
	}
	if w.sched.ruledBy() != Adversarial || !w.forgot && e.operator.list == 1<<len(w.nodes)-1 {
		e.witness.checkAcknowledged(e.final())
	}
	if w.sched.Model.causal() && w.failure == nil {
		e.sessions.judge(e.operator.list, e.near())
	}
	if w.failure == nil {
		w.counts.add("world", "run ended well")
	}
}
