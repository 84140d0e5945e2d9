package sim

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// patience is how long a request may stay open at an owner of its slot that could
// answer it all the while: waiting ends when what is waited for arrives, not at some
// later look. It is far longer than a write waits for other replicas.
const patience = 1500 * wire.Millisecond

// readPatience is the same of a read, which waits for no node once its own has all
// that it needs. It is shorter than the time between two exchanges, which would wake
// what was forgotten.
const readPatience = 350 * wire.Millisecond

// readyBound is how long an owner may take to be ready in one view: three seconds
// without progress, as often as there can be any.
const readyBound = 15 * wire.Second

const lookEvery = 100 * wire.Millisecond

// watch looks at a request from time to time while it is open at a node that owns its
// slot: it must not wait without a reason.
func (ss *sessions) watch(r *request, since wire.Instant) {
	w := ss.w
	w.after(lookEvery, func() {
		if r.state != open || w.failure != nil {
			return
		}
		n := w.nodes[r.node]
		switch {
		case n.troubled() || r.pendingElsewhere(w.now) || !ss.truth.Answerable(ss.of(n), r.Op):
			since = w.now
		case w.now-since > r.patience()+4*w.sched.Disk:
			w.fail("wait", "%s is open; node %d could have answered it for %s", r, n.id, seconds(w.now-since))
			return
		}
		if !n.troubled() && n.shows.Causal && !n.shows.CausalReady && w.now-max(ss.of(n).AdoptedAt(), n.troubleAt) > readyBound {
			w.fail("wait", "node %d is not ready for its slots, %s after it came to its view", n.id, seconds(w.now-ss.of(n).AdoptedAt()))
			return
		}
		ss.watch(r, since)
	})
}

// troubled reports that a node is stopped, or its disk is slow, and notes when.
func (n *node) troubled() bool {
	if n.pauses > 0 || n.slowDisk > 0 || n.diskAt > n.w.now+100*wire.Millisecond {
		n.troubleAt = n.w.now
		return true
	}
	return false
}

func (r *request) patience() wire.Instant {
	if r.Read {
		return readPatience
	}
	return patience
}

// pendingElsewhere reports whether another owner has said lately that the write waits there.
func (r *request) pendingElsewhere(now wire.Instant) bool {
	return r.pendingAt > 0 && now-r.pendingAt < wire.Second
}

// forwardedWrite is a write that one boot of a node has forwarded.
type forwardedWrite struct {
	node    ids.Node
	boot    ids.Boot
	counter uint64
}

// noteForward notes where a forwarded write is. The forwarder keeps to the owner that
// holds the write, even if the forwarder could answer by itself by now (docs/causal.md §8).
func (ss *sessions) noteForward(from, to *node, m wire.Message) {
	switch m := m.(type) {
	case *wire.CausalForward:
		if o := ss.truth.Tagged(m.Op.ContentType); o != nil && !m.Read {
			ss.forwarded[forwardedWrite{from.id, from.boot, m.Counter}] = ss.requests[o.Token]
		}
	case *wire.CausalForwardReply:
		if r := ss.forwarded[forwardedWrite{to.id, to.boot, m.Counter}]; r != nil && m.Fate == wire.ForwardWaiting {
			r.pendingAt = ss.w.now
		}
	}
}
