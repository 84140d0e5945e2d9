package handoff

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Host is the replica that hands off slots.
type Host interface {
	// Guest adds the sender of a Handoff as a guest; nil: it is none.
	Guest(h wire.Header) *peers.Peer
	// Brings reports that an exchange with a peer is under way that brings a revision.
	Brings(p *peers.Peer, boot ids.Boot, revision uint64) bool
	// ExchangeWith begins an exchange with a peer.
	ExchangeWith(*peers.Peer)
	// Advance notes that data has come nearer to its owners.
	Advance()
	// CheckSynced finds out whether the node is synced now.
	CheckSynced()
}

// Handoffs are the hand-offs between a node and its peers, in both directions. An offer lasts
// until the peer has acknowledged it. A receipt lasts as long as the peer of this view.
type Handoffs struct {
	step  *step.Step
	view  *membership.View
	peers *peers.List
	slots *slots.Table
	items *items.Items
	host  Host

	Requesters Requesters // of slots, with the revisions that they have acknowledged

	offers     map[*peers.Peer]*Offer   // slots that a peer owns, and has not acknowledged; nil: there are none
	receipts   map[*peers.Peer]*Receipt // what this node has acknowledged of a peer's data, in this view
	releasable Queue                    // slots held for others that every owner has acknowledged (I25)
}

// New returns the hand-offs of a node: none.
func New(s *step.Step, v *membership.View, p *peers.List, t *slots.Table, i *items.Items, h Host) *Handoffs {
	return &Handoffs{
		step: s, view: v, peers: p, slots: t, items: i, host: h,
		offers: map[*peers.Peer]*Offer{}, receipts: map[*peers.Peer]*Receipt{},
	}
}

// Reset ends all offers and receipts, because the peers are those of a new view.
func (f *Handoffs) Reset() {
	clear(f.offers)
	clear(f.receipts)
}

// Offered reports that a peer has not acknowledged slots that it owns.
func (f *Handoffs) Offered(p *peers.Peer) bool { return f.offers[p] != nil }

// Tick sends offers again, and releases slots.
func (f *Handoffs) Tick() {
	f.tick()
	f.release()
}

// Restart begins the hand-off to every member anew, and counts the owners of slots held
// for others again: the view, or those slots, have changed.
func (f *Handoffs) Restart() {
	f.releasable.Set(f.slots.CountOwners())
	if f.releasable.Waiting() {
		f.step.Alarm(f.step.Now())
	}
	for _, p := range f.peers.All() {
		f.offerTo(p)
		if f.offers[p] == nil {
			continue
		}
		for at := range f.offers[p].Unacked().All() {
			f.slots.At(at).AwaitOwner()
		}
	}
}

// Arrivals begins the hand-off again if slots held for others have come, or have
// changed, since their owners were counted (docs/causal.md §7.3, rule 8).
func (f *Handoffs) Arrivals() {
	if f.slots.ForOthers() && slots.Uncounted(f.slots) {
		f.Restart()
	}
}

// offerTo begins the hand-off to a member of the slots that it owns and that hold something
// here. This node is not synced, and releases none of those slots, until the member has
// acknowledged them (I25; docs/causal.md §7.3).
func (f *Handoffs) offerTo(p *peers.Peer) {
	f.offers[p] = nil
	if !p.Member || f.view.None() || !f.view.Member() && f.hasAll(p) {
		return
	}
	f.offers[p] = Begin(f.slots, f.view.SlotsOf(p.ID), f.step.Now())
	if f.offers[p] != nil {
		_, next := f.offers[p].Due(f.step.Now())
		f.step.Alarm(next)
	}
}

// hasAll reports that a member had acknowledged everything that is held here before this node
// came to the view.
func (f *Handoffs) hasAll(p *peers.Peer) bool {
	return slices.ContainsFunc(f.Requesters.AckedAt(f.view.ID(), f.slots.Revision()), func(o wire.NodeBoot) bool {
		return o.Node == p.ID && p.Is(o.Boot)
	})
}

// tick sends Handoff again for each offer that is not acknowledged in time.
func (f *Handoffs) tick() {
	for _, p := range f.peers.All() {
		if f.offers[p] == nil {
			continue
		}
		m, next := f.offers[p].Due(f.step.Now())
		if m != nil {
			f.step.SendDurable(p.ID, m)
		}
		f.step.Alarm(next)
	}
}

// OnAck notes which of its slots an owner has taken from this node. A slot held for
// others may be released when every owner has acknowledged it as it is now (I25).
//
// At a member an acknowledgement counts only in this view. At a node outside its view it
// counts in any view: nothing is released there, and nodes that were told at the same time
// may each have made a view of the same list (docs/causal.md §7.3, rule 7).
func (f *Handoffs) OnAck(h wire.Header, m *wire.HandoffAck) {
	p := f.peers.Get(h.From)
	if m.Boot == f.step.Self.Boot {
		f.Requesters.NoteAck(h, m.Revision)
	}
	if p == nil || f.offers[p] == nil || m.Boot != f.step.Self.Boot || !f.offers[p].Counts(m) || f.view.Member() && h.View != f.view.ID() {
		return
	}
	f.host.Advance()
	free, done := f.offers[p].Ack(f.slots, m)
	f.releasable.Add(free)
	if done {
		f.offers[p] = nil
	}
	f.release()
	f.host.CheckSynced()
}

// release drops slots that all owners have acknowledged, a bounded number in each step: their
// items, and their K, which without the items would be untrue (I15). A node that is outside
// its view or left behind keeps them (docs/causal.md §7.3, rule 10).
func (f *Handoffs) release() {
	if f.view.Closed() {
		f.releasable.Set(nil)
	}
	if !f.releasable.Waiting() {
		return
	}
	list := f.releasable.Next(f.slots)
	if f.releasable.Waiting() {
		f.step.Alarm(f.step.Now())
	}
	f.items.Release(list)
	if n := f.releasable.Freed(); n > 0 {
		f.step.Event(core.Event{Kind: EventSlotsReleased, View: f.view.ID(), Count: n})
	}
}
