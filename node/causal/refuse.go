package causal

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of what this node keeps on behalf of its peers (docs/causal.md §12, rule 6).
const (
	maxIncoming  = 1 << 16  // forwarded requests that wait here; beyond it they are refused
	incomingRoom = 64 << 20 // bytes of memory that these take
)

// Refuses reports that a message of a peer breaks a rule of docs/causal.md §12. The refusal is
// counted as an event, and the caller must drop the message as a whole.
func (r *Replica) Refuses(h wire.Header, m wire.Message) bool {
	why := r.judge.Flaw(m, r.step.Now())
	if why != "" {
		r.refuseMessage(h.From, m.Kind().String()+": "+why)
	}
	return why != ""
}

// refuseMessage emits the event of a refused message.
func (r *Replica) refuseMessage(from ids.Node, why string) {
	r.step.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: why})
}

// credible reports whether the counters of a message leave room above them, since a write
// here must be above the counters of its key (I13; docs/causal.md §2.1, rule 6). The caller
// drops a message that is not credible as if the bus had lost it.
func (r *Replica) credible(from ids.Node, m wire.Message) bool {
	if r.judge.Credible(m, r.step.Now()) {
		return true
	}
	r.step.Event(core.Event{Kind: EventIncredible, Peer: from, Note: m.Kind().String()})
	return false
}
