package sim

import "github.com/cohortkv/cohort/node/wire"

// injector lets the faults of a schedule happen.
type injector struct {
	w        *world
	operator *operator
}

// strike begins a fault and plans its end. A crash that would make the operator
// insane, by taking the last copy of something, becomes a pause.
func (i injector) strike(f *Fault) {
	w := i.w
	n := w.nodes[f.Node]
	kind := f.Kind
	if kind == Crash && n.up && !i.operator.mayCrash(f.Node) {
		kind = Pause
	}
	if kind == Restart && !w.sched.Model.restarts() {
		kind = Pause
	}
	if kind == GiveAway && w.sched.Model.causal() {
		kind = Pause // package truth knows one process of a node at a time
	}
	w.counts.add("fault", kind.String())
	w.note("fault: %s", f)
	switch kind {
	case Cut, OneWay, Bridge:
		i.cut(f, 1)
		i.until(f.For, func() { i.cut(f, -1) })
	case Crash, Restart:
		i.crash(n, f.For, kind == Restart)
	case Move:
		if w.twinOf(n.id) == nil { // else the old process is at the other address
			n.moved = !n.moved
		}
	case GiveAway:
		i.giveAway(n)
	case Pause:
		i.pause(n, f.For)
	case Storm:
		w.net.storms++
		i.until(f.For, func() { w.net.storms-- })
	case SlowDisk:
		n.slowDisk++
		i.until(f.For, func() { n.slowDisk = max(n.slowDisk-1, 0) })
	case PauseAll:
		for _, n := range w.processes() {
			i.pause(n, f.For)
		}
	}
}

// until plans the end of a fault. The final phase (quiescence) may end the fault earlier.
func (i injector) until(length wire.Instant, end func()) {
	calm := i.w.calm
	i.w.after(length, func() {
		if i.w.calm == calm {
			end()
		}
	})
}

func (i injector) crash(n *node, back wire.Instant, keeps bool) {
	if !n.up {
		return
	}
	n.crash(keeps)
	bootCount := n.bootCount
	if !keeps {
		i.operator.tryForget(n, bootCount, 0)
	}
	i.w.after(back, func() {
		if n.bootCount == bootCount && !n.up {
			n.start()
		}
	})
}

func (i injector) pause(n *node, length wire.Instant) {
	if n.up {
		n.pause()
		bootCount := n.bootCount
		i.until(length+i.w.upTo(20*wire.Millisecond), func() {
			if n.bootCount == bootCount && n.up {
				n.resume()
			}
		})
	}
}

// cut blocks the directions of a fault, or with -1 unblocks them.
func (i injector) cut(f *Fault, by int) {
	w := i.w
	for a := range w.nodes {
		for b := range w.nodes {
			crossing := f.Side.has(a) && !f.Side.has(b)
			spans := f.Kind == Bridge && (a == f.Node || b == f.Node)
			if !crossing || spans {
				continue
			}
			w.net.cut(a, b, by)
			if f.Kind != OneWay {
				w.net.cut(b, a, by)
			}
		}
	}
}

// giveAway gives the id of a node to a new process without state, at the node's other
// address. The old process goes on at its own address, and receives what is sent there.
// Clients and the operator turn to the new one. An id has one old process at most.
func (i injector) giveAway(n *node) {
	if !n.up || n.pauses > 0 || i.w.twinOf(n.id) != nil {
		return
	}
	i.operator.leaveAll(n)
	i.w.giveAway(n)
}
