package clients

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/node/wire"
)

// readyTruth is how long a strong request may stay open at a node that answers no other
// and shows all the while that strong requests wait for no node (docs/strong.md §11). Lost
// messages are sent again several times within it.
const readyTruth = 5 * wire.Second

// watchReadiness looks at a strong request from time to time while it is open: its node
// must not say that all is well.
func (cs *Clients) watchReadiness(o *witness.Op, since wire.Instant) {
	w := cs.w
	w.After(lookEvery, func() {
		if o.State != witness.Open || w.Failure != nil {
			return
		}
		n := w.Nodes[o.Node]
		switch {
		case !n.Shows.StrongReady() || cs.anyTroubled():
			since = w.Now
		case n.Answered > since:
			since = n.Answered // one after another, over a slow and lossy network
		case w.Now-since > readyTruth+20*w.Sched.Network.Delay+8*w.Sched.Disk:
			w.Fail("status", "%s is open; node %d has shown for %s that strong requests wait for nobody", o, n.ID, schedule.Seconds(w.Now-since))
			return
		}
		cs.watchReadiness(o, since)
	})
}

// anyTroubled reports that a node is stopped, or its disk is slow: whom the others wait
// for then they may hear of late, or not at all.
func (cs *Clients) anyTroubled() bool {
	for _, n := range cs.w.Nodes {
		if n.Up && n.Troubled() {
			return true
		}
	}
	return false
}
