// Package quiescence is the last phase of a simulated run. It ends all faults and has one
// list put to all its members. Then every request must be answered in time, and all
// replicas must become equal (docs/views.md §5, docs/causal.md §7.6).
//
// The evidence is what nodes show, and the state that packages witness and truth know to be
// right. The checks of this package are "liveness" and "same again" (docs/testing.md §4).
package quiescence

import (
	"fmt"

	"github.com/cohortkv/cohort/internal/sim/clients"
	"github.com/cohortkv/cohort/internal/sim/faults"
	"github.com/cohortkv/cohort/internal/sim/operator"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// Quiescence is the last phase of a run. After all replicas are equal, the messages that
// were delayed for minutes arrive, and the same must hold again.
type Quiescence struct {
	w        *world.World
	witness  *witness.Witness
	operator *operator.Operator
	clients  *clients.Clients
	sessions *clients.Sessions
	faults   *faults.Injector

	put            wire.Instant // when the last list was put
	delayedArrived bool         // the delayed messages have arrived
}

// New returns the last phase of a run. Begin starts it.
func New(w *world.World, witness *witness.Witness, operator *operator.Operator, faults *faults.Injector, clients *clients.Clients, sessions *clients.Sessions) *Quiescence {
	return &Quiescence{w: w, witness: witness, operator: operator, faults: faults, clients: clients, sessions: sessions}
}

// Bounds of docs/views.md §5, counted from the moment when one list was put to all its
// members and all members can be reached. Within them every request is answered and all
// members are equal.
const (
	settleBound = 10 * wire.Second
	finishBound = 300 * wire.Second // until the clients have ended their plans
	pollEvery   = 100 * wire.Millisecond
)

// takenBound is the time after its answer within which every owner must have a causal write. It
// is 2 s for gossip, and the time of two exchanges in which each item is a piece of its own.
func takenBound(s *schedule.Schedule) wire.Instant {
	trip := 4 * s.Network.Delay // on average a message takes twice the delay
	return 2*wire.Second + 2*wire.Instant(s.Causal.Keys+2)*trip
}

// Begin ends all faults and lets the operator put the last list.
func (e *Quiescence) Begin() {
	w := e.w
	w.Note("quiescence: all faults are over")
	w.EndFaults()
	long := takenBound(w.Sched)
	e.sessions.Truth.Calm(long, e.there)
	w.After(long+wire.Second, e.putLast)
}

// putLast puts the last list to all its members, and waits until the cluster has settled.
// The list joins all groups.
func (e *Quiescence) putLast() {
	w := e.w
	o := e.operator
	last := w.Sched.Last
	last.All, last.OneByOne = true, last.OneByOne && w.Sched.Operator == schedule.Sane
	last.Force = last.Force || w.Sched.Garbled() // a garbled message may have named ballots that never existed
	switch {
	case w.Sched.Operator == schedule.Adversarial:
		o.ExecuteUnchecked(&last, func() {})
	case !o.Join(&last, func() {}, o.Groups...):
		w.Fail("schedule", "no sane list is left")
		return
	}
	e.put = w.Now
	for _, c := range e.clients.All {
		c.LeaveRemovedNode()
	}
	for _, s := range e.sessions.All {
		s.LeaveRemovedNode()
	}
	e.await(e.put+settleBound+operator.PutBound, e.settled, func() {
		e.sessions.Truth.Put()
		e.await(w.Now+finishBound, e.finished, func() {
			if w.Sched.Garbled() {
				w.Ended = true
				w.Counts.Add("world", "run ended well")
				return
			}
			e.putAgain()
		})
	})
}

// putAgain puts the same list once more, to one member. This must change nothing.
func (e *Quiescence) putAgain() {
	w := e.w
	o := e.operator
	id, _ := o.List.Any(w.Rng)
	last, made := e.final(), e.viewsMade()
	c := o.All[len(o.All)-1]
	c.Open++
	o.Tell(c, &schedule.Tell{Node: id})
	e.await(w.Now+operator.PutBound, func() string {
		if o.Busy() {
			return "the same list again is not answered"
		}
		return e.finished()
	}, func() {
		if w.Sched.Model.Strong() && e.final() != last || e.viewsMade() != made {
			w.Fail("same again", "%s came of putting %s again to node %d; views made: %d",
				trace.Name(e.final().Ballot), o.List, id, e.viewsMade()-made)
		}
		e.emptyMember()
	})
}

// emptyMember crashes a member without its state and puts the same list to another
// member. The crashed member must take part again (docs/views.md §4).
func (e *Quiescence) emptyMember() {
	w := e.w
	o := e.operator
	lost, _ := o.List.Any(w.Rng)
	told, others := o.List.Without(schedule.One(lost)).Any(w.Rng)
	if !others || w.Sched.Operator == schedule.Adversarial {
		e.deliverDelayed()
		return
	}
	e.sessions.Truth.Storm()
	w.Nodes[lost].Crash(false)
	w.Nodes[lost].Start()
	e.put = w.Now
	e.putUntilReady(told)
	e.await(w.Now+settleBound+operator.PutBound, e.finished, func() { e.deliverDelayed() })
}

// putUntilReady puts the last list to one node until all members are ready. If a round
// trip takes as long as the query of the members, one PUT may miss a member.
func (e *Quiescence) putUntilReady(node int) {
	w := e.w
	if e.finished() == "" || w.Failure != nil {
		return
	}
	o := e.operator
	if !o.Busy() {
		c := o.All[len(o.All)-1]
		c.Open++
		o.Tell(c, &schedule.Tell{Node: node})
	}
	w.After(wire.Second, func() { e.putUntilReady(node) })
}

// viewsMade returns how many views were made.
func (e *Quiescence) viewsMade() int {
	return e.w.Counts.Of("event", "view_created") + e.w.Counts.Of("event", "view_renumbered")
}

// await polls a condition, which returns what is missing. It fails the run if the condition
// does not hold by a time.
func (e *Quiescence) await(until wire.Instant, holds func() string, then func()) {
	w := e.w
	why := holds()
	switch {
	case w.Failure != nil:
	case why == "":
		then()
	case w.Now >= until:
		w.Fail("liveness", "%s after the last list %s was put: %s", schedule.Seconds(w.Now-e.put), e.operator.List, why)
	default:
		w.After(pollEvery, func() { e.await(until, holds, then) })
	}
}

// settled returns what is missing. Every PUT must be answered, every member must serve and
// be equal, and every operation that was open when the list was put must have ended.
func (e *Quiescence) settled() string {
	e.leaveUnanswerable()
	if e.operator.Busy() {
		return "a PUT is open"
	}
	for _, c := range e.clients.All {
		if o := c.Open; o != nil && o.Begun < e.put {
			return o.String() + " is open"
		}
	}
	if open := e.openSession(); open != "" {
		return open
	}
	return e.equal()
}

func (e *Quiescence) finished() string {
	e.leaveUnanswerable()
	if !e.ended() {
		return "clients have not ended"
	}
	return e.equal()
}

// ended reports whether all clients have ended their plans.
func (e *Quiescence) ended() bool {
	return e.clients.Ended == len(e.clients.All) && e.sessions.Ended == len(e.sessions.All)
}

// equal returns the first difference between members, in the models that have clients.
func (e *Quiescence) equal() string {
	w := e.w
	why := ""
	switch {
	case w.Sched.Garbled():
		return e.equalAfterGarbling()
	case w.Sched.Model.Strong():
		why = e.strongEqual()
	}
	if why == "" && w.Sched.Model.Causal() {
		why = e.causalEqual()
	}
	return why
}

// final returns the history that the members of the last list should hold: that of the
// first member. Under an adversarial operator other groups may go on elsewhere.
func (e *Quiescence) final() *witness.History {
	return e.witness.Histories[e.witness.Of(e.w.Nodes[e.operator.List.List()[0]]).Hist]
}

// strongEqual returns the first member that does not serve, or that stands elsewhere than
// the others. All must stand at the end of an active ballot that no other ballot was built
// from.
func (e *Quiescence) strongEqual() string {
	w := e.w
	last := e.final()
	if !last.Active || last.Closed || w.Sched.Operator != schedule.Adversarial && last != e.witness.Active {
		return fmt.Sprintf("node %d stands in %s, %s is active", e.operator.List.List()[0], trace.Name(last.Ballot), trace.Name(e.witness.Active.Ballot))
	}
	for _, id := range e.operator.List.List() {
		n := w.Nodes[id]
		switch {
		case !n.Serving:
			return fmt.Sprintf("node %d does not serve: %s", n.ID, n.Reason)
		case e.witness.Of(n).Hist != last.Ballot:
			return fmt.Sprintf("node %d stands in %s, %s is active", n.ID, trace.Name(e.witness.Of(n).Hist), trace.Name(last.Ballot))
		case e.ended() && e.witness.Of(n).Index != last.Committed:
			return fmt.Sprintf("node %d has applied %d entries of %d", n.ID, e.witness.Of(n).Index, last.Committed)
		}
	}
	return ""
}

// deliverDelayed pauses all nodes until all delayed messages have arrived. Then it checks
// that nothing has changed.
func (e *Quiescence) deliverDelayed() {
	w := e.w
	if e.delayedArrived {
		e.compare()
		w.Ended = true
		return
	}
	e.delayedArrived = true
	e.sessions.Truth.Storm()
	for _, n := range w.Processes() {
		e.faults.Pause(n, max(w.Net.Latest-w.Now, 0)+wire.Second)
	}
	w.After(max(w.Net.Latest-w.Now, 0)+3*wire.Second, func() {
		e.put = w.Now
		e.clients.Ended, e.sessions.Ended = 0, 0
		for _, c := range e.clients.All {
			c.LastRound()
		}
		for _, s := range e.sessions.All {
			s.LastRound()
		}
		e.await(e.put+settleBound, e.finished, func() { e.deliverDelayed() })
	})
}

// compare compares all that every member stores with the witness, and looks for every write
// that was acknowledged.
func (e *Quiescence) compare() {
	w := e.w
	for _, id := range e.operator.List.List() {
		e.witness.CompareStore(w.Nodes[id])
		e.sessions.Compare(w.Nodes[id])
	}
	if w.Sched.RuledBy() != schedule.Adversarial || !w.Forgot && e.operator.List == 1<<len(w.Nodes)-1 {
		e.witness.CheckAcknowledged(e.final())
	}
	if w.Sched.Model.Causal() && w.Failure == nil {
		e.sessions.Judge(e.operator.List, e.near())
	}
	if w.Failure == nil {
		w.Counts.Add("world", "run ended well")
	}
}
