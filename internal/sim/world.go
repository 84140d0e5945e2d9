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
	"fmt"
	"math/rand/v2"
	"runtime/debug"

	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Failure is what a run violated, first.
type Failure struct {
	Check string // which check found it
	What  string
	At    wire.Instant
}

func (f *Failure) Error() string { return fmt.Sprintf("%s at %s: %s", f.Check, seconds(f.At), f.What) }

// Result is how a run ended.
type Result struct {
	Failure *Failure // nil: nothing was violated
	Counts  Counts
	Events  int    // of the world's queue
	Meter   *Meter // if the schedule asks for it
}

// world is one run.
type world struct {
	sched      *Schedule
	rng        *rand.Rand
	now        wire.Instant
	queue      queue
	nodes      []*node // the present process of each id
	twins      []*node // old processes whose ids were given away (twin.go)
	net        network
	operator   operator
	witness    witness
	truth      *truth.Truth // of causal buckets
	clients    []*client
	sessions   []*session
	requests   []*request // by token
	forger     forger
	forwarded  map[forwardedWrite]*request
	counts     Counts
	trace      *Trace
	failure    *Failure
	quiescence quiescence
	forgot     bool // a node has lost its state
	meter      *Meter
}

// Run plays a schedule. The trace may be nil.
func Run(s *Schedule, trace *Trace) (res Result) {
	w := &world{sched: s, rng: rand.New(rand.NewPCG(s.Seed, 2)), counts: Counts{}, trace: trace}
	if s.Measure {
		w.meter = &Meter{Kinds: map[string]int{}}
	}
	defer func() {
		if p := recover(); p != nil {
			w.fail("panic", "%v\n%s", p, debug.Stack())
		}
		res = Result{Failure: w.failure, Counts: w.counts, Events: w.queue.popped, Meter: w.meter}
	}()
	w.begin()
	w.loop()
	return
}

// eventLimit ends a run that does not end by itself.
const eventLimit = 5_000_000

func (w *world) loop() {
	for w.failure == nil && !w.quiescence.done {
		e, ok := w.queue.pop()
		if !ok || w.queue.popped > eventLimit {
			w.fail("liveness", "nothing left to do, or no end: %d events", w.queue.popped)
			return
		}
		w.now = e.at
		e.do()
	}
}

func (w *world) begin() {
	w.net.init(w)
	w.witness.init(w)
	w.requests, w.forwarded = []*request{nil}, map[forwardedWrite]*request{}
	w.truth = truth.New(w.sched.Causal.truth(w.sched.Nodes), reporter{w})
	for id := range w.sched.Nodes {
		w.nodes = append(w.nodes, newNode(w, ids.Node(id)))
	}
	w.operator.init(w)
	for i := range w.sched.Clients {
		w.clients = append(w.clients, newClient(w, i))
	}
	for i := range w.sched.Sessions {
		w.sessions = append(w.sessions, newSession(w, i))
	}
	w.quiescence.pending = len(w.sched.Steps)
	for i := range w.sched.Steps {
		st := &w.sched.Steps[i]
		w.at(st.At, func() { w.step(st) })
	}
	if len(w.sched.Steps) == 0 {
		w.at(0, w.quiescence.begin(w))
	}
}

func (w *world) step(st *Step) {
	if st.Fault != nil {
		w.strike(st.Fault)
		w.stepDone()
		return
	}
	w.operator.command(st.Command)
}

// stepDone counts the steps that have happened; after the last one the faults
// are over.
func (w *world) stepDone() {
	w.quiescence.pending--
	if w.quiescence.pending == 0 {
		w.after(500*wire.Millisecond, w.quiescence.begin(w))
	}
}

// at does something at a time, or now if that has passed.
func (w *world) at(t wire.Instant, do func()) { w.queue.push(max(t, w.now), do) }

func (w *world) after(d wire.Instant, do func()) { w.at(w.now+d, do) }

// upTo is a random duration.
func (w *world) upTo(d wire.Instant) wire.Instant {
	if d <= 0 {
		return 0
	}
	return wire.Instant(w.rng.Int64N(int64(d)))
}

func (w *world) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// fail ends the run; what was violated first counts.
func (w *world) fail(check, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Check: check, What: fmt.Sprintf(format, args...), At: w.now}
	w.note("FAILURE %s", w.failure)
}

// note adds a line to the trace. Callers on hot paths ask w.trace first.
func (w *world) note(format string, args ...any) {
	if w.trace != nil {
		w.trace.add(w.now, format, args...)
	}
}

// queue is what will happen, by time, then in the order in which it was planned.
type queue struct {
	heap   []event
	seq    uint64
	popped int
}

type event struct {
	at  wire.Instant
	seq uint64
	do  func()
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

func (q *queue) push(at wire.Instant, do func()) {
	q.seq++
	q.heap = append(q.heap, event{at, q.seq, do})
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !q.heap[i].before(&q.heap[up]) {
			return
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *queue) pop() (event, bool) {
	if len(q.heap) == 0 {
		return event{}, false
	}
	q.popped++
	top := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.heap[child].before(&q.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top, true
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
