// Package world is the nodes of a simulated run with their clocks, disks and network. It
// drives node/machine as the driver of a real node does, on a virtual clock.
//
// What is to happen waits in a queue, by time. All chance comes from the seed of the
// schedule. The world judges no protocol: it tells its hooks what happens, and packages
// witness and truth judge that. It checks only what holds of every node: that it comes to
// rest, that its messages can be decoded, and that it sends to nodes that exist.
//
// A world belongs to one goroutine.
package world

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/tally"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Failure is what a run violated, first.
type Failure struct {
	Check string // which check found it
	What  string
	At    wire.Instant
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s at %s: %s", f.Check, schedule.Seconds(f.At), f.What)
}

// World is the nodes of one run with their clocks, disks and network, and what will
// happen to them.
type World struct {
	Sched   *schedule.Schedule
	Rng     *rand.Rand
	Now     wire.Instant
	Queue   queue
	Nodes   []*Node // the present process of each id
	twins   []*Node // old processes whose ids were given away (twin.go)
	Net     network
	On      Hooks
	Counts  tally.Counts
	Trace   *trace.Trace
	Failure *Failure
	Calm    bool         // all faults are over
	Ended   bool         // the run has ended well
	Trouble wire.Instant // when something last went wrong, or an operator put a view
	Forgot  bool         // a node has lost its state
}

// New is the world of a schedule, without nodes. The trace may be nil.
func New(s *schedule.Schedule, trace *trace.Trace) *World {
	w := &World{Sched: s, Rng: rand.New(rand.NewPCG(s.Seed, 2)), Counts: tally.Counts{}, Trace: trace}
	w.Net.init(w)
	return w
}

// Start starts all nodes.
func (w *World) Start() {
	for id := range w.Sched.Nodes {
		w.Nodes = append(w.Nodes, newNode(w, ids.Node(id)))
	}
}

// EndFaults makes the network and all nodes do what they should, for good.
func (w *World) EndFaults() {
	w.Calm = true
	w.Net.cuts = [schedule.MaxNodes][schedule.MaxNodes]int{}
	for _, n := range w.Processes() {
		for n.Up && n.Pauses > 0 {
			n.Resume()
		}
		n.SlowDisk = 0
		if !n.Up {
			n.Start()
		}
	}
}

// eventLimit ends a run that does not end by itself.
const eventLimit = 5_000_000

// Play lets begin plan what happens first, and does all that is planned until the run has
// ended or failed.
func (w *World) Play(begin func()) {
	defer func() {
		if p := recover(); p != nil {
			w.Fail("panic", "%v\n%s", p, debug.Stack())
		}
	}()
	begin()
	for w.Failure == nil && !w.Ended {
		e, ok := w.Queue.pop()
		if !ok || w.Queue.Popped > eventLimit {
			w.Fail("liveness", "nothing left to do, or no end: %d events", w.Queue.Popped)
			return
		}
		w.Now = e.at
		e.do()
	}
}

// Disturb notes that something goes wrong now, which nodes take time to recover from.
func (w *World) Disturb() { w.Trouble = w.Now }

// At does something at a time, or now if that has passed.
func (w *World) At(t wire.Instant, do func()) { w.Queue.push(max(t, w.Now), do) }

func (w *World) After(d wire.Instant, do func()) { w.At(w.Now+d, do) }

// UpTo is a random duration.
func (w *World) UpTo(d wire.Instant) wire.Instant {
	if d <= 0 {
		return 0
	}
	return wire.Instant(w.Rng.Int64N(int64(d)))
}

func (w *World) chance(p float64) bool { return p > 0 && w.Rng.Float64() < p }

// Fail ends the run; what was violated first counts.
func (w *World) Fail(check, format string, args ...any) {
	if w.Failure != nil {
		return
	}
	w.Failure = &Failure{Check: check, What: fmt.Sprintf(format, args...), At: w.Now}
	w.Note("FAILURE %s", w.Failure)
}

// Note adds a line to the trace. Callers on hot paths ask w.trace first.
func (w *World) Note(format string, args ...any) {
	if w.Trace != nil {
		w.Trace.Add(w.Now, format, args...)
	}
}
