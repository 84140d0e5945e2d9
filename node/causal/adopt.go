package causal

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Adopt makes v the view of this node (docs/causal.md §7). The caller has decided
// that it may be.
func (r *Replica) Adopt(v *wire.View) { r.adopt(v, firstOfAll(v)) }

// Recovered is called once, first, by a machine that recovered its view: what was
// kept of causal buckets is not recovered, so this boot begins with nothing.
func (r *Replica) Recovered(v *wire.View) {
	r.change.Reset = true
	r.adopt(v, false)
}

func (r *Replica) adopt(v *wire.View, first bool) {
	old, followsOn := r.view, r.followsOn(v)
	r.readmit(v)
	r.foldTracks()
	r.view, r.since, r.movedAt = v, r.now, r.now
	r.boots.blank = r.boots.blank || old == nil && !first
	entry, isNew := r.catalog.Hold(wire.KnownView{ID: v.ID, Layout: v.Layout})
	if isNew {
		r.change.Views = append(r.change.Views, entry.KnownView)
	}
	r.ring = r.catalog.Ring(entry)
	r.shard, _ = entry.ShardOf(r.cfg.Self)
	r.member = v.Has(r.cfg.Self)
	r.onePredecessor, r.layout = hasOnePredecessor(v), catalog.Fingerprint(&v.Layout)
	r.slots.Assign(r.owns, followsOn, first, r.collector.Counter)
	if r.member && r.slots.Unready() == 0 {
		r.box.Event(core.Event{Kind: EventReady, View: v.ID})
	}
	r.meetPeers(old, v)
	r.beginStreams()
	r.restartInquiry()
	r.exchanges = nil
	r.beginHandoffs()
	for _, p := range slices.Clone(r.peers) {
		switch {
		case first && old == nil && v.ID.Author != r.cfg.Self:
			p.exchanged, p.inquired = true, r.boots.inquiry // no node had data; those that are told will look
		case r.mayPass(v, p):
			p.exchanged = true
		default:
			r.exchangeWith(p)
		}
	}
	r.synced = false
	r.cuts, r.drained = gc.CutMaker{}, nil
	r.collector.Close()
	r.views.Reach()
	r.commit()
	r.reroute()
	r.checkSynced()
	r.alarm(r.now + gossipEvery) // gossip goes on where nothing else is to be done
}

// followsOn reports that v replaces the view that is held, and nothing that this
// node may have missed.
func (r *Replica) followsOn(v *wire.View) bool {
	if r.view == nil {
		return false
	}
	for _, s := range v.Saw {
		if !s.View.IsZero() && s.View != r.view.ID {
			return false
		}
	}
	return true
}

// hasOnePredecessor reports that all views that the author heard of are one.
func hasOnePredecessor(v *wire.View) bool {
	var one ids.View
	for _, s := range v.Saw {
		if !s.View.IsZero() && !one.IsZero() && s.View != one {
			return false
		}
		if !s.View.IsZero() {
			one = s.View
		}
	}
	return true
}

// firstOfAll reports that nobody had a view before: nobody has data.
func firstOfAll(v *wire.View) bool {
	for _, m := range v.Layout.Members() {
		if !slices.ContainsFunc(v.Saw, func(s wire.Sighting) bool { return s.Node == m.ID && s.View.IsZero() }) {
			return false
		}
	}
	return len(v.Ancestors) == 0 && len(v.Sources) == 0
}

// mayPass reports that no exchange with a far member is needed at once: it had no view
// when v was made, so it had no data. If it came to have data before it adopted v, v's
// author has seen that, or the member hands it off. The author exchanges with every
// member: it answers an operator, who may have told others before.
func (r *Replica) mayPass(v *wire.View, p *peer) bool {
	return p.Far() && v.ID.Author != r.cfg.Self &&
		slices.ContainsFunc(v.Saw, func(s wire.Sighting) bool { return s.Node == p.id && s.View.IsZero() })
}

