package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Adopt makes v the view of this node (docs/causal.md §7.1). The caller, package view, has
// decided that v may replace the present view. v must not be changed afterwards.
func (r *Replica) Adopt(v *wire.View) {
	first := membership.FirstOfAll(v)
	if r.view.None() && !first {
		r.boots.NoteBlank()
	}
	r.adopt(v, r.view.FollowsOn(v), first)
}

// adopt makes v the view. With keepReady ready slots stay ready. first says that v is a first
// view, in which no node has data (docs/causal.md §7.1, rule 6). The streams of the old view go
// into K before the slots are assigned anew.
func (r *Replica) adopt(v *wire.View, keepReady, first bool) {
	old := r.view.Held()
	r.readmit(v)
	r.foldTracks()
	r.holdView(v)
	r.slots.Assign(r.view.Owns, keepReady, first, r.collector.Counter)
	r.enter(old, first)
}

// holdView makes v the view that is held, durably.
func (r *Replica) holdView(v *wire.View) {
	if entry, isNew := r.view.Adopt(v, r.step.Now()); isNew {
		r.step.Change.Views = append(r.step.Change.Views, entry)
	}
}

// enter begins the work in the view, after old, in which slots are assigned already. Peers must be
// known before exchanges and hand-offs begin.
func (r *Replica) enter(old *wire.View, first bool) {
	v := r.view.Held()
	r.movedAt = r.step.Now()
	if r.view.Member() && r.slots.Unready() == 0 {
		r.step.Event(core.Event{Kind: EventReady, View: v.ID})
	}
	r.peers.Meet(old, v)
	clear(r.offers)
	clear(r.receipts)
	r.beginStreams()
	r.boots.Restart()
	r.exchanges = nil
	r.beginHandoffs()
	for _, p := range slices.Clone(r.peers.All()) {
		switch {
		case first && old == nil && v.ID.Author != r.cfg.Self:
			p.Exchanged, p.Inquired = true, r.boots.Inquiry() // no member had data; only the author exchanges (docs/causal.md §7.1, rule 7)
		case r.peers.MayPass(v, p):
			p.Exchanged = true
		default:
			r.exchangeWith(p)
		}
	}
	r.synced = false
	r.cuts = gc.CutMaker{}
	r.collector.Close()
	r.peers.Reach()
	r.step.Commit()
	r.requests.Reroute()
	r.checkSynced()
	r.step.Alarm(r.step.Now() + gossipEvery)
}

// hearOfFormer takes over the former members that a Digest lists, if its sender is of this
// group (docs/causal.md §7.2, rule 4). So the list survives any one node that loses its
// memory. An inquiry begins again for each new former member.
func (r *Replica) hearOfFormer(m *wire.Digest) {
	if !r.view.Ours(m.View, m.Layout) || mutant.On(mutant.CausalNoFormerMembers) {
		return
	}
	news := false
	for _, at := range m.Former {
		if p := r.peers.HearOfFormer(at); p != nil {
			r.exchangeWith(p)
			news = true
		}
	}
	if news {
		r.boots.Restart()
		r.synced = false
		r.peers.Persist()
		r.step.Commit()
		r.peers.Reach()
	}
}

// exchanged notes that an exchange with a peer is over, or that none was needed. A former member
// has answered the inquiry then. Another peer has if its Digest is not unsynced, names no parted
// node, and comes from a guest, from this view, or from a node that takes no writes
// (docs/causal.md §10, rules 11 and 12).
func (r *Replica) exchanged(p *peers.Peer, x *exchange) {
	digest := x.Digest()
	if !p.Exchanged {
		r.moved()
	}
	p.Exchanged, p.ExchangedAt = true, r.step.Now()
	if digest != nil && (p.Former || !digest.Unsynced && !r.peers.TellsOfOthers(digest) && (p.Guest || digest.Frozen || digest.View == r.view.ID())) {
		p.Inquired = x.Inquiry()
	}
	if p.Former {
		r.exchangedFormer(p, x)
	}
	r.endStreams()
	r.checkSynced()
}

// exchangedFormer finds out, after an exchange, whether the owners have what a former member
// holds: they have acknowledged it, or this node has relayed it (docs/causal.md §7.4).
func (r *Replica) exchangedFormer(p *peers.Peer, x *exchange) {
	e := peers.Exchange{Relayed: x.Relay(), Trip: x.Trip()}
	if d := x.Digest(); d != nil {
		e.Answered, e.Frozen = true, d.Frozen
		e.AllAcked, e.AllActive = r.peers.AllAcked(d.Acked), r.peers.AllAcked(d.Acked, d.Requesting)
	}
	r.step.Alarm(p.Draining.NoteExchange(r.step.Now(), e))
	r.handOffArrivals()
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
	for _, p := range slices.Clone(r.peers.All()) {
		p.Exchanged, p.Apart = false, false
		r.exchangeWith(p)
	}
	r.peers.Reach()
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
	for _, p := range r.peers.All() {
		if !r.peers.Reachable(p) {
			continue
		}
		done := p.Exchanged && r.offers[p] == nil && (p.Draining.HandedOver || !p.Former)
		all = all && done
		exchanged = exchanged && p.Exchanged
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
	holds := r.slots.ForOthers()
	gone := r.peers.RemoveDrained(func(p *peers.Peer) bool {
		forgetAt := r.receipt(p).SentAt() + forgetDelay
		done := p.Draining.Drained && !holds && r.exchangeOf(p) == nil
		if done && r.step.Now() < forgetAt {
			r.step.Alarm(forgetAt)
			return false
		}
		return done
	})
	for _, p := range gone {
		if p.Boot != 0 {
			r.boots.Note(p.ID, p.Boot)
		}
	}
	if len(gone) > 0 {
		r.peers.Persist()
		r.step.Commit()
		r.step.Event(core.Event{Kind: EventFormerDrained, View: r.view.ID(), Count: uint64(len(gone))})
		r.peers.Reach()
	}
}
