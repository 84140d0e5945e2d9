package put

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/view/query"
	"github.com/cohortkv/cohort/node/wire"
)

// announce makes a view of the list of a PUT, adopts it and sends it to its members. Its id is
// above all views that were heard of. The view goes to no other node (I23).
func (s *Puts) announce(p *put) {
	p.view = s.makeView(p)
	p.made, p.stage = true, announcing
	p.query.Unaccepted()
	s.host.Adopt(p.view)
	s.sendView(p, firstPause)
}

// makeView makes the view of a PUT from the answers of this cluster and from what this node
// holds (docs/views.md §2, rule 3).
func (s *Puts) makeView(p *put) *wire.View {
	kin, others, births := p.query.ByCluster()
	s.noteForeign(others...)
	p.newIDs++
	v := &wire.View{ID: s.held.NewID(highest(kin)), Layout: p.query.List, Force: p.query.Force}
	if own := s.held.View(); own != nil {
		v.Ancestors = own.Ancestors
		ancestry.Add(v, own.ID, own.Renewed)
	}
	ancestry.Record(v, wire.Sighting{Node: s.held.Self(), Inc: s.held.Inc(), View: s.held.ID()})
	ancestry.AddKnown(v, s.history.Ballot(), s.history.BallotMembers())
	addAnswers(v, kin)
	some := len(v.Layout.Members()) > 0
	if !p.query.Listed && (!s.blank() || s.history.Holding()) && s.held.Entry().Address != "" && some {
		v.Sources = []wire.Member{s.held.Entry()}
	}
	if v.Births = births; len(births) == 0 && some {
		v.Births, p.firstOfCluster = []ids.View{v.ID}, true
	}
	if p.loss != nil && p.newIDs == 1 {
		s.box.Event(core.Event{Kind: EventLoss, View: v.ID, Count: p.loss.View.Number})
	}
	s.box.Event(core.Event{Kind: EventCreated, View: v.ID, Count: uint64(p.query.Heard)})
	return v
}

// highest returns the highest number of a view that members hold.
func highest(members []*query.Member) (number uint64) {
	for _, m := range members {
		if m.Reply.Present {
			number = max(number, m.Reply.View.ID.Number)
		}
	}
	return number
}

// addAnswers lets a view replace the views of members, and owe their ballots.
func addAnswers(v *wire.View, members []*query.Member) {
	var past, last []wire.Ancestor
	for _, m := range members {
		if theirs := &m.Reply.View; m.Reply.Present {
			if !slices.Equal(theirs.Ancestors, last) { // mostly all hold one view
				past, last = append(past, theirs.Ancestors...), theirs.Ancestors
			}
			past = append(past, wire.Ancestor{View: theirs.ID, Renewed: theirs.Renewed})
		}
		v.Saw = append(v.Saw, wire.Sighting{Node: m.ID, Inc: m.Inc, View: m.Reply.View.ID})
		ancestry.AddKnown(v, m.Reply.Ballot, m.Reply.Members)
	}
	v.Ancestors = ancestry.Merge(v.Ancestors, past)
}

// sendView sends the view to each member that has not accepted it, once the view is durable
// here, and again after a pause. A view that is new or has changed is sent with the first pause.
func (s *Puts) sendView(p *put, pause wire.Instant) {
	p.pause, p.resend = pause, s.now+pause
	msg := &wire.NewView{PutID: p.id, View: *p.view} // one for all: it is encoded once
	for i := range p.query.Members {
		if m := &p.query.Members[i]; !m.Accepted {
			s.box.AskDurable(m.ID, msg)
		}
	}
}

// OnNewViewReply records whether a member follows the view of a PUT. A refusal has a
// consequence only while the PUT is open. Then the view that the member holds becomes an
// ancestor of the PUT's view. If the member's view is higher, the PUT's view gets a new id.
func (s *Puts) OnNewViewReply(h wire.Header, r *wire.NewViewReply) {
	p := s.find(r.PutID)
	if p == nil || !p.made || p.view.ID != r.View || s.held.ID() != p.view.ID || !s.held.Plausible(r.Held) {
		return
	}
	m := p.query.Member(h.From)
	if m == nil {
		return
	}
	if r.Accepted {
		m.Accepted, m.Foreign = true, false
		s.check(p)
		return
	}
	if r.Same && r.Held.Compare(p.view.ID) > 0 {
		if !p.query.Listed {
			s.noteHigher(p, m, wire.Ancestor{View: r.Held, Renewed: r.Renewed})
		}
		return // two PUTs of one list: the higher view is on its way here
	}
	if s.isForeign(p, m, r) {
		return
	}
	s.replaceHeld(p, wire.Sighting{Node: h.From, Inc: h.Inc, View: r.Held}, r.Renewed)
}

// isForeign reports whether a member that refused the view of a PUT is of another cluster,
// and records that. The exception is a view that began a cluster because its author had not
// heard the member. Then the view joins the member's cluster instead (docs/views.md §2.1,
// rule 4).
func (s *Puts) isForeign(p *put, m *query.Member, r *wire.NewViewReply) bool {
	if r.Same || wire.Kin(p.view.Births, r.Births) {
		return false
	}
	if p.firstOfCluster && m.Reply == nil && ancestry.MayReplace(s.held.Self(), &p.query.List, &r.Layout) {
		p.firstOfCluster = false
		p.view.Births = ancestry.MergeBirths(p.view.Births, r.Births)
		return false
	}
	s.noteForeign(m)
	return true
}

// replaceHeld makes the view of a PUT replace the view that a member holds, so that the member
// may follow it. If the member's view is higher, the PUT's view gets a new id, at most
// maxNewIDs in all.
func (s *Puts) replaceHeld(p *put, theirs wire.Sighting, renewed uint64) {
	if theirs.View.Compare(p.view.ID) > 0 && p.newIDs < maxNewIDs {
		ancestry.RecordLater(p.view, theirs)
		ancestry.Add(p.view, theirs.View, renewed)
		s.renumber(p, theirs.View)
		return
	}
	saw := p.view.Saw
	replaces := theirs.View.IsZero() || p.view.Replaces(&wire.View{ID: theirs.View, Renewed: renewed})
	ancestry.RecordLater(p.view, theirs)
	if replaces && slices.Equal(saw, p.view.Saw) {
		return // nothing new: the view goes out again with back-off, not at once
	}
	ancestry.Add(p.view, theirs.View, renewed)
	s.sendView(p, firstPause)
}

// noteHigher records that the list is in force under a higher id. That view is not sent to this
// node, which is outside it. It will do for the PUT, if its primary's base contains this node's
// ballot (docs/views.md §2, rule 4).
func (s *Puts) noteHigher(p *put, by *query.Member, higher wire.Ancestor) {
	by.Accepted = true
	if higher.View.Compare(p.higher.View) > 0 {
		p.higher = higher
	}
	s.check(p)
}

// renumber gives the view of a PUT, which is the held one, a new id above the view that a member
// holds.
func (s *Puts) renumber(p *put, theirs ids.View) {
	p.newIDs++
	p.view = s.held.Above(theirs)
	p.query.Unaccepted()
	s.host.Adopt(p.view)
	s.sendView(p, firstPause)
}
