package round

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// decide decides the base when all members have joined, and the sources have joined or their
// time is up. It decides again only after a join, a report, or the end of patience. While a
// ballot is owed, the round stays in Collecting (I24).
func (r *Round) decide(now wire.Instant) Outcome {
	if r.phase != Collecting || !r.news || !r.allJoined(now) {
		return Nothing
	}
	r.news = false
	r.decision = recovery.Decide(recovery.Input{
		Self: r.cfg.Self, Boot: r.cfg.Boot, Members: r.cfg.Members, Joins: r.joins,
		Force: r.cfg.View.Force, PastLimit: r.cfg.PastLimit,
	})
	r.reportDropped()
	r.lack(r.judgeOwed())
	if len(r.owed) > 0 {
		return Nothing
	}
	for _, m := range r.cfg.Members {
		i := slices.IndexFunc(r.joins, func(j recovery.Join) bool { return j.Node == m.ID })
		r.bound = append(r.bound, wire.Sighting{Node: m.ID, Inc: r.joins[i].Inc, View: r.cfg.View.ID})
	}
	r.phase = Fetching
	r.box.Event(core.Event{Kind: EventDecided, Ballot: r.cfg.Ballot, Count: r.decision.Base.Length})
	return Decided
}

// allJoined reports whether no node is waited for any more: members without a limit (I5), sources
// for sourceTimeout.
func (r *Round) allJoined(now wire.Instant) bool {
	for _, m := range r.cfg.Members {
		if !r.HasJoined(m.ID) {
			return false
		}
	}
	for _, m := range r.cfg.View.Sources {
		if !r.HasJoined(m.ID) && now < r.begun+sourceTimeout {
			return false
		}
	}
	return true
}

// reportDropped reports the histories that did not count.
func (r *Round) reportDropped() {
	if n := r.decision.Dropped; n > 0 {
		r.box.Event(core.Event{Kind: EventStagedDropped, Ballot: r.cfg.Ballot, Count: uint64(n)})
	}
	if n := r.decision.TooOld; n > 0 {
		r.box.Event(core.Event{Kind: EventForgotten, Ballot: r.cfg.Ballot, Count: uint64(n)})
	}
}
