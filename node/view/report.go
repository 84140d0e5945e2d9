package view

import "github.com/cohortkv/cohort/node/core"

// report returns what a PUT has found out by its end, and reports its silent members as events.
func (mgr *Manager) report(p *put) *core.ViewReport {
	r := &core.ViewReport{Members: make([]core.MemberReport, len(p.peers)), Loss: p.loss, Twin: p.twin, TwinAt: p.twinAt}
	for i := range p.peers {
		a := &p.peers[i]
		m := &r.Members[i]
		m.Node, m.Stand = a.id, mgr.memberState(p, a)
		if a.r != nil {
			m.Held = a.r.View.ID
		}
		if m.Stand == core.MemberSilent && !p.dryRun {
			mgr.box.Event(core.Event{Kind: EventUnheard, Peer: a.id, View: mgr.viewID()})
		}
	}
	return r
}

// memberState says how a member takes the view of a PUT. A hello under that view counts as
// much as an answer.
func (mgr *Manager) memberState(p *put, a *putPeer) core.MemberStand {
	held := a.r != nil && p.view != nil && a.r.Present && a.r.View.ID == p.view.ID
	greets := false
	if p.view != nil && mgr.viewID() == p.view.ID {
		h := mgr.peer(a.id)
		greets = h != nil && !mgr.silent(h)
	}
	switch {
	case a.accepted, held, greets:
		return core.MemberFollows
	case a.foreign:
		return core.MemberForeign
	case a.r != nil:
		return core.MemberAnswered
	}
	return core.MemberSilent
}

// lossOf returns what data a new view of a PUT's list would be without (docs/views.md §2.2);
// nil: no loss is known. A loss is certain only if all members have answered. A node without
// data knows of data in two ways: it heard other nodes say in hellos that they had data, or
// its operator said so at its start.
func (mgr *Manager) lossOf(p *put) *core.Loss {
	if p.heard < len(p.peers) || mgr.local.Data() {
		return nil
	}
	l := &core.Loss{View: mgr.dataHeardIn}
	if mgr.expects && p.member {
		l.Expected = append(l.Expected, mgr.self)
	}
	some := false
	for a := range p.answers {
		some = some || a.r.Data
		if a.r.Heard.Compare(l.View) > 0 {
			l.View = a.r.Heard
		}
		if a.r.Expects && !a.r.Data {
			l.Expected = append(l.Expected, a.id)
		}
	}
	if l.View.IsZero() {
		if some || len(l.Expected) == 0 {
			return nil
		}
		return l
	}
	for a := range p.answers {
		if v := &a.r.View; a.r.Data && (v.ID == l.View || v.Descends(l.View)) {
			return nil
		}
	}
	return l
}