// meetPeers lists the other members, and those of the views before that are none any
// more and may still have data.
func (r *Replica) meetPeers(old, v *wire.View) {
	before := r.peers
	r.peers = nil
	entry := r.catalog.Get(v.ID)
	for _, m := range v.Layout.Members() {
		if m.ID == r.cfg.Self {
			continue
		}
		p := &peer{id: m.ID, at: m, member: true, Contact: peers.Member(r.views.Silence(m.ID))}
		shard, _ := entry.ShardOf(m.ID)
		p.replica = r.member && shard == r.shard
		for _, q := range before {
			if q.id == m.ID {
				p.Resume(&q.Contact)
			}
		}
		r.peers = append(r.peers, p)
	}
	former := func(m wire.Member) {
		source := slices.ContainsFunc(v.Sources, func(s wire.Member) bool { return s.ID == m.ID })
		if m.ID != r.cfg.Self && r.peer(m.ID) == nil && r.member && !source && r.forgotten(m.ID) == nil && !mutant.On(mutant.CausalNoFormerMembers) {
			r.addPeer(&peer{id: m.ID, at: m, former: true})
		}
	}
	for _, q := range before {
		if q.former || q.guest {
			former(q.at)
		}
	}
	for _, m := range r.outside { // whom it was with before it was told a view without it
		former(m)
	}
	if old != nil {
		for _, m := range old.Layout.Members() {
			former(m)
		}
	}
	for _, m := range v.Sources {
		if m.ID != r.cfg.Self && r.peer(m.ID) == nil && r.member {
			r.addPeer(&peer{id: m.ID, at: m, guest: true})
		}
	}
	r.meetOutside(old, before)
	r.change.Alumni, r.change.AlumniSet = r.former(), true
}

// hearOfFormer takes in which former members another node knows, of this view or one
// that it replaces: who knew them may lose its memory.
func (r *Replica) hearOfFormer(m *wire.Digest) {
	ours := m.View == r.viewID() || m.Layout == r.layout || r.view.Descends(m.View)
	if !ours || !r.member || mutant.On(mutant.CausalNoFormerMembers) {
		return
	}
	news := false
	for _, at := range m.Former {
		if at.ID != r.cfg.Self && r.peer(at.ID) == nil && !slices.Contains(r.drained, at.ID) && r.forgotten(at.ID) == nil && len(r.peers) < maxPeers {
			p := &peer{id: at.ID, at: at, former: true, Contact: peers.Heard(r.now, 0)}
			r.addPeer(p)
			r.exchangeWith(p)
			news = true
		}
	}
	if news {
		r.restartInquiry()
		r.synced = false
		r.change.Alumni, r.change.AlumniSet = r.former(), true
		r.commit()
		r.views.Reach()
	}
}

// meetOutside keeps who was in the views before within reach, and in mind, while this
// node is in no view: they may come for what it has, or have something themselves.
func (r *Replica) meetOutside(old *wire.View, before []*peer) {
	if r.member {
		r.outside = nil
		return
	}
	meet := func(m wire.Member) {
		r.outside = slices.DeleteFunc(r.outside, func(o wire.Member) bool { return o.ID == m.ID })
		if m.ID != r.cfg.Self && r.forgotten(m.ID) == nil {
			r.outside = append(r.outside, m)
		}
	}
	for _, p := range before {
		if p.former {
			meet(p.at)
		}
	}
	if old != nil {
		for _, m := range old.Layout.Members() {
			meet(m)
		}
	}
}

func (r *Replica) addPeer(p *peer) {
	i, _ := slices.BinarySearchFunc(r.peers, p.id, func(p *peer, id ids.Node) int { return cmp.Compare(p.id, id) })
	r.peers = slices.Insert(r.peers, i, p)
}

// exchanged notes that an exchange with a peer is over.
func (r *Replica) exchanged(p *peer, x *exchange) {
	digest := x.Digest()
	if !p.exchanged {
		r.moved()
	}
	p.exchanged, p.exchangedAt = true, r.now
	if digest != nil && (p.former || !digest.Unsynced && !r.tellsOfOthers(digest) && (p.guest || digest.Frozen || digest.View == r.viewID())) {
		p.inquired = x.Inquiry() // it knows of no other node that may have data, and takes none from one
	}
	if p.former {
		r.exchangedFormer(p, x)
	}
	r.endStreams()
	r.checkSynced()
}

// tellsOfOthers reports that a node knows another one that may have data and is no peer
// of this node, because operators have parted them. That one may hold what the node
// released before it was told another layout.
func (r *Replica) tellsOfOthers(m *wire.Digest) bool {
	return slices.ContainsFunc(m.Former, func(at wire.Member) bool {
		return at.ID != r.cfg.Self && r.peer(at.ID) == nil && !slices.Contains(r.drained, at.ID) && r.forgotten(at.ID) == nil
	})
}

