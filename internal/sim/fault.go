package sim

import "github.com/cohortkv/cohort/node/wire"

// recoversCausal reports that a node finds its causal buckets when it starts with its
// disk.
const recoversCausal = false

// strike begins a fault and plans its end. A crash that would make the operator
// insane, by taking the last copy of something, becomes a pause.
func (w *world) strike(f *Fault) {
	n := w.nodes[f.Node]
	kind := f.Kind
	if kind == Crash && n.up && !w.operator.mayCrash(f.Node) {
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
		w.cut(f, 1)
		w.until(f.For, func() { w.cut(f, -1) })
	case Crash, Restart:
		w.crash(n, f.For, kind == Restart)
	case Move:
		if w.twinOf(n.id) == nil { // else the old process is at the other address
			n.moved = !n.moved
		}
	case GiveAway:
		w.giveAway(n)
	case Pause:
		w.pause(n, f.For)
	case Storm:
		w.net.storms++
		w.until(f.For, func() { w.net.storms-- })
	case SlowDisk:
		n.slowDisk++
		w.until(f.For, func() { n.slowDisk = max(n.slowDisk-1, 0) })
	case PauseAll:
		for _, n := range w.processes() {
			w.pause(n, f.For)
		}
	}
}

// until plans the end of a fault. The final phase (quiescence) may end the fault earlier.
func (w *world) until(length wire.Instant, end func()) {
	begun := w.quiescence.begun
	w.after(length, func() {
		if w.quiescence.begun == begun {
			end()
		}
	})
}

func (w *world) crash(n *node, back wire.Instant, keeps bool) {
	if !n.up {
		return
	}
	n.crash(keeps)
	bootCount := n.bootCount
	if !keeps {
		w.tryForget(n, bootCount, 0)
	}
	w.after(back, func() {
		if n.bootCount == bootCount && !n.up {
			n.start()
		}
	})
}

func (w *world) pause(n *node, length wire.Instant) {
	if n.up {
		n.pause()
		bootCount := n.bootCount
		w.until(length+w.upTo(20*wire.Millisecond), func() {
			if n.bootCount == bootCount && n.up {
				n.resume()
			}
		})
	}
}

// cut blocks the directions of a fault, or with -1 unblocks them.
func (w *world) cut(f *Fault, by int) {
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
