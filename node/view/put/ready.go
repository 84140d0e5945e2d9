package put

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/view/query"
	"github.com/cohortkv/cohort/node/wire"
)

// Check answers the PUTs that have become ready.
func (s *Puts) Check() {
	for _, p := range slices.Clone(s.open) {
		s.check(p)
	}
}

// check answers a PUT if the node is ready to serve its view (docs/views.md §4).
func (s *Puts) check(p *put) {
	if p.stage == querying || s.find(p.id) == nil || !s.ready(p) {
		return
	}
	s.finish(p, core.ViewServed)
}

// ready reports whether a PUT may be answered with 200. A member needs its own models ready. A
// node outside needs its data at the members. If it made or renewed the view, every member that
// answered the query must hold it: that node gets no hellos of them, so nothing else tells it.
func (s *Puts) ready(p *put) bool {
	if p.query.Listed {
		return s.readiness.Serving()
	}
	causal, only := s.readiness.HandedOver()
	return causal && (only || p.covered || s.blank()) && (!p.made || p.query.AcceptedByAll())
}

// askCovered asks the primary whether its active base contains this node's ballot.
func (s *Puts) askCovered(p *put) {
	if id, ok := p.view.Primary(); ok {
		s.box.Ask(id, &wire.BaseCheck{PutID: p.id, Ballot: s.history.Ballot()})
	}
}

// OnBaseCheckReply tells a node outside the view whether the primary's active base contains its
// ballot. If it does not, and a higher view of the list stands, the list gets an id above that
// view, with this node as a source.
func (s *Puts) OnBaseCheckReply(r *wire.BaseCheckReply) {
	p := s.find(r.PutID)
	if p == nil {
		return
	}
	p.primaryProgress = r.Progress
	if r.Contained {
		p.covered = true
		s.check(p)
		return
	}
	higher := p.made && p.higher.View.Compare(p.view.ID) > 0 && s.held.ID() == p.view.ID
	if r.Serving && higher && !p.query.Listed && p.newIDs < maxNewIDs {
		// The view that stands was made without knowledge of this node's data.
		ancestry.Add(p.view, p.higher.View, p.higher.Renewed)
		s.renumber(p, p.higher.View)
	}
}

// Overtaken answers the open PUTs of other lists than that of v: v was adopted instead of
// their views.
func (s *Puts) Overtaken(v *wire.View) {
	for _, p := range slices.Clone(s.open) {
		if p.stage != querying && p.view != nil && p.view != v && !p.query.List.Equal(v.Layout) {
			s.finish(p, core.ViewOvertaken)
		}
	}
}

// finish answers a PUT. After a dry run its peers stay dialled until the next tick, because the
// PUT of the same list often follows at once.
func (s *Puts) finish(p *put, o core.Outcome) {
	s.forget(p)
	report := s.report(p)
	if p.dryRun {
		s.undialAtTick = true
	} else {
		s.host.Reach()
	}
	s.box.Reply(core.Reply{Token: p.token, Outcome: o, View: report})
}

// report returns what a PUT has found out by its end, and reports its silent members as events.
func (s *Puts) report(p *put) *core.ViewReport {
	r := &core.ViewReport{Members: make([]core.MemberReport, len(p.query.Members)), Loss: p.loss, Twin: p.twin, TwinAt: p.twinAt}
	for i := range p.query.Members {
		m := &p.query.Members[i]
		r.Members[i] = core.MemberReport{Node: m.ID, Stand: s.stand(p, m)}
		if m.Reply != nil {
			r.Members[i].Held = m.Reply.View.ID
		}
		if r.Members[i].Stand == core.MemberSilent && !p.dryRun {
			s.box.Event(core.Event{Kind: EventUnheard, Peer: m.ID, View: s.held.ID()})
		}
	}
	return r
}

// stand says how a member takes the view of a PUT. A hello under that view counts as much as an
// answer.
func (s *Puts) stand(p *put, m *query.Member) core.MemberStand {
	holds := m.Reply != nil && p.view != nil && m.Reply.Present && m.Reply.View.ID == p.view.ID
	greets := p.view != nil && s.held.ID() == p.view.ID && s.peers.Greets(m.ID, s.now)
	switch {
	case m.Accepted, holds, greets:
		return core.MemberFollows
	case m.Foreign:
		return core.MemberForeign
	case m.Reply != nil:
		return core.MemberAnswered
	}
	return core.MemberSilent
}
