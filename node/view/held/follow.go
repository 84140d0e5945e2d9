package held

import (
	"github.com/cohortkv/cohort/node/wire"
)

// MayFollow is the rule for views that come over the bus (docs/views.md §3.2). The view must
// list this node, and be above the held one. It must replace the held view, or have the same
// list. A node without a view follows a view only if the view's author had heard this very
// incarnation: a node that lost its state never rejoins by itself (I9).
func (h *View) MayFollow(v *wire.View) bool {
	if !v.Has(h.cfg.Self) {
		return false
	}
	if h.view == nil {
		return v.SawIncarnation(h.cfg.Self, h.cfg.Inc)
	}
	if v.ID.Compare(h.view.ID) <= 0 {
		return false
	}
	if h.otherAddress(v) && v.SawAnother(h.cfg.Self, h.cfg.Inc) {
		return false // this node's id has been given to another process, at another address
	}
	return h.Lists(v.Layout) && !v.SawAnother(h.cfg.Self, h.cfg.Inc) || v.Replaces(h.view) && h.SameCluster(v.Births)
}

// MayLeave is the rule for a view that does not list this node, and whose members owe what this
// node holds (docs/views.md §3.3). It returns zero if the node may follow that view or holds it,
// otherwise why not. The rule is like MayFollow, with two cases more: the held view is still that
// of the owed ballot, or its list is empty. If an operator has given this node another view
// since, the node stays in that view.
func (h *View) MayLeave(v *wire.View, owed *wire.KnownBallot) wire.Fate {
	switch {
	case h.view == nil || v.Has(h.cfg.Self) || !h.Sound(v):
		return wire.FateElsewhere
	case h.view.ID == v.ID:
		return 0
	}
	members := h.view.Layout.Members()
	unheard := !v.Descends(h.view.ID) && h.view.Renewed == 0 && h.view.ID == owed.Ballot.View
	switch {
	case len(members) > 0 && !h.Lists(v.Layout) && !v.Replaces(h.view) && !unheard, !h.SameCluster(v.Births):
		return wire.FateElsewhere
	case v.ID.Compare(h.view.ID) < 0:
		return wire.FateBelow // a promise never goes back (I2)
	}
	return 0
}

// StaleAbove reports whether a node has followed a higher view of the same list that this node
// may not follow, because the view's author had heard an earlier incarnation of this node. The
// sender has followed an old message, and no other member would follow it there. If the author
// of the held view had heard the sender, the list gets an id above that view, and the sender
// follows (docs/views.md §3.2).
func (h *View) StaleAbove(by wire.Header, v *wire.View) bool {
	return h.Lists(v.Layout) && v.ID.Compare(h.view.ID) > 0 && h.Plausible(v.ID) &&
		v.SawAnother(h.cfg.Self, h.cfg.Inc) && h.view.SawIncarnation(by.From, by.Inc)
}

// otherAddress reports whether a view lists this node at another address than the held view
// does.
func (h *View) otherAddress(v *wire.View) bool {
	now, ok := v.Layout.Find(h.cfg.Self)
	was, had := h.view.Layout.Find(h.cfg.Self)
	return ok && had && now != was
}

// HearsAnother reports whether a peer hears another process with this node's id. An answer under
// a view below the held one says nothing: the peer may have a late hello of an earlier boot of
// this node.
func (h *View) HearsAnother(m *wire.QueryReply) bool {
	return m.Twin && m.View.ID.Compare(h.view.ID) >= 0
}

// IDGivenAway reports whether the view in the answer to a probe gives this node's id to another
// process: it descends from the held one, has the id at another address, and its author had not
// heard this incarnation (docs/views.md §3.5, rule 5).
func (h *View) IDGivenAway(m *wire.QueryReply) bool {
	return h.otherAddress(&m.View) && m.View.Descends(h.view.ID) && !m.View.SawIncarnation(h.cfg.Self, h.cfg.Inc)
}

// IDTaken reports whether a member's answer to the query of a PUT says that another process is
// the node of this id, which the PUT lists as mine (docs/views.md §3.5, rules 4 and 6). Only an
// answer whose view has the id at that address counts. Either that member hears the other
// process, or its view replaces this node's view. A view that does not replace it may come from
// an earlier boot of this node.
func (h *View) IDTaken(mine wire.Member, m *wire.QueryReply) bool {
	if theirs, listed := m.View.Layout.Find(h.cfg.Self); !listed || theirs != mine {
		return false // the list takes the id away from the process that is heard there
	}
	return h.HearsAnother(m) ||
		h.otherAddress(&m.View) && m.View.Descends(h.view.ID) && m.View.SawAnother(h.cfg.Self, h.cfg.Inc)
}
