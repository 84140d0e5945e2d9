package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// peer is another node that this one exchanges with: a member of the view, a former member
// that may still have data, or a guest (docs/causal.md §1.1). A peer is exactly one of the
// three for the length of a view. The next view begins with a new peer, which takes over
// only the boot and the time of the last message.
type peer struct {
	id      ids.Node
	at      wire.Member // id and addresses, as the last view or list of former members had them
	member  bool        // exactly one of member, former and guest is set
	replica bool        // a member of this node's shard; implies member
	former  bool        // of an earlier view, and not drained
	apart   bool        // a former member in a parted group: not asked again in this view (docs/causal.md §6.7)
	guest   bool        // a source of the view: hands off what it holds to all owners by itself

	peers.Contact // whether messages reach the peer, and its boot

	exchanged   bool           // an exchange with the peer is over in this view, or none is needed
	exchangedAt wire.Instant   // when the last exchange in this view was over
	draining    peers.Draining // meaningful for a former member

	offer    *handoff.Offer  // slots that the peer owns, and has not acknowledged; nil: there are none
	receipt  handoff.Receipt // what this node has acknowledged of the peer's data, in this view
	inquired uint64          // the last inquiry that the peer has answered; an answer that does not count leaves it (docs/causal.md §10, rules 10 to 12)
}

// peer finds a peer by id; nil: the node is none.
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

// reachable reports that a peer is worth waiting for (docs/causal.md §1.3, rules 3 and 4).
func (r *Replica) reachable(p *peer) bool {
	return !p.apart && p.Reachable(r.step.Now(), r.view.Since())
}

// sign takes in what the header of every message says: the sender is up, and holds a view.
// It returns the peer that sent the message; nil: the sender is no peer.
func (r *Replica) sign(h wire.Header) *peer {
	p := r.peer(h.From)
	if p != nil {
		p.NoteMessage(r.step.Now())
		r.rejoin(p, h.View)
		r.sendDeferredAck(p, h)
	}
	return p
}

// rejoin ends the parting of a former member that is heard in a view which this one
// replaces: the node has come back to this group, with its data (docs/causal.md §6.7,
// rule 3).
func (r *Replica) rejoin(p *peer, view ids.View) {
	if p.apart && r.view.Descends(view) {
		p.apart = false
		p.draining.Rejoin(r.step.Now())
		r.views.Reach()
		r.step.Alarm(r.step.Now())
	}
}

// OnHello takes in a hello of a member in this view. A hello in another boot, the first
// hello in this view, or one after a silence begins an exchange (docs/causal.md §6.6).
func (r *Replica) OnHello(h wire.Header, m *wire.Hello) {
	p := r.peer(h.From)
	if p == nil || !p.member || r.view.None() || r.boots.Ended(h.From, h.Boot) {
		return
	}
	back := p.NoteHello(r.step.Now(), h.Boot, m.Ready)
	again := back.Silent && r.step.Now()-p.exchangedAt > r.pause() || back.NewBoot && back.Known
	if back.NewBoot {
		r.streams.Own.Restarted(p.id)
	}
	r.boots.Note(p.id, h.Boot)
	r.requestMissingInfo()
	r.sendDeferredAck(p, h)
	r.hearLowestOpen(h, m.LowestOpen)
	if p.replica {
		r.awaitGap(r.trackOf(p).Announce(m.Stream, r.step.Now()))
	}
	if again || !p.exchanged && r.exchangeOf(p) == nil {
		r.step.Event(core.Event{Kind: EventBack, Peer: p.id})
		r.exchangeAgain(p)
	}
}

// pause is how long after an exchange with a peer a silence of that peer begins no other
// one. Gossip and resent batches bring what the silence cost. If a large cluster is
// overloaded, exchanges of all with all would add to the load (docs/causal.md §6.6, rule 3).
func (r *Replica) pause() wire.Instant { return gossipEvery * wire.Instant(len(r.peers)) / 2 }

// Former lists the nodes outside the view that this node must reach, with their last known
// addresses: former members that are not parted, and guests. While this node is outside its
// view itself, the list has the nodes of its earlier views: they may take its data.
func (r *Replica) Former() []wire.Member {
	var list []wire.Member
	for _, p := range r.peers {
		if p.former && !p.apart || p.guest {
			list = append(list, p.at)
		}
	}
	return append(list, r.outside...)
}
