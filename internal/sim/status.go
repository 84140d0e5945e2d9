package sim

import "github.com/cohortkv/cohort/node/wire"

// readyTruth is how long a strong request may stay open at a node that answers no other
// and shows all the while that strong requests wait for no node (docs/strong.md §11). Lost
// messages are sent again several times within it.
const readyTruth = 5 * wire.Second

// watchReadiness looks at a strong request from time to time while it is open: its node
// must not say that all is well.
func (cs *clients) watchReadiness(o *op, since wire.Instant) {
	w := cs.w
	w.after(lookEvery, func() {
		if o.state != open || w.failure != nil {
			return
		}
		n := w.nodes[o.node]
		switch {
		case !n.shows.StrongReady() || cs.anyTroubled():
			since = w.now
		case n.answered > since:
			since = n.answered // one after another, over a slow and lossy network
		case w.now-since > readyTruth+20*w.sched.Network.Delay+8*w.sched.Disk:
			w.fail("status", "%s is open; node %d has shown for %s that strong requests wait for nobody", o, n.id, seconds(w.now-since))
			return
		}
		cs.watchReadiness(o, since)
	})
}

// anyTroubled reports that a node is stopped, or its disk is slow: whom the others wait
// for then they may hear of late, or not at all.
func (cs *clients) anyTroubled() bool {
	for _, n := range cs.w.nodes {
		if n.up && n.troubled() {
			return true
		}
	}
	return false
}
