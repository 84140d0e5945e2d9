// Package syncing finds out when a node is synced (docs/causal.md §7.6), when an inquiry has ended
// (docs/causal.md §10), and when a former member is drained (docs/causal.md §7.4). It exchanges with peers until then, and with the
// other replicas for ever.
//
// Sync is a state machine without I/O. One goroutine at a time may use it.
package syncing

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/forgetting"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Times.
const (
	GossipEvery = 1 * wire.Second        // between two exchanges of the gossip
	forgetDelay = 250 * wire.Millisecond // between the last HandoffAck to a drained former member and forgetting the node (docs/causal.md §7.4, rule 6)
)

// Requests are the requests of clients at this node.
type Requests interface {
	// Waiting is how many requests wait.
	Waiting() int
	// WakeAll tries all waiting requests again.
	WakeAll()
}

// Sync is how far a node is from having, and having handed off, all that it can.
type Sync struct {
	step      *step.Step
	view      *membership.View
	peers     *peers.List
	slots     *slots.Table
	boots     *loss.Boots
	handoffs  *handoff.Handoffs
	exchanges *exchanges.Exchanges
	ready     *ready.Readiness
	orders    *forgetting.Orders
	requests  Requests

	gossip gossip
	synced bool // docs/causal.md §7.6, rule 1; ends with a new view, a repeated PUT /view, or a new former member
}

// gossip is the exchange with one other replica each second, in turn (docs/causal.md §6.6,
// rule 4). Broadcasts bring writes to replicas that are reached. Gossip brings what broadcasts
// and other exchanges have missed, so that all replicas come to hold the same (I18).
type gossip struct {
	at   wire.Instant // when the next exchange is due
	turn int          // counts the exchanges; chooses the replica
}

// Parts are the parts of a replica that a Sync works with.
type Parts struct {
	Step      *step.Step
	View      *membership.View
	Peers     *peers.List
	Slots     *slots.Table
	Boots     *loss.Boots
	Handoffs  *handoff.Handoffs
	Exchanges *exchanges.Exchanges
	Ready     *ready.Readiness
	Orders    *forgetting.Orders
	Requests  Requests
}

// New returns the sync of a node that holds no view yet.
func New(p Parts) *Sync {
	return &Sync{
		step: p.Step, view: p.View, peers: p.Peers, slots: p.Slots, boots: p.Boots, handoffs: p.Handoffs, exchanges: p.Exchanges,
		ready: p.Ready, orders: p.Orders, requests: p.Requests,
	}
}

// Synced reports that the node is synced.
func (s *Sync) Synced() bool { return s.synced }

// Reset is called in a new view: the node is not synced.
func (s *Sync) Reset() { s.synced = false }

// Tick does what is due while the node waits to be synced.
func (s *Sync) Tick() {
	if !s.synced || s.slots.Unready() > 0 || s.peers.HasFormer() {
		s.Check()
	}
}

// Check finds out whether this node is synced (docs/causal.md §7.6, rule 1), and makes
// owned slots ready by rules 2 and 3 of docs/causal.md §7.5. An unreachable peer holds up
// neither: a read without a session may then be shown an older value, as at any replica that is
// cut off.
func (s *Sync) Check() {
	if s.view.None() {
		return
	}
	s.forgetFormer()
	all, exchanged := true, true
	for _, p := range s.peers.All() {
		if !s.peers.Reachable(p) {
			continue
		}
		done := p.Exchanged && !s.handoffs.Offered(p) && (p.Draining.HandedOver || !p.Former)
		all = all && done
		exchanged = exchanged && p.Exchanged
		if !done {
			s.step.Alarm(p.ReachableUntil(s.view.Since()) + 1)
		}
	}
	if exchanged {
		s.ready.ServeAll()
	} else {
		s.ready.ServeStalled()
	}
	if all && s.slots.Unready() == 0 && !s.synced {
		s.synced = true
		s.EndInquiry() // a node without peers has no exchange that ends an inquiry
		s.step.Event(core.Event{Kind: EventSynced, View: s.view.ID()})
	}
}

// Unsynced reports that data may still be on its way here, or may come from a former member
// (docs/causal.md §7.6, rule 3). Surveys and inquiries do not count such a node's answer.
func (s *Sync) Unsynced() bool {
	return s.view.None() || !s.synced || s.slots.Unready() > 0 || s.peers.HasFormer()
}

// Refresh exchanges with every peer once more, parted ones too, because an operator has put
// the same view again (docs/causal.md §6.6, rule 1).
func (s *Sync) Refresh() {
	if s.view.None() {
		return
	}
	s.synced = false
	for _, p := range slices.Clone(s.peers.All()) {
		p.Exchanged, p.Apart = false, false
		s.exchanges.With(p)
	}
	s.peers.Reach()
	s.Check()
}

// Gossip begins the exchanges that are due: with the next replica, with peers that have
// not answered an inquiry, and with former members, each at its own interval.
func (s *Sync) Gossip() {
	if s.view.None() || len(s.peers.All()) == 0 {
		return
	}
	g := &s.gossip
	if s.step.Now() >= g.at {
		g.at = s.step.Now() + GossipEvery
		replicas := slices.DeleteFunc(slices.Clone(s.peers.All()), func(p *peers.Peer) bool { return !p.Replica })
		if n := len(replicas); n > 0 {
			g.turn++
			if p := replicas[g.turn%n]; s.peers.Reachable(p) && s.exchanges.Of(p) == nil {
				s.exchanges.With(p)
			}
		}
		s.continueInquiry()
		s.handoffs.Arrivals()
		s.Check()
	}
	s.step.Alarm(g.at)
	for _, p := range slices.Clone(s.peers.All()) {
		switch {
		case !p.Former || p.Apart || s.exchanges.Of(p) != nil:
		case s.step.Now() >= p.Draining.AskAt():
			s.exchanges.Poll(p)
		default:
			s.step.Alarm(p.Draining.AskAt())
		}
	}
}

// Exchanged notes that an exchange with a peer is over, or that none was needed. A former member
// has answered the inquiry then. Another peer has if its Digest is not unsynced, names no parted
// node, and comes from a guest, from this view, or from a node that takes no writes
// (docs/causal.md §10, rules 11 and 12).
func (s *Sync) Exchanged(p *peers.Peer, x *exchanges.Exchange) {
	digest := x.Digest()
	if !p.Exchanged {
		s.ready.Moved()
	}
	p.Exchanged, p.ExchangedAt = true, s.step.Now()
	if digest != nil && (p.Former || !digest.Unsynced && !s.peers.TellsOfOthers(digest) && (p.Guest || digest.Frozen || digest.View == s.view.ID())) {
		p.Inquired = x.Inquiry()
	}
	if p.Former {
		s.exchangedFormer(p, x)
	}
	s.EndInquiry()
	s.Check()
}
