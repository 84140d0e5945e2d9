package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// announce makes a view of the list of a PUT, adopts it and sends it to its members. Its id is
// above all views that were heard of. The view goes to no other node (I23).
func (mgr *Manager) announce(p *put) {
	if mgr.view != nil {
		mgr.dropped = mgr.view.Layout.Members()
	}
	p.view = mgr.makeView(p)
	p.made, p.stage = true, announcing
	p.unaccepted()
	mgr.adopt(p.view)
	mgr.sendView(p)
}

// makeView makes the view of a PUT from the answers of this cluster and from what this node
// holds (docs/views.md §2, rule 3).
func (mgr *Manager) makeView(p *put) *wire.View {
	p.newIDs++
	v := &wire.View{Layout: p.layout, Force: p.force}
	v.ID = mgr.newID(mgr.highestNumber)
	above := func(id ids.View) { v.ID.Number = max(v.ID.Number, id.Number+1) }
	if mgr.view != nil {
		above(mgr.view.ID)
		v.Ancestors = mgr.view.Ancestors
		addAncestor(v, mgr.view.ID, mgr.view.Renewed)
	}
	recordSighting(v, wire.Sighting{Node: mgr.self, Inc: mgr.inc, View: mgr.viewID()})
	addKnown(v, mgr.local.Ballot(), mgr.local.BallotMembers())
	kin, births := mgr.partByCluster(p)
	var past, last []wire.Ancestor
	for _, a := range kin {
		if held := &a.r.View; a.r.Present {
			above(held.ID)
			if !slices.Equal(held.Ancestors, last) { // mostly all hold one view
				past, last = append(past, held.Ancestors...), held.Ancestors
			}
			past = append(past, wire.Ancestor{View: held.ID, Renewed: held.Renewed})
		}
		v.Saw = append(v.Saw, wire.Sighting{Node: a.id, Inc: a.inc, View: a.r.View.ID})
		addKnown(v, a.r.Ballot, a.r.Members)
	}
	v.Ancestors = mergeAncestors(v.Ancestors, past)
	if !p.member && (!mgr.noHistory() || mgr.local.Holding()) && mgr.at.Address != "" && len(p.layout.Members()) > 0 {
		v.Sources = []wire.Member{mgr.at}
	}
	mgr.highestNumber = v.ID.Number
	if v.Births = births; len(births) == 0 && len(p.layout.Members()) > 0 {
		v.Births, p.firstOfCluster = []ids.View{v.ID}, true
	}
	if p.loss != nil && p.newIDs == 1 {
		mgr.box.Event(core.Event{Kind: EventLoss, View: v.ID, Count: p.loss.View.Number})
	}
	mgr.box.Event(core.Event{Kind: EventCreated, View: v.ID, Count: uint64(p.heard)})
	return v
}

// newID returns an id above a number. The caller raises highestNumber to it, so no boot of an
// author uses a number twice.
func (mgr *Manager) newID(above uint64) ids.View {
	if mutant.On(mutant.ViewIDNumberOnly) {
		return ids.View{Number: above + 1}
	}
	return ids.View{Number: above + 1, Author: mgr.self, Boot: mgr.boot}
}

// addKnown records a ballot of which a node holds the history. Members of the view owe it (I24).
func addKnown(v *wire.View, b ids.Ballot, members []wire.Member) {
	listed := slices.ContainsFunc(v.Known, func(k wire.KnownBallot) bool { return k.Ballot == b })
	if !b.IsZero() && !listed {
		v.Known = append(v.Known, wire.KnownBallot{Ballot: b, Members: members})
	}
}

// sendView sends a view that is new or has changed to the members that do not hold it yet.
func (mgr *Manager) sendView(p *put) {
	p.pause = announceAgain
	mgr.postView(p)
}

// resendView sends the view again, with exponential back-off. A silent member is also probed,
// and gets the view after its answer to the probe.
func (mgr *Manager) resendView(p *put) {
	p.pause = min(2*p.pause, maxAnnouncePause)
	mgr.postView(p)
}

