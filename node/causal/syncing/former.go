package syncing

import (
	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// HearOfFormer takes over the former members that a Digest lists, if its sender is of this
// group (docs/causal.md §7.2, rule 4). So the list survives any one node that loses its
// memory. An inquiry begins again for each new former member.
func (s *Sync) HearOfFormer(m *wire.Digest) {
	if !s.view.Ours(m.View, m.Layout) {
		return
	}
	news := false
	for _, at := range m.Former {
		if p := s.peers.HearOfFormer(at); p != nil {
			s.exchanges.With(p)
			news = true
		}
	}
	if news {
		s.boots.Restart()
		s.synced = false
		s.peers.Persist()
		s.step.Commit()
		s.peers.Reach()
	}
}

// exchangedFormer finds out, after an exchange, whether the owners have what a former member
// holds: they have acknowledged it, or this node has relayed it (docs/causal.md §7.4).
func (s *Sync) exchangedFormer(p *peers.Peer, x *exchanges.Exchange) {
	e := peers.Exchange{Relayed: x.Relay(), Trip: x.Trip()}
	if d := x.Digest(); d != nil {
		e.Answered, e.Frozen = true, d.Frozen
		e.AllAcked, e.AllActive = s.peers.AllAcked(d.Acked), s.peers.AllAcked(d.Acked, d.Requesting)
	}
	s.step.Alarm(p.Draining.NoteExchange(s.step.Now(), e))
	s.handoffs.Arrivals()
}

// forgetFormer forgets drained former members (docs/causal.md §7.4, rule 6). Only then can
// nothing be lost by forgetting them (I25). A short delay lets the last acknowledgement
// arrive, so that the former member releases what it holds.
func (s *Sync) forgetFormer() {
	holds := s.slots.ForOthers()
	gone := s.peers.RemoveDrained(func(p *peers.Peer) bool {
		forgetAt := s.handoffs.Receipt(p).SentAt() + forgetDelay
		done := p.Draining.Drained && !holds && s.exchanges.Of(p) == nil
		if done && s.step.Now() < forgetAt {
			s.step.Alarm(forgetAt)
			return false
		}
		return done
	})
	for _, p := range gone {
		if p.Boot != 0 {
			s.boots.Note(p.ID, p.Boot)
		}
	}
	if len(gone) > 0 {
		s.peers.Persist()
		s.step.Commit()
		s.step.Event(core.Event{Kind: EventFormerDrained, View: s.view.ID(), Count: uint64(len(gone))})
		s.peers.Reach()
	}
}