// exchangedFormer finds out whether the owners have what a former member holds. Either
// they have acknowledged it, or this node, which no longer waits for them, has taken
// all of it.
func (r *Replica) exchangedFormer(p *peer, x *exchange) {
	e := peers.Exchange{Relayed: x.Relay(), Trip: x.Trip()}
	if d := x.Digest(); d != nil {
		e.Answered, e.Frozen = true, d.Frozen
		e.AllAcked, e.AllActive = r.allAcked(d.Acked), r.allAcked(d.Acked, d.Requesting)
	}
	r.alarm(p.draining.NoteExchange(r.now, e))
	r.handOffArrivals()
}

// allAcked reports that every other member has acknowledged what it owns. Replicas
// count, too: their data is this node's, but they may be of another view.
func (r *Replica) allAcked(lists ...[]wire.NodeBoot) bool {
	for _, p := range r.peers {
		boot := wire.NodeBoot{Node: p.id, Boot: p.Boot}
		if p.member && !slices.ContainsFunc(lists, func(list []wire.NodeBoot) bool { return slices.Contains(list, boot) }) {
			return false
		}
	}
	return true
}

// handOffArrivals hands off what has come here for others since the last hand-off.
func (r *Replica) handOffArrivals() {
	if r.slots.ForOthers() && r.slots.Uncounted() {
		r.beginHandoffs()
	}
}

// Refresh exchanges with everybody once more: an operator has put the view again.
func (r *Replica) Refresh() {
	if r.view == nil {
		return
	}
	r.synced = false
	for _, p := range slices.Clone(r.peers) {
		p.exchanged, p.apart = false, false
		r.exchangeWith(p)
	}
	r.views.Reach()
	r.checkSynced()
}

// checkSynced finds out whether this node has brought in, and handed over, all that it
// can with the nodes that it reaches.
func (r *Replica) checkSynced() {
	if r.view == nil {
		return
	}
	r.forgetFormer()
	all, exchanged := true, true
	for _, p := range r.peers {
		if !r.reachable(p) {
			continue
		}
		done := p.exchanged && p.offer == nil && (p.draining.HandedOver || !p.former)
		all = all && done
		exchanged = exchanged && p.exchanged
		if !done {
			r.alarm(p.ReachableUntil(r.since) + 1)
		}
	}
	if exchanged {
		r.serveAll()
	} else if r.slots.Unready() > 0 {
		if r.now-r.movedAt >= stalled {
			r.box.Event(core.Event{Kind: EventReadyUnproven, View: r.view.ID, Count: uint64(r.slots.Unready())})
			r.serveAll()
		}
		r.alarm(r.movedAt + stalled)
	}
	if all && r.slots.Unready() == 0 && !r.synced {
		r.synced = true
		r.endStreams() // there may be no node to exchange with
		r.box.Event(core.Event{Kind: EventSynced, View: r.view.ID})
	}
}

// serveAll makes all owned slots ready.
func (r *Replica) serveAll() {
	if r.slots.Unready() == 0 {
		return
	}
	for i := range r.slots.Len() {
		at := hashing.Slot(i)
		if s := r.slots.At(at); s.Owned() && !s.Ready() {
			r.slots.RaiseGCCounter(at, r.collector.Counter)
			r.makeReady(at)
		}
	}
}

// forgetFormer forgets former members that take no writes any more, when all they had
// has come to its owners.
func (r *Replica) forgetFormer() {
	n, holds := len(r.peers), r.slots.ForOthers()
	r.peers = slices.DeleteFunc(r.peers, func(p *peer) bool {
		done := p.former && p.draining.Drained && !holds && r.exchangeOf(p) == nil
		if done && r.now < p.receipt.SentAt()+forgetDelay {
			r.alarm(p.receipt.SentAt() + forgetDelay)
			done = false
		}
		if done {
			r.drained = append(r.drained, p.id)
		}
		if done && p.Boot != 0 {
			r.noteBoot(p.id, p.Boot)
		}
		return done
	})
	if len(r.peers) < n {
		r.change.Alumni, r.change.AlumniSet = r.former(), true
		r.commit()
		r.box.Event(core.Event{Kind: EventFormerDrained, View: r.view.ID, Count: uint64(n - len(r.peers))})
		r.views.Reach()
	}
}
