package clients

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/node/wire"
)

// readyTruth bounds how long a strong request may stay open at a node that answers no other
// strong request and reports all the while that it waits for no node (docs/strong.md §11).
// Lost messages are sent again several times within it.
const readyTruth = 5 * wire.Second

// watchReadiness looks at an open strong request from time to time. It fails the run if the
// node reports for readyTruth that strong requests wait for no node.
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
			since = n.Answered // the node answers one request after another, over a slow and lossy network
		case w.Now-since > readyTruth+20*w.Sched.Network.Delay+8*w.Sched.Disk:
			w.Fail("status", "%s is open; node %d has shown for %s that strong requests wait for nobody", o, n.ID, schedule.Seconds(w.Now-since))
			return
		}
		cs.watchReadiness(o, since)
	})
}

// anyTroubled reports that a node is stopped or has a slow disk. Other nodes may then learn
// late, or never, for which node requests wait.
func (cs *Clients) anyTroubled() bool {
	for _, n := range cs.w.Nodes {
		if n.Up && n.Troubled() {
			return true
		}
	}
	return false
}
