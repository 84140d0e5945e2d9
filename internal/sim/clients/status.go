package clients

import (
	"math"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/node/wire"
)

// readyTruth bounds how long a strong request may stay open at a node that answers no other
// strong request and reports all the while that it waits for no node (docs/strong.md §11). The
// network loses nothing meanwhile; repetitions has what is added if it does.
const readyTruth = 5 * wire.Second

// againAfter is the time after which a backup sends its writes again. It is the longest time
// between a message that was lost and the next one (docs/strong.md §3.1, rule 6).
const againAfter = 1 * wire.Second

// repetitions bounds how long a request is sent again before it and its answer both arrive in
// time. The bound is too short in one case of a million.
func repetitions(loss, late float64) wire.Instant {
	arrives := (1 - loss) * (1 - late)
	fails := 1 - arrives*arrives
	if fails == 0 {
		return 0
	}
	return wire.Instant(math.Ceil(math.Log(1e-6)/math.Log(fails))) * againAfter
}

// watchReadiness looks at an open strong request from time to time. It fails the run if the
// node reports for readyTruth, and the time of repetitions, that strong requests wait for no
// node.
func (cs *Clients) watchReadiness(o *witness.Op, since wire.Instant) {
	w := cs.w
	network := &w.Sched.Network
	bound := readyTruth + repetitions(network.Loss, network.Late) + 20*network.Delay + 8*w.Sched.Disk
	w.After(lookEvery, func() {
		if o.State != witness.Open || w.Failure != nil {
			return
		}
		n := w.Nodes[o.Node]
		switch {
		case !n.Shows.StrongReady() || cs.anyTroubled() || w.Net.Storms > 0: // more is lost in a storm
			since = w.Now
		case n.Answered > since:
			since = n.Answered // the node answers one request after another, over a slow and lossy network
		case w.Now-since > bound:
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
