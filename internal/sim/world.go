package sim

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"

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

// world is the nodes of one run with their clocks, disks and network, and what will
// happen to them.
type world struct {
	sched   *Schedule
	rng     *rand.Rand
	now     wire.Instant
	queue   queue
	nodes   []*node // the present process of each id
	twins   []*node // old processes whose ids were given away (twin.go)
	net     network
	on      hooks
	counts  Counts
	trace   *Trace
	failure *Failure
	calm    bool // all faults are over
	ended   bool // the run has ended well
	forgot  bool // a node has lost its state
}

// newWorld is the world of a schedule, without nodes. The trace may be nil.
func newWorld(s *Schedule, trace *Trace) *world {
	w := &world{sched: s, rng: rand.New(rand.NewPCG(s.Seed, 2)), counts: Counts{}, trace: trace}
	w.net.init(w)
	return w
}

// start starts all nodes.
func (w *world) start() {
	for id := range w.sched.Nodes {
		w.nodes = append(w.nodes, newNode(w, ids.Node(id)))
	}
}

// endFaults makes the network and all nodes do what they should, for good.
func (w *world) endFaults() {
	w.calm = true
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
}

// eventLimit ends a run that does not end by itself.
const eventLimit = 5_000_000

// play lets begin plan what happens first, and does all that is planned until the run has
// ended or failed.
func (w *world) play(begin func()) {
	defer func() {
		if p := recover(); p != nil {
			w.fail("panic", "%v\n%s", p, debug.Stack())
		}
	}()
	begin()
	for w.failure == nil && !w.ended {
		e, ok := w.queue.pop()
		if !ok || w.queue.popped > eventLimit {
			w.fail("liveness", "nothing left to do, or no end: %d events", w.queue.popped)
			return
		}
		w.now = e.at
		e.do()
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
