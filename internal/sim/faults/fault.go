// Package faults makes the faults of a schedule happen to a simulated world, and ends them
// (docs/testing.md §2). Strike begins one fault and plans its end. The last phase of a run
// (package quiescence) may end all faults earlier.
package faults

import (
	"github.com/cohortkv/cohort/internal/sim/operator"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/wire"
)

// Injector makes the faults of a schedule happen.
type Injector struct {
	w        *world.World
	operator *operator.Operator
}

// New returns the injector of a world. o says which nodes may lose their state.
func New(w *world.World, o *operator.Operator) *Injector { return &Injector{w, o} }

// Strike begins a fault and plans its end. If a crash would take the last copy of some data
// from a sane operator, the node is paused instead.
func (i *Injector) Strike(f *schedule.Fault) {
	w := i.w
	n := w.Nodes[f.Node]
	kind := f.Kind
	if kind == schedule.Crash && n.Up && !i.operator.MayCrash(f.Node) {
		kind = schedule.Pause
	}
	if kind == schedule.GiveAway && w.Sched.Model.Causal() {
		kind = schedule.Pause // package truth knows one process of an id at a time
	}
	w.Counts.Add("fault", kind.String())
	w.Note("fault: %s", f)
	switch kind {
	case schedule.Cut, schedule.OneWay, schedule.Bridge:
		i.cut(f, 1)
		i.until(f.For, func() { i.cut(f, -1) })
	case schedule.Crash, schedule.Restart:
		i.crash(n, f.For, kind == schedule.Restart)
	case schedule.Move:
		if w.TwinOf(n.ID) == nil { // otherwise the old process owns the other address
			n.Moved = !n.Moved
			w.Disturb()
		}
	case schedule.GiveAway:
		i.giveAway(n)
	case schedule.Pause:
		i.Pause(n, f.For)
	case schedule.Storm:
		w.Net.Storms++
		i.until(f.For, func() { w.Net.Storms-- })
	case schedule.SlowDisk:
		n.SlowDisk++
		i.until(f.For, func() { n.SlowDisk = max(n.SlowDisk-1, 0) })
	case schedule.RestartAll:
		for _, n := range w.Nodes {
			i.crash(n, 1+w.UpTo(f.For), true)
		}
	case schedule.PauseAll:
		for _, n := range w.Processes() {
			i.Pause(n, f.For)
		}
	}
}

// until plans the end of a fault. The last phase may end the fault earlier.
func (i *Injector) until(length wire.Instant, end func()) {
	calm := i.w.Calm
	i.w.After(length, func() {
		if i.w.Calm == calm {
			end()
		}
	})
}

func (i *Injector) crash(n *world.Node, back wire.Instant, keeps bool) {
	if !n.Up {
		return
	}
	n.Crash(keeps)
	bootCount := n.BootCount
	if !keeps {
		i.operator.TryForget(n, bootCount, 0)
	}
	i.w.After(back, func() {
		if n.BootCount == bootCount && !n.Up {
			n.Start()
		}
	})
}

// Pause stops a node, and resumes it after a time unless all faults have ended by then.
func (i *Injector) Pause(n *world.Node, length wire.Instant) {
	if n.Up {
		n.Pause()
		bootCount := n.BootCount
		i.until(length+i.w.UpTo(20*wire.Millisecond), func() {
			if n.BootCount == bootCount && n.Up {
				n.Resume()
			}
		})
	}
}

// cut blocks the directions of a fault (by is 1), or unblocks them (by is -1).
func (i *Injector) cut(f *schedule.Fault, by int) {
	w := i.w
	for a := range w.Nodes {
		for b := range w.Nodes {
			crossing := f.Side.Has(a) && !f.Side.Has(b)
			spans := f.Kind == schedule.Bridge && (a == f.Node || b == f.Node)
			if !crossing || spans {
				continue
			}
			w.Net.Cut(a, b, by)
			if f.Kind != schedule.OneWay {
				w.Net.Cut(b, a, by)
			}
		}
	}
}

// giveAway starts a new process without state under the id of a node, at the node's other
// address. The old process goes on at its own address, and receives the messages that are
// sent there. Clients and the operator use the new process. An id has at most one old
// process.
func (i *Injector) giveAway(n *world.Node) {
	if !n.Up || n.Pauses > 0 || i.w.TwinOf(n.ID) != nil {
		return
	}
	i.operator.LeaveAll(n)
	i.w.GiveAway(n)
}
