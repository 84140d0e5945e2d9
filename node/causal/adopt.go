package causal

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Adopt makes v the view of this node (docs/causal.md §7.1). The caller, package view, has
// decided that v may replace the present view. v must not be changed afterwards.
func (r *Replica) Adopt(v *wire.View) { r.adopt(v, membership.FirstOfAll(v)) }

// Recovered makes v the view of a node whose machine starts with a view. It is called at most
// once, before any other input. Causal buckets are not recovered: this boot begins with
// nothing, under new streams (I16; docs/causal.md §11, rule 4).
func (r *Replica) Recovered(v *wire.View) {
	r.step.Change.Reset = true
	r.adopt(v, false)
}

// adopt makes v the view. first says that v is a first view, in which no node has data
// (docs/causal.md §7.1, rule 6). The streams of the old view go into K before the slots are
// assigned anew. Peers must be known before exchanges and hand-offs begin.
func (r *Replica) adopt(v *wire.View, first bool) {
	old, followsOn := r.view.Held(), r.view.FollowsOn(v)
	r.readmit(v)
	r.foldTracks()
	r.movedAt = r.step.Now()
	if old == nil && !first {
		r.boots.NoteBlank()
	}
	if entry, isNew := r.view.Adopt(v, r.step.Now()); isNew {
		r.step.Change.Views = append(r.step.Change.Views, entry)
	}
	r.slots.Assign(r.view.Owns, followsOn, first, r.collector.Counter)
	if r.view.Member() && r.slots.Unready() == 0 {
		r.step.Event(core.Event{Kind: EventReady, View: v.ID})
	}
	r.meetPeers(old, v)
	r.beginStreams()
	r.boots.Restart()
	r.exchanges = nil
	r.beginHandoffs()
	for _, p := range slices.Clone(r.peers) {
		switch {
		case first && old == nil && v.ID.Author != r.cfg.Self:
			p.exchanged, p.inquired = true, r.boots.Inquiry() // no member had data; only the author exchanges (docs/causal.md §7.1, rule 7)
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
	r.step.Commit()
	r.reroute()
	r.checkSynced()
	r.step.Alarm(r.step.Now() + gossipEvery)
}

// mayPass reports that this node need not exchange with a far member after adopting v
// (docs/causal.md §7.1, rule 8). The member had no view when v's author asked, and so no
// data. Data that the member got before it adopted v is handed off by the member. The author
// passes over no member: another first view may have been made that the author has not heard of.
func (r *Replica) mayPass(v *wire.View, p *peer) bool {
	return p.Far() && v.ID.Author != r.cfg.Self &&
		slices.ContainsFunc(v.Saw, func(s wire.Sighting) bool { return s.Node == p.id && s.View.IsZero() })
}

// meetPeers makes the list of peers of v: the other members, the former members, and the
// guests (docs/causal.md §7.2, rule 1). A member of the last view that v lacks becomes a
// former member, since it may still have data that no owner has (I25).
func (r *Replica) meetPeers(old, v *wire.View) {
	before := r.peers
	r.peers = nil
	for _, m := range v.Layout.Members() {
		if m.ID == r.cfg.Self {
			continue
		}
		p := &peer{id: m.ID, at: m, member: true, Contact: peers.Member(r.views.Silence(m.ID))}
		p.replica = r.view.Replica(m.ID)
		for _, q := range before {
			if q.id == m.ID {
				p.Resume(&q.Contact)
			}
		}
		r.peers = append(r.peers, p)
	}
	former := func(m wire.Member) {
		source := slices.ContainsFunc(v.Sources, func(s wire.Member) bool { return s.ID == m.ID })
		if m.ID != r.cfg.Self && r.peer(m.ID) == nil && r.view.Member() && !source && !r.boots.Forgotten(m.ID) && !mutant.On(mutant.CausalNoFormerMembers) {
			r.addPeer(&peer{id: m.ID, at: m, former: true})
		}
	}
	for _, q := range before {
		if q.former || q.guest {
			former(q.at)
		}
	}
	for _, m := range r.outside { // this node was outside its view until now
		former(m)
	}
	if old != nil {
		for _, m := range old.Layout.Members() {
			former(m)
		}
	}
	for _, m := range v.Sources {
		if m.ID != r.cfg.Self && r.peer(m.ID) == nil && r.view.Member() {
			r.addPeer(&peer{id: m.ID, at: m, guest: true})
		}
	}
	r.meetOutside(old, before)
	r.step.Change.Alumni, r.step.Change.AlumniSet = r.former(), true
}

// hearOfFormer takes over the former members that a Digest lists, if its sender is of this
// group (docs/causal.md §7.2, rule 4). So the list survives any one node that loses its
// memory. An inquiry begins again for each new former member.
func (r *Replica) hearOfFormer(m *wire.Digest) {
	if !r.view.Ours(m.View, m.Layout) || !r.view.Member() || mutant.On(mutant.CausalNoFormerMembers) {
		return
	}
	news := false
	for _, at := range m.Former {
		if at.ID != r.cfg.Self && r.peer(at.ID) == nil && !slices.Contains(r.drained, at.ID) && !r.boots.Forgotten(at.ID) && len(r.peers) < maxPeers {
			p := &peer{id: at.ID, at: at, former: true, Contact: peers.Heard(r.step.Now(), 0)}
			r.addPeer(p)
			r.exchangeWith(p)
			news = true
		}
	}
	if news {
		r.boots.Restart()
		r.synced = false
		r.step.Change.Alumni, r.step.Change.AlumniSet = r.former(), true
		r.step.Commit()
		r.views.Reach()
	}
}

// meetOutside remembers the members and former members of earlier views while this node is
// outside its view. They may take what this node holds, or have data themselves, so they
// stay dialled (docs/causal.md §7.2, rule 2).
func (r *Replica) meetOutside(old *wire.View, before []*peer) {
	if r.view.Member() {
		r.outside = nil
		return
	}
	meet := func(m wire.Member) {
		r.outside = slices.DeleteFunc(r.outside, func(o wire.Member) bool { return o.ID == m.ID })
		if m.ID != r.cfg.Self && !r.boots.Forgotten(m.ID) {
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

// addPeer adds a peer that is not listed yet, in the order of ids.
func (r *Replica) addPeer(p *peer) {
	i, _ := slices.BinarySearchFunc(r.peers, p.id, func(p *peer, id ids.Node) int { return cmp.Compare(p.id, id) })
	r.peers = slices.Insert(r.peers, i, p)
}

// exchanged notes that an exchange with a peer is over, or that none was needed. A former member
// has answered the inquiry then. Another peer has if its Digest is not unsynced, names no parted
// node, and comes from a guest, from this view, or from a node that takes no writes
// (docs/causal.md §10, rules 11 and 12).
func (r *Replica) exchanged(p *peer, x *exchange) {
	digest := x.Digest()
	if !p.exchanged {
		r.moved()
	}
	p.exchanged, p.exchangedAt = true, r.step.Now()
	if digest != nil && (p.former || !digest.Unsynced && !r.tellsOfOthers(digest) && (p.guest || digest.Frozen || digest.View == r.view.ID())) {
		p.inquired = x.Inquiry()
	}
	if p.former {
		r.exchangedFormer(p, x)
	}
	r.endStreams()
	r.checkSynced()
}

// tellsOfOthers reports that a Digest names a former member that is no peer of this node,
// because operators have parted the two. The sender may have released slots to that node
// before, so its answer proves no loss (docs/causal.md §10, rule 12).
func (r *Replica) tellsOfOthers(m *wire.Digest) bool {
	return slices.ContainsFunc(m.Former, func(at wire.Member) bool {
		return at.ID != r.cfg.Self && r.peer(at.ID) == nil && !slices.Contains(r.drained, at.ID) && !r.boots.Forgotten(at.ID)
	})
}

// exchangedFormer finds out, after an exchange, whether the owners have what a former member
// holds: they have acknowledged it, or this node has relayed it (docs/causal.md §7.4).
func (r *Replica) exchangedFormer(p *peer, x *exchange) {
	e := peers.Exchange{Relayed: x.Relay(), Trip: x.Trip()}
	if d := x.Digest(); d != nil {
		e.Answered, e.Frozen = true, d.Frozen
		e.AllAcked, e.AllActive = r.allAcked(d.Acked), r.allAcked(d.Acked, d.Requesting)
	}
	r.step.Alarm(p.draining.NoteExchange(r.step.Now(), e))
	r.handOffArrivals()
}

// allAcked reports that every other member, in its known boot, is in one of some lists.
// Members of this node's shard count, too. They own the same slots, but this node's copy is
// not theirs.
func (r *Replica) allAcked(lists ...[]wire.NodeBoot) bool {
	for _, p := range r.peers {
		boot := wire.NodeBoot{Node: p.id, Boot: p.Boot}
		if p.member && !slices.ContainsFunc(lists, func(list []wire.NodeBoot) bool { return slices.Contains(list, boot) }) {
			return false
		}
	}
	return true
}

// handOffArrivals begins the hand-off again if slots held for others have come, or have
// changed, since their owners were counted (docs/causal.md §7.3, rule 8).
func (r *Replica) handOffArrivals() {
	if r.slots.ForOthers() && r.slots.Uncounted() {
		r.beginHandoffs()
	}
}

// Refresh exchanges with every peer once more, parted ones too, because an operator has put
// the same view again (docs/causal.md §6.6, rule 1).
func (r *Replica) Refresh() {
	if r.view.None() {
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

// checkSynced finds out whether this node is synced (docs/causal.md §7.6, rule 1), and makes
// owned slots ready by rules 2 and 3 of docs/causal.md §7.5. An unreachable peer holds up
// neither: a read without a session may then be shown an older value, as at any replica that is
// cut off.
func (r *Replica) checkSynced() {
	if r.view.None() {
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
			r.step.Alarm(p.ReachableUntil(r.view.Since()) + 1)
		}
	}
	if exchanged {
		r.serveAll()
	} else if r.slots.Unready() > 0 {
		if r.step.Now()-r.movedAt >= stalled {
			r.step.Event(core.Event{Kind: EventReadyUnproven, View: r.view.ID(), Count: uint64(r.slots.Unready())})
			r.serveAll()
		}
		r.step.Alarm(r.movedAt + stalled)
	}
	if all && r.slots.Unready() == 0 && !r.synced {
		r.synced = true
		r.endStreams() // a node without peers has no exchange that ends an inquiry
		r.step.Event(core.Event{Kind: EventSynced, View: r.view.ID()})
	}
}

// serveAll makes all owned slots ready, by rule 2 or 3 of docs/causal.md §7.5. No ready
// holder has told the GC counters of the slots, so that of the node counts (docs/causal.md
// §7.1, rule 4).
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

// forgetFormer forgets drained former members (docs/causal.md §7.4, rule 6). Only then can
// nothing be lost by forgetting them (I25). A short delay lets the last acknowledgement
// arrive, so that the former member releases what it holds.
func (r *Replica) forgetFormer() {
	n, holds := len(r.peers), r.slots.ForOthers()
	r.peers = slices.DeleteFunc(r.peers, func(p *peer) bool {
		done := p.former && p.draining.Drained && !holds && r.exchangeOf(p) == nil
		if done && r.step.Now() < p.receipt.SentAt()+forgetDelay {
			r.step.Alarm(p.receipt.SentAt() + forgetDelay)
			done = false
		}
		if done {
			r.drained = append(r.drained, p.id)
		}
		if done && p.Boot != 0 {
			r.boots.Note(p.id, p.Boot)
		}
		return done
	})
	if len(r.peers) < n {
		r.step.Change.Alumni, r.step.Change.AlumniSet = r.former(), true
		r.step.Commit()
		r.step.Event(core.Event{Kind: EventFormerDrained, View: r.view.ID(), Count: uint64(n - len(r.peers))})
		r.views.Reach()
	}
}
