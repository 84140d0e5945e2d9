package causal

import (
	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// host is a Replica as its parts see it. Each part names the few calls that it needs, as an
// interface. What one part tells another goes through here, so no two parts import each other.
type host struct{ r *Replica }

// Synced reports that data is neither on its way to this node nor from it.
func (h host) Synced() bool { return h.r.sync.Synced() }

// Unsynced reports that data may still be on its way here.
func (h host) Unsynced() bool { return h.r.sync.Unsynced() }

// CheckSynced finds out whether the node is synced now.
func (h host) CheckSynced() { h.r.sync.Check() }

// EndInquiry ends the inquiry if every peer has answered.
func (h host) EndInquiry() { h.r.sync.EndInquiry() }

// WritePending persists pending knowledge.
func (h host) WritePending() { h.r.ready.WritePending() }

// Advance notes that data has come nearer to its owners.
func (h host) Advance() { h.r.ready.Advance() }

// CatchUp moves the tracks of streams up to K.
func (h host) CatchUp() { h.r.broadcast.CatchUp() }

// CutSum is the fingerprint of the view's stable cut.
func (h host) CutSum() uint64 { return h.r.surveys.CutSum() }

// RaiseGCCounter raises the GC counter of this node.
func (h host) RaiseGCCounter(n uint64) { h.r.surveys.RaiseGCCounter(n) }

// HearForgotten takes in nodes that a member lists as forgotten.
func (h host) HearForgotten(from ids.Node, list []wire.Forgotten) { h.r.orders.Hear(from, list) }

// ExchangeWith begins an exchange with a peer.
func (h host) ExchangeWith(p *peers.Peer) { h.r.exchanges.With(p) }

// ExchangeAgain begins an exchange with a peer anew.
func (h host) ExchangeAgain(p *peers.Peer) { h.r.exchanges.Again(p) }

// StopExchange ends an exchange without concluding anything.
func (h host) StopExchange(p *peers.Peer) { h.r.exchanges.Stop(p) }

// Exchanging reports that an exchange with a peer is under way.
func (h host) Exchanging(p *peers.Peer) bool { return h.r.exchanges.Of(p) != nil }

// Brings reports that an exchange with a peer is under way that brings a revision.
func (h host) Brings(p *peers.Peer, boot ids.Boot, revision uint64) bool {
	return h.r.exchanges.Brings(p, boot, revision)
}

// Digested takes in what a Digest says of boots, views and former members.
func (h host) Digested(from wire.Header, m *wire.Digest) {
	r := h.r
	r.boots.Hear(m.Ended, r.peers.HearsFrom)
	r.surveys.RaiseGCCounter(m.GCCounter)
	r.orders.Hear(from.From, m.Forgotten)
	r.sync.HearOfFormer(m)
	r.info.AskUnknown(from.From, m.Held.Vectors)
	r.info.AskCut(from.From, m)
}

// Ending moves tracks up to K, and acknowledges what an exchange has brought. The inquiry takes in
// the answer.
func (h host) Ending(x *exchanges.Exchange) {
	h.r.broadcast.CatchUp()
	h.r.handoffs.AckExchange(x.Peer, &x.Exchange)
	if x.Digest() != nil && x.Inquiry() == h.r.boots.Inquiry() {
		h.r.sync.HearPositions(x.Peer, x.Digest())
	}
}

// Ended concludes what an exchange that is over means for the peer.
func (h host) Ended(p *peers.Peer, x *exchanges.Exchange) { h.r.sync.Exchanged(p, x) }

// Guest adds the sender of a Handoff as a guest; nil: it is none. A node that has turned up begins
// an inquiry.
func (h host) Guest(from wire.Header) *peers.Peer {
	p := h.r.peers.Guest(from)
	if p != nil {
		h.r.boots.Readmit(p.ID)
		h.r.boots.Restart()
		h.r.peers.Reach()
	}
	return p
}
