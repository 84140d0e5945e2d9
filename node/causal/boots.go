package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// endStreams ends an inquiry when every peer has answered, no former members are left, and
// all owned slots are ready (docs/causal.md §10, rule 10).
func (r *Replica) endStreams() {
	l := r.boots
	if !l.Inquiring() || r.hasFormer() || r.slots.Unready() > 0 {
		return
	}
	for _, p := range r.peers {
		if p.inquired < l.Inquiry() {
			return
		}
	}
	l.End()
	r.endForgotten()
	r.wakeAll()
}

// continueInquiry exchanges with the peers that have not answered the inquiry, while a
// request or an operator may wait for its end.
func (r *Replica) continueInquiry() {
	if r.waiting.Len()+len(r.forgettings) == 0 || !r.boots.Inquiring() {
		return
	}
	for _, p := range slices.Clone(r.peers) {
		if p.inquired < r.boots.Inquiry() && r.reachable(p) && r.exchangeOf(p) == nil {
			r.exchangeWith(p)
		}
	}
}

// hearPositions takes in which positions exist, from a peer whose data has all come here.
func (r *Replica) hearPositions(p *peer, m *wire.Digest) {
	vectors := m.Held.Vectors
	if p.former { // a former member is asked for few slots, and may be the only node that knows of the others
		vectors = append(vectors[:len(vectors):len(vectors)], m.Heard)
	}
	r.boots.HearPositions(p.id, vectors, func(id ids.Node) bool { return r.peer(id) != nil })
}

// hearsFrom reports that a hello has just come from a node in a boot.
func (r *Replica) hearsFrom(boot wire.NodeBoot) bool {
	p := r.peer(boot.Node)
	return p != nil && p.Boot == boot.Boot && p.Greets(r.step.Now())
}
