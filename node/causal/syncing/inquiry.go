package syncing

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// EndInquiry ends an inquiry when every peer has answered, no former members are left, and
// all owned slots are ready (docs/causal.md §10, rule 10).
func (s *Sync) EndInquiry() {
	l := s.boots
	if !l.Inquiring() || s.peers.HasFormer() || s.slots.Unready() > 0 {
		return
	}
	for _, p := range s.peers.All() {
		if p.Inquired < l.Inquiry() {
			return
		}
	}
	l.End()
	s.orders.End()
	s.requests.WakeAll()
}

// continueInquiry exchanges with the peers that have not answered the inquiry, while a
// request or an operator may wait for its end.
func (s *Sync) continueInquiry() {
	if s.requests.Waiting() == 0 && !s.orders.Waiting() || !s.boots.Inquiring() {
		return
	}
	for _, p := range slices.Clone(s.peers.All()) {
		if p.Inquired < s.boots.Inquiry() && s.peers.Reachable(p) && s.exchanges.Of(p) == nil {
			s.exchanges.With(p)
		}
	}
}

// HearPositions takes in which positions exist, from a peer whose data has all come here.
func (s *Sync) HearPositions(p *peers.Peer, m *wire.Digest) {
	vectors := m.Held.Vectors
	if p.Former { // a former member is asked for few slots, and may be the only node that knows of the others
		vectors = append(vectors[:len(vectors):len(vectors)], m.Heard)
	}
	s.boots.HearPositions(p.ID, vectors, func(id ids.Node) bool { return s.peers.Get(id) != nil })
}
