package clients

import (
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// patience bounds how long a write may stay open at an owner of its slot that could answer
// it all the while. A wait must end when the thing waited for arrives, not at a later
// timer. patience is far longer than a write waits for other replicas.
const patience = 1500 * wire.Millisecond

// readPatience is the same bound for a read, which waits for no node once its own node has
// all that it needs. It is shorter than the time between two exchanges, because an exchange
// would wake a read that was forgotten.
const readPatience = 350 * wire.Millisecond

// readyBound bounds the time until an owner is ready in one view. An owner waits 3 s
// without progress, several times at most.
const readyBound = 15 * wire.Second

const lookEvery = 100 * wire.Millisecond

// watch looks at a request from time to time while it is open at an owner of its slot. It
// fails the run if the request waits without a reason.
func (ss *Sessions) watch(r *Request, since wire.Instant) {
	w := ss.w
	w.After(lookEvery, func() {
		if r.state != witness.Open || w.Failure != nil {
			return
		}
		n := w.Nodes[r.Node]
		switch {
		case n.Troubled() || r.pendingElsewhere(w.Now) || !ss.Truth.Answerable(ss.Of(n), r.Op):
			since = w.Now
		case w.Now-since > r.patience()+4*w.Sched.Disk:
			w.Fail("wait", "%s is open; node %d could have answered it for %s", r, n.ID, schedule.Seconds(w.Now-since))
			return
		}
		if !n.Troubled() && n.Shows.Causal && !n.Shows.CausalReady && w.Now-max(ss.Of(n).AdoptedAt(), n.TroubleAt) > readyBound {
			w.Fail("wait", "node %d is not ready for its slots, %s after it came to its view", n.ID, schedule.Seconds(w.Now-ss.Of(n).AdoptedAt()))
			return
		}
		ss.watch(r, since)
	})
}

func (r *Request) patience() wire.Instant {
	if r.Read {
		return readPatience
	}
	return patience
}

// pendingElsewhere reports whether another owner has said recently that the write waits
// there.
func (r *Request) pendingElsewhere(now wire.Instant) bool {
	return r.pendingAt > 0 && now-r.pendingAt < wire.Second
}

// forwardedWrite is a write that one boot of a node has forwarded.
type forwardedWrite struct {
	node    ids.Node
	boot    ids.Boot
	counter uint64
}

// noteForward records which owner holds a forwarded write. The forwarder stays with that
// owner, even if it could answer by itself by now (docs/causal.md §8).
func (ss *Sessions) noteForward(from, to *world.Node, m wire.Message) {
	switch m := m.(type) {
	case *wire.CausalForward:
		if o := ss.Truth.Tagged(m.Op.ContentType); o != nil && !m.Read {
			ss.forwarded[forwardedWrite{from.ID, from.Boot, m.Counter}] = ss.requests[o.Token]
		}
	case *wire.CausalForwardReply:
		if r := ss.forwarded[forwardedWrite{to.ID, to.Boot, m.Counter}]; r != nil && m.Fate == wire.ForwardWaiting {
			r.pendingAt = ss.w.Now
		}
	}
}
