package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// mayFollow is the rule for views that come over the bus (docs/views.md §3.2). The view must
// list this node, and be above the held one. It must replace the held view, or have the same
// list. A node without a view follows a view only if the view's author had heard this very
// incarnation: a node that lost its state never rejoins by itself (I9).
func (mgr *Manager) mayFollow(v *wire.View) bool {
	if !v.Has(mgr.self) && !mutant.On(mutant.SendViewToDropped) {
		return false
	}
	if mutant.On(mutant.FollowOwnPutOnly) && !slices.ContainsFunc(mgr.puts, func(p *put) bool { return p.layout.Equal(v.Layout) }) {
		return false
	}
	if mgr.view == nil {
		return v.SawIncarnation(mgr.self, mgr.inc) || mutant.On(mutant.EmptyRejoins)
	}
	if v.ID.Compare(mgr.view.ID) <= 0 {
		return false
	}
	if mgr.otherAddress(v) && v.SawAnother(mgr.self, mgr.inc) {
		return false // this node's id has been given to another process, at another address
	}
	return mgr.view.Layout.Equal(v.Layout) && !v.SawAnother(mgr.self, mgr.inc) || v.Replaces(mgr.view) && mgr.SameCluster(v.Births) || mutant.On(mutant.FollowByNumber)
}

// otherAddress reports whether a view lists this node at another address than the held view
// does.
func (mgr *Manager) otherAddress(v *wire.View) bool {
	now, ok := v.Layout.Find(mgr.self)
	was, had := mgr.view.Layout.Find(mgr.self)
	return ok && had && now != was && !mutant.On(mutant.FollowElsewhere)
}

// Leave follows a view that does not list this node, because its members owe what this node
// holds (docs/views.md §3.3). It returns zero if the node now holds that view, otherwise why
// not. The rule is like mayFollow, with two cases more: the held view is still that of the owed
// ballot, or its list is empty. If an operator has given this node another view since, the node
// stays in that view.
func (mgr *Manager) Leave(v *wire.View, owed *wire.KnownBallot) wire.Fate {
	switch {
	case mgr.view == nil || v.Has(mgr.self) || !mgr.sound(v):
		return wire.FateElsewhere
	case mgr.view.ID == v.ID:
		return 0
	}
	held := mgr.view.Layout.Members()
	unheard := !v.Descends(mgr.view.ID) && mgr.view.Renewed == 0 && mgr.view.ID == owed.Ballot.View
	same := mgr.view.Layout.Equal(v.Layout)
	switch {
	case len(held) > 0 && !same && !v.Replaces(mgr.view) && !unheard, !mgr.SameCluster(v.Births):
		return wire.FateElsewhere
	case v.ID.Compare(mgr.view.ID) < 0:
		return wire.FateBelow // a promise never goes back (I2)
	}
	mgr.adopt(v)
	return 0
}

// RenumberAbove gives the list in force an id above a view that is held outside it. A node that
// holds that view could not follow otherwise, because ids only grow. All members follow the
// list to the new id.
func (mgr *Manager) RenumberAbove(held ids.View) {
	if !mgr.plausible(held) {
		return
	}
	v := *mgr.view
	v.ID = mgr.newID(max(held.Number, mgr.highestNumber))
	mgr.highestNumber = v.ID.Number
	addAncestor(&v, mgr.view.ID, mgr.view.Renewed)
	v.Renewed = 0
	mgr.box.Event(core.Event{Kind: EventRenumbered, View: v.ID})
	mgr.adopt(&v)
}

// FollowIfAllowed follows a view that came over the bus, if the rules allow it. If it is the
// held view, what is new in it is taken in.
func (mgr *Manager) FollowIfAllowed(v *wire.View) {
	if !mgr.sound(v) {
		return
	}
	if mgr.mayFollow(v) {
		mgr.adopt(mgr.withBirths(v))
		return
	}
	if mgr.view != nil && mgr.view.ID == v.ID {
		mgr.extend(v)
	}
}

// withBirths returns v with the births of the held view added, if both have the same list.
// Both are then first views of one cluster, made of one list (docs/views.md §2.1, rule 6).
func (mgr *Manager) withBirths(v *wire.View) *wire.View {
	if mgr.view == nil || !mgr.view.Layout.Equal(v.Layout) || slices.Equal(mgr.view.Births, v.Births) {
		return v
	}
	w := *v
	w.Births = mergeBirths(v.Births, mgr.view.Births)
	return &w
}

// extend takes in what the author of the held view has heard since this node adopted it.
func (mgr *Manager) extend(v *wire.View) {
	mgr.view.Births = mergeBirths(mgr.view.Births, v.Births)
	mgr.view.Ancestors = mergeAncestors(mgr.view.Ancestors, v.Ancestors)
	for _, s := range v.Saw {
		if !slices.Contains(mgr.view.Saw, s) {
			recordLaterSighting(mgr.view, s)
		}
	}
	if v.Renewed > mgr.view.Renewed {
		mgr.view.Renewed = v.Renewed
		mgr.endLeftBehind()
		mgr.local.Keep()
	}
}

// endLeftBehind makes this node a member of its view again, because an operator has renewed the
// view. If another view is in force instead, the next probe finds that out.
func (mgr *Manager) endLeftBehind() {
	if mgr.leftBehind && !mutant.On(mutant.StayLeftBehind) {
		mgr.leftBehind, mgr.changed, mgr.helloAt = false, true, mgr.now
	}
}

// renumberAboveStale handles a higher view of the same list that this node may not follow:
// the view's author had heard an earlier incarnation of this node. The sender has followed an
// old message, and no other member would follow it there. If the author of the held view had
// heard the sender, the list gets an id above that view, and the sender follows
// (docs/views.md §3.2).
func (mgr *Manager) renumberAboveStale(h wire.Header, v *wire.View) {
	switch {
	case mgr.view == nil || len(mgr.puts) > 0 || v.ID.Compare(mgr.view.ID) <= 0 || !mgr.plausible(v.ID):
	case !mgr.view.Layout.Equal(v.Layout) || !v.SawAnother(mgr.self, mgr.inc) || !mgr.view.SawIncarnation(h.From, h.Inc):
	default:
		mgr.RenumberAbove(v.ID)
	}
}

// OnNewView follows a view or refuses it. The answer leaves when all writes so far are durable.
func (mgr *Manager) OnNewView(h wire.Header, replyTo ids.ReplyTo, m *wire.NewView) {
	if mgr.speaksFor(h, &m.View) {
		mgr.FollowIfAllowed(&m.View)
		mgr.renumberAboveStale(h, &m.View)
	}
	if replyTo == "" {
		return
	}
	reply := &wire.NewViewReply{PutID: m.PutID, View: m.View.ID}
	if mgr.view != nil {
		reply.Held, reply.Renewed, reply.Births = mgr.view.ID, mgr.view.Renewed, mgr.view.Births
		reply.Accepted = mgr.view.ID == m.View.ID
		reply.Same = mgr.view.Layout.Equal(m.View.Layout)
	}
	if !reply.Accepted {
		mgr.box.Event(core.Event{Kind: EventRefused, Peer: h.From, View: m.View.ID})
		if !reply.Same && !mgr.SameCluster(m.View.Births) {
			reply.Layout = mgr.view.Layout
			if !mayReplace(h.From, &m.View.Layout, &reply.Layout) { // else the author will find out
				mgr.box.Event(core.Event{Kind: EventForeign, Peer: h.From, View: m.View.ID})
			}
		}
	}
	mgr.box.PostAfter(mgr.box.LastWrite(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}
