package causal

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// What this node keeps of its peers at most (docs/causal.md §12).
const (
	maxPeers     = 4096     // with which former members are added by hearsay
	maxIncoming  = 1 << 16  // forwarded requests that wait here
	incomingRoom = 64 << 20 // bytes that these hold
)

// Refuses reports that a message breaks a rule that this part relies on: it is counted,
// and nothing of it is looked at.
func (r *Replica) Refuses(h wire.Header, m wire.Message) bool {
	why := r.judge.Flaw(m, r.now)
	if why != "" {
		r.refuseMessage(h.From, m.Kind().String()+": "+why)
	}
	return why != ""
}

func (r *Replica) refuseMessage(from ids.Node, why string) {
	r.box.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: why})
}

// credible reports whether the counters that a message brings leave room above them: a
// write here is above those of its key. What is not is dropped as if it were lost.
func (r *Replica) credible(from ids.Node, m wire.Message) bool {
	if r.judge.Credible(m, r.now) {
		return true
	}
	r.box.Event(core.Event{Kind: EventIncredible, Peer: from, Note: m.Kind().String()})
	return false
}
