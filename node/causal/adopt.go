package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/syncing"
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
	r.orders.Readmit(v)
	r.broadcast.End()
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
	r.ready.Begin()
	r.peers.Meet(old, v)
	r.handoffs.Reset()
	r.broadcast.Begin()
	r.boots.Restart()
	r.exchanges.Reset()
	r.handoffs.Restart()
	for _, p := range slices.Clone(r.peers.All()) {
		switch {
		case first && old == nil && v.ID.Author != r.cfg.Self:
			p.Exchanged, p.Inquired = true, r.boots.Inquiry() // no member had data; only the author exchanges (docs/causal.md §7.1, rule 7)
		case r.peers.MayPass(v, p):
			p.Exchanged = true
		default:
			r.exchanges.With(p)
		}
	}
	r.sync.Reset()
	r.surveys.Reset()
	r.peers.Reach()
	r.step.Commit()
	r.requests.Reroute()
	r.sync.Check()
	r.step.Alarm(r.step.Now() + syncing.GossipEvery)
}
