package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// OnBaseCheckReply tells a node outside the view that its data is in it.
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

// CheckPuts answers what has become ready.
func (mgr *Manager) CheckPuts() {
	for _, p := range slices.Clone(mgr.puts) {
		mgr.check(p)
	}
}

// check answers a PUT when the node is ready to serve its view (docs/views.md §4).
func (mgr *Manager) check(p *put) {
	if p.stage == querying || mgr.findPut(p.id) == nil || !mgr.ready(p) {
		return
	}
	mgr.finish(p, core.ViewServed)
}

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

// acceptedByAll reports whether every member that answered has accepted the view. A node
// outside the view has no other way to make sure.
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

// finishOvertaken answers the PUTs of other lists, whose place another view took.
func (mgr *Manager) finishOvertaken(v *wire.View) {
	for _, p := range slices.Clone(mgr.puts) {
		if p.stage != querying && p.view != nil && p.view != v && !p.layout.Equal(v.Layout) {
			mgr.finish(p, core.ViewOvertaken)
		}
	}
}

func (mgr *Manager) finish(p *put, o core.Outcome) {
	mgr.puts = slices.DeleteFunc(mgr.puts, func(q *put) bool { return q == p })
	report := mgr.report(p)
	if mgr.undialAtTick = mgr.undialAtTick || p.dryRun; !p.dryRun {
		mgr.reach()
	}
	mgr.box.Reply(core.Reply{Token: p.token, Outcome: o, View: report})
}

// Abandon forgets a PUT whose client has left.
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

// progress sums up what this node and the members have got done: this one may wait for
// what others bring in.
func (mgr *Manager) progress() uint64 {
	sum := mgr.local.Progress()
	for i := range mgr.heard {
		sum += mgr.heard[i].progress
	}
	return sum
}

func (mgr *Manager) askCovered(p *put) {
	if id, ok := p.view.Primary(); ok {
		mgr.box.Ask(id, &wire.BaseCheck{PutID: p.id, Ballot: mgr.local.Ballot()})
	}
}
