package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// endStreams ends an inquiry when every peer has answered, no former members are left, and
// all owned slots are ready (docs/causal.md §10, rule 10).
func (r *Replica) endStreams() {
	l := r.boots
	if !l.Inquiring() || r.peers.HasFormer() || r.slots.Unready() > 0 {
		return
	}
	for _, p := range r.peers.All() {
		if p.Inquired < l.Inquiry() {
			return
		}
	}
	l.End()
	r.endForgotten()
	r.requests.WakeAll()
}

// continueInquiry exchanges with the peers that have not answered the inquiry, while a
// request or an operator may wait for its end.
func (r *Replica) continueInquiry() {
	if r.requests.Waiting()+len(r.forgettings) == 0 || !r.boots.Inquiring() {
		return
	}
	for _, p := range slices.Clone(r.peers.All()) {
		if p.Inquired < r.boots.Inquiry() && r.peers.Reachable(p) && r.exchangeOf(p) == nil {
			r.exchangeWith(p)
		}
	}
}

// hearPositions takes in which positions exist, from a peer whose data has all come here.
func (r *Replica) hearPositions(p *peers.Peer, m *wire.Digest) {
	vectors := m.Held.Vectors
	if p.Former { // a former member is asked for few slots, and may be the only node that knows of the others
		vectors = append(vectors[:len(vectors):len(vectors)], m.Heard)
	}
	r.boots.HearPositions(p.ID, vectors, func(id ids.Node) bool { return r.peers.Get(id) != nil })
}
