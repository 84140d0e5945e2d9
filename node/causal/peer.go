package causal

import (
	"github.com/cohortkv/cohort/node/causal/syncing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// sign takes in what the header of a question or an answer says: its sender is up, and holds a
// view.
func (r *Replica) sign(h wire.Header) {
	if p := r.peers.Get(h.From); p != nil {
		p.NoteMessage(r.step.Now())
		r.peers.Rejoin(p, h.View)
		r.handoffs.Heard(p, h)
	}
}

// OnHello takes in a hello of a member in this view. A hello in another boot, the first
// hello in this view, or one after a silence begins an exchange (docs/causal.md §6.6).
func (r *Replica) OnHello(h wire.Header, m *wire.Hello) {
	p := r.peers.Get(h.From)
	if p == nil || !p.Member || r.view.None() || r.boots.Ended(h.From, h.Boot) {
		return
	}
	back := p.NoteHello(r.step.Now(), h.Boot, m.Ready)
	again := back.Silent && r.step.Now()-p.ExchangedAt > r.pause() || back.NewBoot && back.Known
	if back.NewBoot {
		r.streams.Own.Restarted(p.ID)
	}
	r.boots.Note(p.ID, h.Boot)
	r.info.AskMissing()
	r.handoffs.Heard(p, h)
	r.results.HearLowestOpen(h, m.LowestOpen)
	if p.Replica {
		r.broadcast.Announce(p, m.Stream)
	}
	if again || !p.Exchanged && r.exchanges.Of(p) == nil {
		r.step.Event(core.Event{Kind: EventBack, Peer: p.ID})
		r.exchanges.Again(p)
	}
}

// pause is how long after an exchange with a peer a silence of that peer begins no other
// one. Gossip and resent batches bring what the silence cost. If a large cluster is
// overloaded, exchanges of all with all would add to the load (docs/causal.md §6.6, rule 3).
func (r *Replica) pause() wire.Instant {
	return syncing.GossipEvery * wire.Instant(len(r.peers.All())) / 2
}
