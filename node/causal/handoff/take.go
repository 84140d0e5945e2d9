package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/antientropy"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/wire"
)

// OnHandoff begins an exchange with a node of the same view that holds slots which this node
// owns. It does not if an exchange that brings the offered revision is under way or over
// (docs/causal.md §7.3, rule 4). If one is over, its acknowledgement was lost and goes again.
func (f *Handoffs) OnHandoff(h wire.Header, m *wire.Handoff) {
	p := f.peers.Get(h.From)
	if f.view.None() || h.View != f.view.ID() {
		return // the holder sends again, and by then both nodes may be in one view
	}
	if p == nil {
		p = f.host.Guest(h)
	}
	if p == nil {
		return
	}
	switch {
	case f.host.Brings(p, h.Boot, m.Revision):
		// the exchange under way brings the revision
	case f.Receipt(p).Has(h.Boot, m.Revision):
		f.step.SendDurable(p.ID, f.Receipt(p).Ack()) // everything is here, and the acknowledgement was lost
	default:
		f.host.ExchangeWith(p)
	}
}

// Receipt is what this node has acknowledged of a peer's data, in this view.
func (f *Handoffs) Receipt(p *peers.Peer) *Receipt {
	if f.receipts[p] == nil {
		f.receipts[p] = &Receipt{}
	}
	return f.receipts[p]
}

// AckExchange acknowledges a peer's data after an exchange: of the slots that this node owns,
// everything that the peer had at the digest's revision is here, durably. A peer that has
// not come to this view yet would not count the acknowledgement, so the acknowledgement is deferred.
func (f *Handoffs) AckExchange(p *peers.Peer, x *antientropy.Exchange) {
	switch {
	case x.Digest() == nil:
		return
	case x.Brief():
		if !slices.Contains(x.Digest().Acked, f.step.Self) {
			f.step.SendDurable(p.ID, f.Receipt(p).Ack()) // the acknowledgement was lost
		}
		return
	}
	taken := Taken(f.slots, x.Slots(), &x.Digest().Held)
	if len(taken) == 0 && !p.Former {
		return
	}
	ack := &wire.HandoffAck{Boot: x.Boot(), Revision: x.Digest().Revision, Slots: taken}
	deferred := !p.Former && x.Digest().View != f.view.ID() // until the peer is heard in this view
	if m := f.Receipt(p).Note(ack, deferred, f.step.Now()); m != nil {
		f.step.SendDurable(p.ID, m)
	}
}

// Heard sends the deferred acknowledgement to a peer that is heard in this view
// (docs/causal.md §7.3, rule 6).
func (f *Handoffs) Heard(p *peers.Peer, h wire.Header) {
	if f.view.None() || h.View != f.view.ID() {
		return
	}
	if m := f.Receipt(p).Heard(h.Boot, f.step.Now()); m != nil {
		f.step.SendDurable(p.ID, m)
	}
}
