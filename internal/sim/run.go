// Package sim runs the cores in a simulated world: a network that loses, duplicates, delays
// and reorders messages, partitions, crashes, pauses, slow disks, clients and an operator.
// Time is a virtual clock, and all chance comes from one seed.
//
// Run plays one schedule. Safety is judged throughout, liveness after all faults are over.
// The same schedule gives the same run, event by event, so a seed replays a failure.
// docs/testing.md §2 to §4 explain operators, profiles, replays and triage.
//
// This package wires the parts of a run:
//
//   - schedule: what a run does, as data, drawn from a seed
//   - world: nodes with their clocks, disks and network
//   - faults, operator, clients: they act on the nodes
//   - witness: the oracle of strong buckets; truth: the oracle of causal buckets
//   - promptness: the oracle of time
//   - quiescence: the last phase, after all faults
//   - trace, tally: a run as text, and counts of what happened in it
//
// A run has no goroutine of its own and shares nothing with other runs. So a caller may
// play many runs at the same time.
//
// The tests read these variables:
//
//   - COHORT_SIM_SEED: the first seed, or the one to replay
//   - COHORT_SIM_SCHEDULES: how many schedules; or COHORT_SIM_SECONDS: for how long
//   - COHORT_SIM_MODEL: strong, causal, both
//   - COHORT_SIM_OPERATOR: sane, splitting, adversarial, or all in turn
//   - COHORT_SIM_PROFILE: usual, reused-counters, cut-references, late-delivery, data-loss,
//     lost-answers, garbled, twins, calm-stretches, restarts-with-disk
//   - COHORT_SIM_MUTANT, run by internal/cmd/mutants: the deliberate bug
package sim

import (
	"github.com/cohortkv/cohort/internal/sim/clients"
	"github.com/cohortkv/cohort/internal/sim/faults"
	"github.com/cohortkv/cohort/internal/sim/operator"
	"github.com/cohortkv/cohort/internal/sim/promptness"
	"github.com/cohortkv/cohort/internal/sim/quiescence"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/tally"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Result is how a run ended.
type Result struct {
	Failure *world.Failure // nil: no check failed
	Counts  tally.Counts
	Events  int    // processed by the queue of the world
	Meter   *Meter // nil unless the schedule asks for measurement
}

// run is one run: the world, the parts that act on it, and the oracles.
type run struct {
	w          *world.World
	witness    *witness.Witness
	operator   *operator.Operator
	clients    *clients.Clients
	sessions   *clients.Sessions
	faults     *faults.Injector
	quiescence *quiescence.Quiescence
	promptness *promptness.Judge
	pending    int // steps of the schedule that have not ended
}

// Run plays a schedule to its end or to the first failure. trace may be nil.
func Run(s *schedule.Schedule, trace *trace.Trace) Result {
	w := world.New(s, trace)
	meter := meterOf(w)
	r := &run{w: w}
	w.Play(r.begin)
	if meter != nil {
		meter.Context, meter.Writes = r.sessions.Largest, r.sessions.Truth.Writes()
	}
	return Result{Failure: w.Failure, Counts: w.Counts, Events: w.Queue.Popped, Meter: meter}
}

func (r *run) begin() {
	w := r.w
	r.witness = witness.New(w)
	r.promptness = promptness.New(w)
	r.clients = clients.New(w, r.witness, r.promptness)
	r.sessions = clients.NewSessions(w, r.promptness)
	r.operator = operator.New(w, r.witness, r.stepDone)
	r.witness.Operator = r.operator
	w.On.Answered, w.On.Readable = r.answered, r.readable
	r.faults = faults.New(w, r.operator)
	r.quiescence = quiescence.New(w, r.witness, r.operator, r.faults, r.clients, r.sessions)
	w.Start()
	r.promptness.Begin(r.sessions.Truth, r.sessions.Of)
	r.clients.Begin(r.operator.Members)
	r.sessions.Begin(r.operator.Members)
	r.pending = len(w.Sched.Steps)
	for i := range w.Sched.Steps {
		st := &w.Sched.Steps[i]
		w.At(st.At, func() { r.step(st) })
	}
	if len(w.Sched.Steps) == 0 {
		w.At(0, r.quiescence.Begin)
	}
}

func (r *run) step(st *schedule.Step) {
	if st.Fault != nil {
		r.faults.Strike(st.Fault)
		r.stepDone()
		return
	}
	r.operator.Command(st.Command)
}

// stepDone counts a step of the schedule as ended. Half a second after the last step, the
// final phase ends all faults.
func (r *run) stepDone() {
	r.pending--
	if r.pending == 0 {
		r.w.After(500*wire.Millisecond, r.quiescence.Begin)
	}
}

// answered routes a node's answer to the client or operator that owns its token.
func (r *run) answered(n *world.Node, a core.Reply) {
	switch {
	case a.Token >= schedule.ForgetTokens:
		r.operator.AnsweredForget(n, a)
	case a.Token >= schedule.CausalTokens:
		r.sessions.Answered(n, a)
	case a.Token >= schedule.PutTokens:
		r.operator.Answered(n, a)
	default:
		r.clients.Answered(n, a)
	}
}

// readable lets a client read the state of a node at this moment.
func (r *run) readable(n *world.Node, read core.Read) {
	if read.Kind == core.ReadItems {
		r.sessions.List(n, read)
		return
	}
	r.clients.Readable(n, read.Token)
}
