package put

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/view/query"
	"github.com/cohortkv/cohort/node/wire"
)

// ask sends the query to the members that have not answered it.
func (s *Puts) ask(p *put) {
	p.resend = s.now + queryResend
	q := &wire.Query{PutID: p.id, Ballot: s.history.Ballot()} // one for all: it is encoded once
	for i := range p.query.Members {
		if m := &p.query.Members[i]; m.Reply == nil {
			s.box.Ask(m.ID, q)
		}
	}
}

// OnQueryReply records what a member holds.
func (s *Puts) OnQueryReply(h wire.Header, m *wire.QueryReply) {
	p := s.find(m.PutID)
	if p != nil && p.stage == querying && p.query.Record(h, m) {
		s.conclude(p)
	}
}

// conclude ends the query when all members have answered or the time is up. It decides whether
// the list is in force already, or needs a new view.
func (s *Puts) conclude(p *put) {
	if !p.query.Complete() && s.now-p.begun < querySilence {
		return
	}
	if p.twinAt, p.twin = p.query.IDTaken(); p.twin {
		s.host.GiveWay(p.twinAt, p.query.Member(p.twinAt).Reply.View.ID)
		s.finish(p, core.ViewUnready)
		return
	}
	v := p.query.InForce(s.blank())
	if v == nil {
		p.loss = p.query.Loss(query.Own{Data: s.history.Data(), Expects: s.cfg.Expects, HeardIn: s.peers.DataHeardIn()})
	}
	if p.dryRun {
		_, others, _ := p.query.ByCluster()
		s.noteForeign(others...)
		s.finish(p, core.ViewChecked)
		return
	}
	if v != nil {
		s.renew(p, v)
	} else {
		s.announce(p)
	}
	s.check(p)
}

// renew adopts the view under which the list is in force. It counts the renewals of the view up,
// and sends it to all its members. A view whose author knew of fewer renewals may not be followed
// any more. Without the count, the view of an old list could take over. Its author was cut off
// when the operator came back to the present list, and is heard again later
// (docs/decisions/0002-putting-a-view-again-renews-it.md).
func (s *Puts) renew(p *put, v *wire.View) {
	v = s.held.WithBirths(v)
	s.box.Event(core.Event{Kind: EventSame, View: v.ID})
	p.view, p.stage = v, waiting
	if s.held.ID() != v.ID {
		s.host.Adopt(v)
	}
	s.held.Renew(p.query.Renewals())
	s.host.Renewed()
	s.readiness.Refresh()
	p.view, p.made = s.held.View(), true
	s.sendView(p, firstPause)
}

// noteForeign records that members belong to another cluster and stay in it.
func (s *Puts) noteForeign(members ...*query.Member) {
	for _, m := range members {
		if !m.Foreign {
			m.Foreign = true
			s.box.Event(core.Event{Kind: EventForeign, Peer: m.ID, View: s.held.ID()})
		}
	}
}
