package view

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/view/put"
	"github.com/cohortkv/cohort/node/wire"
)

// FollowIfAllowed follows a view that came over the bus, if the rules allow it. If it is the
// held view, what is new in it is taken in.
func (mgr *Manager) FollowIfAllowed(v *wire.View) {
	if !mgr.held.Sound(v) {
		return
	}
	if mgr.held.MayFollow(v) {
		mgr.adopt(mgr.held.WithBirths(v))
		return
	}
	if mgr.View() != nil && mgr.held.ID() == v.ID && mgr.held.Extend(v) {
		mgr.renewed()
	}
}

// Leave follows a view that does not list this node, because its members owe what this node
// holds (docs/views.md §3.3). It returns zero if the node now holds that view, otherwise why
// not.
func (mgr *Manager) Leave(v *wire.View, owed *wire.KnownBallot) wire.Fate {
	fate := mgr.held.MayLeave(v, owed)
	if fate == 0 && mgr.held.ID() != v.ID {
		mgr.adopt(v)
	}
	return fate
}

// RenumberAbove gives the list in force an id above a view that is held outside it. A node that
// holds that view could not follow otherwise, because ids only grow. All members follow the
// list to the new id.
func (mgr *Manager) RenumberAbove(other ids.View) {
	if mgr.held.Plausible(other) {
		mgr.adopt(mgr.held.Above(other))
	}
}

// OnNewView follows a view or refuses it. The answer leaves when all writes so far are durable.
func (mgr *Manager) OnNewView(h wire.Header, replyTo ids.ReplyTo, m *wire.NewView) {
	if mgr.held.SpeaksFor(h, &m.View) {
		mgr.FollowIfAllowed(&m.View)
		if mgr.puts.None() && mgr.held.StaleAbove(h, &m.View) {
			mgr.RenumberAbove(m.View.ID)
		}
	}
	if replyTo == "" {
		return
	}
	reply := &wire.NewViewReply{PutID: m.PutID, View: m.View.ID}
	own := mgr.View()
	if own != nil {
		reply.Held, reply.Renewed, reply.Births = own.ID, own.Renewed, own.Births
		reply.Accepted = own.ID == m.View.ID
		reply.Same = own.Layout.Equal(m.View.Layout)
	}
	if !reply.Accepted {
		mgr.box.Event(core.Event{Kind: EventRefused, Peer: h.From, View: m.View.ID})
		if !reply.Same && !mgr.SameCluster(m.View.Births) {
			reply.Layout = own.Layout
			if !ancestry.MayReplace(h.From, &m.View.Layout, &reply.Layout) { // else the author will find out
				mgr.box.Event(core.Event{Kind: put.EventForeign, Peer: h.From, View: m.View.ID})
			}
		}
	}
	mgr.box.PostAfter(mgr.box.LastWrite(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnNewViewReply tells a PUT whether a member follows its view.
func (mgr *Manager) OnNewViewReply(h wire.Header, m *wire.NewViewReply) {
	mgr.puts.OnNewViewReply(h, m)
}

// IsPrimaryOf reports whether the sender is the primary of a view, and the ballot is of that
// view. Only the primary begins rounds.
func IsPrimaryOf(h wire.Header, v *wire.View, b ids.Ballot) bool {
	primary, ok := v.Primary()
	return ok && primary == h.From && b.View == v.ID
}
