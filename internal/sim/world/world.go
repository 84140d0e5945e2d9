// Package world has the nodes of a simulated run with their clocks, disks and network. It
// drives node/machine as the driver of a real node does, on a virtual clock.
//
// Planned events wait in a queue, by time. All chance comes from the seed of the schedule,
// so the same schedule gives the same run. The world knows no protocol: it reports events
// to its hooks (Hooks), and packages witness and truth check them. It checks only what
// holds of every node: that the node comes to rest, that its messages can be decoded, and
// that it sends to nodes that exist.
//
// The caller adds hooks before Start and then calls Play. A world belongs to one goroutine.
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

// Failure is the first violation of a run.
type Failure struct {
	Check string       // the name of the check (docs/testing.md §4)
	What  string       // what was observed, with its numbers
	At    wire.Instant // virtual time of the violation
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s at %s: %s", f.Check, schedule.Seconds(f.At), f.What)
}

// World is the nodes of one run with their clocks, disks and network, and the events that
// are planned.
type World struct {
	Sched   *schedule.Schedule
	Rng     *rand.Rand   // all chance while the run goes on
	Now     wire.Instant // virtual time since the begin of the run
	Queue   queue        // planned events, by time
	Nodes   []*Node      // by id: the present process
	twins   []*Node      // old processes whose ids were given away (twin.go)
	Net     network      // delivers messages
	On      Hooks        // hooks; see Hooks
	Counts  tally.Counts // how often each event happened
	Trace   *trace.Trace // nil: none is kept
	Failure *Failure     // the first violation; nil: none
	Calm    bool         // all faults are over
	Ended   bool         // the run has ended without a violation
	Trouble wire.Instant // when a fault last happened, or a view was put
	Forgot  bool         // a node has lost its state
}

// New returns the world of a schedule, without nodes. trace may be nil.
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

// EndFaults makes the network and all nodes work as they should, for good.
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

// Play calls begin, which plans the first events, and then plays all events until the run
// has ended or failed.
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

// Disturb records that something goes wrong now from which nodes need time to recover.
func (w *World) Disturb() { w.Trouble = w.Now }

// At does something at a time, or now if that time has passed.
func (w *World) At(t wire.Instant, do func()) { w.Queue.push(max(t, w.Now), do) }

// After does something after a time.
func (w *World) After(d wire.Instant, do func()) { w.At(w.Now+d, do) }

// UpTo draws a duration below d; 0 if d is 0.
func (w *World) UpTo(d wire.Instant) wire.Instant {
	if d <= 0 {
		return 0
	}
	return wire.Instant(w.Rng.Int64N(int64(d)))
}

func (w *World) chance(p float64) bool { return p > 0 && w.Rng.Float64() < p }

// Fail ends the run with a violation. Only the first one counts.
func (w *World) Fail(check, format string, args ...any) {
	if w.Failure != nil {
		return
	}
	w.Failure = &Failure{Check: check, What: fmt.Sprintf(format, args...), At: w.Now}
	w.Note("FAILURE %s", w.Failure)
}

// Note adds a line to the trace. Callers on hot paths test Trace first.
func (w *World) Note(format string, args ...any) {
	if w.Trace != nil {
		w.Trace.Add(w.Now, format, args...)
	}
}
