package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// peer is another node that this one exchanges with: a member of the view, a former
// member that may still have data, or a guest. A peer is exactly one of the three for the
// length of a view; only its boot and what was heard of it go over into the next.
type peer struct {
	id      ids.Node
	at      wire.Member // where it was last said to be
	member  bool
	replica bool // a member of this node's shard
	former  bool
	apart   bool // a former member that operators have parted from this group: it is not asked again in this view
	guest   bool // outside the view, and listed in it as a source: it hands off what it holds to all owners

	peers.Contact // whether it can be reached, and in which boot it is

	exchanged   bool // in this view
	exchangedAt wire.Instant
	draining    peers.Draining // of a former member

	offer    *handoff.Offer  // what it owns and has not acknowledged; nil: nothing
	receipt  handoff.Receipt // what of it this node has acknowledged, in this view
	inquired uint64          // the last inquiry that an exchange with it has answered; not if it knew of other nodes
}

func (r *Replica) peer(id ids.Node) *peer {
	i, ok := slices.BinarySearchFunc(r.peers, id, func(p *peer, id ids.Node) int {
		switch {
		case p.id < id:
			return -1
		case p.id > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return r.peers[i]
}

// reachable reports that a message came from a peer lately, or that it is too early to
// tell.
func (r *Replica) reachable(p *peer) bool {
	return !p.apart && p.Reachable(r.now, r.since)
}

// sign takes in what every message says: that its sender is up, and in which view it
// is. It returns nil for a node that is not a peer.
func (r *Replica) sign(h wire.Header) *peer {
	p := r.peer(h.From)
	if p != nil {
		p.NoteMessage(r.now)
		r.rejoin(p, h.View)
		r.sendDeferredAck(p, h)
	}
	return p
}

// rejoin takes up again with a former member that operators had parted from this group.
// It is heard in a view that this one replaces: it has come back with what it has.
func (r *Replica) rejoin(p *peer, view ids.View) {
	if p.apart && r.view.Descends(view) {
		p.apart = false
		p.draining.Rejoin(r.now)
		r.views.Reach()
		r.alarm(r.now)
	}
}

// OnHello takes in a greeting in this view.
func (r *Replica) OnHello(h wire.Header, m *wire.Hello) {
	p := r.peer(h.From)
	if p == nil || !p.member || r.view == nil || r.boots.hasEnded(h.From, h.Boot) {
		return
	}
	back := p.NoteHello(r.now, h.Boot, m.Ready)
	again := back.Silent && r.now-p.exchangedAt > r.pause() || back.NewBoot && back.Known
	if back.NewBoot {
		r.streams.Own.Restarted(p.id)
	}
	r.noteBoot(p.id, h.Boot)
	r.requestMissingInfo()
	r.sendDeferredAck(p, h)
	r.hearLowestOpen(h, m.LowestOpen)
	if p.replica {
		r.awaitGap(r.trackOf(p).Announce(m.Stream, r.now))
	}
	if again || !p.exchanged && r.exchangeOf(p) == nil {
		r.box.Event(core.Event{Kind: EventBack, Peer: p.id})
		r.exchangeAgain(p)
	}
}

// pause is how long after an exchange with a peer its silence is no reason for another
// one: gossip and closed gaps make good what the silence cost. With many nodes on few
// processors, exchanges of all with all would make them slower still.
func (r *Replica) pause() wire.Instant { return gossipEvery * wire.Instant(len(r.peers)) / 2 }

// Former are the nodes outside the view that may still have data, or that this node
// has data for while it is outside itself, and where they were last said to be.
func (r *Replica) Former() []wire.Member {
	var list []wire.Member
	for _, p := range r.peers {
		if p.former && !p.apart || p.guest {
			list = append(list, p.at)
		}
	}
	return append(list, r.outside...)
}
