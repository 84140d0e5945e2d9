// Package sim is a simulated world for node/machine: a network that loses,
// doubles, delays and reorders, cuts, crashes, pauses, slow disks, clients and
// an operator, on a virtual clock and from one seed. Run plays a Schedule and
// judges it: safety throughout, liveness when all faults are over. The same
// schedule gives the same run, event by event.
//
// Safety is decided exactly and without a search. The order in which nodes apply
// entries is the witness. Every answer to a client is checked against it at the moment
// of the answer (witness.go, ancestry.go). Every message of a node is checked against
// what the node has made durable and promised (commitments.go). The numbers of checks,
// as in "I4", are those of docs/strong.md §10 and docs/causal.md §13.
//
// What causal buckets do is held against the truth of them (package truth), and at
// the end the history of their clients is given to the judge of real runs, with
// everything that the simulator knows as evidence (judge.go).
//
// A run has no goroutine of its own; many may run beside each other.
//
// The tests read these variables:
//
//   - COHORT_SIM_SEED: the first seed, or the one to replay
//   - COHORT_SIM_SCHEDULES: how many schedules; or COHORT_SIM_SECONDS: for how long
//   - COHORT_SIM_MODEL: strong, causal, both
//   - COHORT_SIM_OPERATOR: sane, splitting, adversarial, or all in turn
//   - COHORT_SIM_PROFILE: usual, reused-counters, cut-references, late-delivery,
//     data-loss, expired-ids, garbled, twins
//   - COHORT_SIM_MUTANT, built with -tags mutants: the deliberate bug
package sim

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Result is how a run ended.
type Result struct {
	Failure *Failure // nil: nothing was violated
	Counts  Counts
	Events  int    // of the world's queue
	Meter   *Meter // if the schedule asks for it
}

// run is one run: the world, those who act in it, and those who judge it.
type run struct {
	w          *world
	witness    *witness
	operator   *operator
	clients    *clients
	sessions   *sessions
	faults     injector
	quiescence *quiescence
	pending    int // steps that have not happened
}

// Run plays a schedule. The trace may be nil.
func Run(s *Schedule, trace *Trace) Result {
	w := newWorld(s, trace)
	meter := meterOf(w)
	r := &run{w: w}
	w.play(r.begin)
	if meter != nil {
		meter.Context, meter.Writes = r.sessions.largest, r.sessions.truth.Writes()
	}
	return Result{Failure: w.failure, Counts: w.counts, Events: w.queue.popped, Meter: meter}
}

func (r *run) begin() {
	w := r.w
	r.witness = newWitness(w)
	r.clients = newClients(w, r.witness)
	r.sessions = newSessions(w)
	r.operator = newOperator(w, r.witness, r.stepDone)
	r.witness.operator = r.operator
	w.on.answered, w.on.readable = r.answered, r.readable
	r.faults = injector{w, r.operator}
	r.quiescence = &quiescence{w: w, witness: r.witness, operator: r.operator, clients: r.clients, sessions: r.sessions, faults: r.faults}
	w.start()
	r.clients.begin(r.operator.members)
	r.sessions.begin(r.operator.members)
	r.pending = len(w.sched.Steps)
	for i := range w.sched.Steps {
		st := &w.sched.Steps[i]
		w.at(st.At, func() { r.step(st) })
	}
	if len(w.sched.Steps) == 0 {
		w.at(0, r.quiescence.begin)
	}
}

func (r *run) step(st *Step) {
	if st.Fault != nil {
		r.faults.strike(st.Fault)
		r.stepDone()
		return
	}
	r.operator.command(st.Command)
}

// stepDone counts the steps that have happened; after the last one the faults
// are over.
func (r *run) stepDone() {
	r.pending--
	if r.pending == 0 {
		r.w.after(500*wire.Millisecond, r.quiescence.begin)
	}
}

// answered gives a node's answer to whoever asked.
func (r *run) answered(n *node, a core.Reply) {
	switch {
	case a.Token >= forgetTokens:
		r.operator.answeredForget(n, a)
	case a.Token >= causalTokens:
		r.sessions.answered(n, a)
	case a.Token >= putTokens:
		r.operator.answered(n, a)
	default:
		r.clients.answered(n, a)
	}
}

// readable lets a client read the state of a node, now.
func (r *run) readable(n *node, read core.Read) {
	if read.Kind == core.ReadItems {
		r.sessions.list(n, read)
		return
	}
	r.clients.readable(n, read.Token)
}
