package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// peer is another member of the view, or a former member that may still have data.
type peer struct {
	id      ids.Node
	at      wire.Member
	member  bool
	replica bool // of this node's shard
	former  bool
	apart   bool // a former member that operators have parted from this group: it is not asked again in this view
	guest   bool // outside the view, and listed in it as a source: it hands off what it holds to all owners

	boot    ids.Boot     // its present boot, as far as is known; 0: not yet
	greeted bool         // in this view
	helloAt wire.Instant // the last one in this view
	signAt  wire.Instant // the last message of any kind
	quiet   wire.Instant // how long a member may say nothing before it counts as silent
	mute    bool         // a forward got no answer there, and nothing has been heard since
	clock   wire.Instant // its own, as it said last
	ready   bool         // all its slots, as it said last

	exchanged   bool // in this view
	exchangedAt wire.Instant
	// Of a former member:
	relay        bool         // what others own is taken from it, too, and handed on
	handedOver   bool         // the owners have all that it had
	drained      bool         // and it takes no writes
	askAt        wire.Instant // when it is asked again
	askInterval  wire.Instant // how long after the last time
	formerSince  wire.Instant // when it was asked first, in this view
	waitingSince wire.Instant // since when an owner does not seem to request its data there

	handoff     *handoff         // what it owns and has not acknowledged
	ackedAt     wire.Instant     // when an acknowledgement was sent to it last
	lastAck     *wire.HandoffAck // of the last exchange with it, in this view
	ackDeferred bool             // lastAck is sent when it has adopted this view
	inquired    uint64           // the last inquiry that an exchange with it has answered; not if it knew of other nodes
}

// is reports that a message is of the boot that is known: messages of an earlier boot
// do not count.
func (p *peer) is(h wire.Header) bool { return p.boot == 0 || p.boot == h.Boot }

// noteAlive notes that a message has come.
func (p *peer) noteAlive(now wire.Instant) { p.signAt, p.mute = now, false }

// far reports that the peer is a member that hears few greetings, and says few.
func (p *peer) far() bool { return p.quiet > silence }

// silence is how long the peer may say nothing before it counts as silent.
func (p *peer) silence() wire.Instant { return max(silence, p.quiet) }

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
	return !p.apart && r.now <= r.reachableUntil(p)
}

// reachableUntil is when a peer will count as out of reach if it stays silent. Who has not
// been heard since the view was adopted is not waited for as long as one that was.
func (r *Replica) reachableUntil(p *peer) wire.Instant {
	if p.signAt < r.since {
		return r.since + silence
	}
	return p.signAt + p.silence()
}

// sign takes in what every message says: that its sender is up, and in which view it
// is. It returns nil for a node that is not a peer.
func (r *Replica) sign(h wire.Header) *peer {
	p := r.peer(h.From)
	if p != nil {
		p.noteAlive(r.now)
		r.rejoin(p, h.View)
		r.sendDeferredAck(p, h)
	}
	return p
}

// rejoin takes up again with a former member that operators had parted from this group.
// It is heard in a view that this one replaces: it has come back with what it has.
func (r *Replica) rejoin(p *peer, view ids.View) {
	if p.apart && r.view.Descends(view) {
		p.apart, p.askInterval, p.askAt = false, resend, r.now
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
	again := p.greeted && r.now-p.helloAt > p.silence() && r.now-p.exchangedAt > r.pause()
	if p.boot != h.Boot {
		again = again || p.boot != 0
		p.boot = h.Boot
		r.streams.Own.Restarted(p.id)
	}
	r.noteBoot(p.id, h.Boot)
	r.requestMissingInfo()
	r.sendDeferredAck(p, h)
	p.noteAlive(r.now)
	p.greeted, p.helloAt, p.clock = true, r.now, m.Clock
	r.incoming.closeBelow(wire.NodeBoot{Node: h.From, Boot: h.Boot}, m.LowestOpen, r.now)
	p.ready = m.Ready
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
