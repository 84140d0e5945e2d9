package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnBaseCheckReply tells a node outside the view whether the primary's active base contains its
// ballot. If it does not, and a higher view of the list stands, the list gets an id above that
// view, with this node as a source.
func (mgr *Manager) OnBaseCheckReply(_ wire.Header, m *wire.BaseCheckReply) {
	p := mgr.findPut(m.PutID)
	if p == nil {
		return
	}
	p.primaryProgress = m.Progress
	if m.Contained {
		p.covered = true
		mgr.check(p)
		return
	}
	higher := p.made && p.higher.View.Compare(p.view.ID) > 0 && mgr.viewID() == p.view.ID
	if m.Serving && higher && !p.member && p.newIDs < maxNewIDs {
		// The view that stands was made without knowledge of this node's data.
		addAncestor(p.view, p.higher.View, p.higher.Renewed)
		mgr.renumber(p, p.higher.View)
	}
}

// CheckPuts answers the PUTs that have become ready.
func (mgr *Manager) CheckPuts() {
	for _, p := range slices.Clone(mgr.puts) {
		mgr.check(p)
	}
}

// check answers a PUT if the node is ready to serve its view (docs/views.md §4).
func (mgr *Manager) check(p *put) {
	if p.stage == querying || mgr.findPut(p.id) == nil || !mgr.ready(p) {
		return
	}
	mgr.finish(p, core.ViewServed)
}

// ready reports whether a PUT may be answered with 200. A member needs its own models ready. A
// node outside needs its data at the members, and the view at all members that answered.
func (mgr *Manager) ready(p *put) bool {
	if mutant.On(mutant.AnswerBeforeReady) {
		return true
	}
	if p.member {
		return mgr.local.Serving()
	}
	causal, only := mgr.local.HandedOver()
	return causal && (only || p.covered || mgr.noHistory()) && mgr.acceptedByAll(p)
}

// acceptedByAll reports whether every member that answered the query holds the view. A node
// outside the view gets no hellos of them, so nothing else tells it.
func (mgr *Manager) acceptedByAll(p *put) bool {
	if !p.made {
		return true
	}
	for a := range p.answers {
		if !a.accepted {
			return false
		}
	}
	return true
}

// finishOvertaken answers the open PUTs of other lists than that of v: v was adopted instead of
// their views.
func (mgr *Manager) finishOvertaken(v *wire.View) {
	for _, p := range slices.Clone(mgr.puts) {
		if p.stage != querying && p.view != nil && p.view != v && !p.layout.Equal(v.Layout) {
			mgr.finish(p, core.ViewOvertaken)
		}
	}
}

// finish answers a PUT. After a dry run its peers stay dialled until the next tick, because the
// PUT of the same list often follows at once.
func (mgr *Manager) finish(p *put, o core.Outcome) {
	mgr.puts = slices.DeleteFunc(mgr.puts, func(q *put) bool { return q == p })
	report := mgr.report(p)
	if mgr.undialAtTick = mgr.undialAtTick || p.dryRun; !p.dryRun {
		mgr.reach()
	}
	mgr.box.Reply(core.Reply{Token: p.token, Outcome: o, View: report})
}

// Abandon forgets the PUT of a client that has left; false: the token is not of a PUT. A view
// that the PUT made stays in force.
func (mgr *Manager) Abandon(token ids.Token) bool {
	for _, p := range mgr.puts {
		if p.token == token {
			mgr.puts = slices.DeleteFunc(mgr.puts, func(q *put) bool { return q == p })
			mgr.reach()
			return true
		}
	}
	return false
}

func (mgr *Manager) tickPuts() {
	for _, p := range slices.Clone(mgr.puts) {
		mgr.tickPut(p)
	}
}

// tickPut repeats what has no answer, and answers the PUT when its time is up (docs/views.md §2).
func (mgr *Manager) tickPut(p *put) {
	if p.stage == querying {
		if mgr.now >= p.resend {
			mgr.ask(p)
		}
		mgr.conclude(p)
		return
	}
	mgr.check(p)
	if mgr.findPut(p.id) == nil {
		return
	}
	if now := mgr.progress() + p.primaryProgress; now != p.lastProgress {
		p.lastProgress, p.progressAt = now, mgr.now
	}
	if mgr.now-p.progressAt >= putStalled || mgr.now-p.begun >= p.limit || mgr.onlyForeign(p) && mgr.now-p.begun >= putForeign {
		mgr.finish(p, core.ViewUnready)
		return
	}
	if p.made && mgr.now >= p.resend && mgr.viewID() == p.view.ID {
		mgr.resendView(p)
	}
	if !p.member && !p.covered && !mgr.noHistory() {
		mgr.askCovered(p)
	}
}

// progress sums up the progress of this node and of all members. A PUT at this node may wait
// for data that other members still receive.
func (mgr *Manager) progress() uint64 {
	sum := mgr.local.Progress()
	for i := range mgr.heard {
		sum += mgr.heard[i].progress
	}
	return sum
}

// askCovered asks the primary whether its active base contains this node's ballot.
func (mgr *Manager) askCovered(p *put) {
	if id, ok := p.view.Primary(); ok {
		mgr.box.Ask(id, &wire.BaseCheck{PutID: p.id, Ballot: mgr.local.Ballot()})
	}
}