// postView sends the view to each member that has not accepted it, once the view is durable
// here, and sets the time of the next re-send.
func (mgr *Manager) postView(p *put) {
	p.resend = mgr.now + p.pause
	m := &wire.NewView{PutID: p.id, View: *p.view} // one for all: it is encoded once
	send := func(id ids.Node) { mgr.box.AskDurable(id, m) }
	for i := range p.peers {
		if !p.peers[i].accepted {
			send(p.peers[i].id)
		}
	}
	if mutant.On(mutant.SendViewToDropped) {
		for _, m := range mgr.dropped {
			send(m.ID)
		}
	}
}

// OnNewViewReply records whether a member follows the view of a PUT. A refusal has a
// consequence only while the PUT is open. Then the view that the member holds becomes an
// ancestor of the PUT's view. If the member's view is higher, the PUT's view gets a new id.
func (mgr *Manager) OnNewViewReply(h wire.Header, m *wire.NewViewReply) {
	p := mgr.findPut(m.PutID)
	if p == nil || !p.made || p.view.ID != m.View || mgr.viewID() != p.view.ID || !mgr.plausible(m.Held) {
		return
	}
	a := p.peer(h.From)
	if a == nil {
		return
	}
	if m.Accepted {
		a.accepted, a.foreign = true, false
		mgr.check(p)
		return
	}
	if m.Same && m.Held.Compare(p.view.ID) > 0 {
		if !p.member {
			mgr.noteHigher(p, a, wire.Ancestor{View: m.Held, Renewed: m.Renewed})
		}
		return // two PUTs of one list: the higher view is on its way here
	}
	if mgr.checkForeign(p, a, m) {
		return
	}
	mgr.replaceHeld(p, wire.Sighting{Node: h.From, Inc: h.Inc, View: m.Held}, m.Renewed)
}

// replaceHeld makes the view of a PUT replace the view that a member holds, so that the member
// may follow it. If the member's view is higher, the PUT's view gets a new id, at most
// maxNewIDs in all.
func (mgr *Manager) replaceHeld(p *put, s wire.Sighting, renewed uint64) {
	if s.View.Compare(p.view.ID) > 0 && p.newIDs < maxNewIDs {
		recordLaterSighting(p.view, s)
		addAncestor(p.view, s.View, renewed)
		mgr.renumber(p, s.View)
		return
	}
	saw := p.view.Saw
	replaces := s.View.IsZero() || p.view.Replaces(&wire.View{ID: s.View, Renewed: renewed})
	recordLaterSighting(p.view, s)
	if replaces && slices.Equal(saw, p.view.Saw) {
		return // nothing new: the view goes out again with back-off, not at once
	}
	addAncestor(p.view, s.View, renewed)
	mgr.sendView(p)
}

// noteHigher records that the list is in force under a higher id. That view is not sent to this
// node, which is outside it. It will do for the PUT, if its primary's base contains this node's
// ballot (docs/views.md §2, rule 4).
func (mgr *Manager) noteHigher(p *put, by *putPeer, higher wire.Ancestor) {
	by.accepted = true
	if higher.View.Compare(p.higher.View) > 0 {
		p.higher = higher
	}
	mgr.check(p)
}

// renumber gives the view of a PUT a new id above the view that a member holds. The old id
// becomes an ancestor.
func (mgr *Manager) renumber(p *put, held ids.View) {
	old := p.view
	v := *old
	p.newIDs++
	v.ID = mgr.newID(max(held.Number, mgr.highestNumber))
	mgr.highestNumber = v.ID.Number
	addAncestor(&v, old.ID, old.Renewed)
	v.Renewed = 0
	v.Saw = slices.Clone(old.Saw)
	mgr.box.Event(core.Event{Kind: EventRenumbered, View: v.ID})
	p.view = &v
	p.unaccepted()
	mgr.adopt(&v)
	mgr.sendView(p)
}
