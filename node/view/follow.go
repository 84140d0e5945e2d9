package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// mayFollow is the rule for views that come over the bus (docs/views.md §3).
// This node is a member of v; and v's author had heard of what this node holds,
// or v lists the same members. A node without a view follows only one whose
// author had heard this very incarnation: it never rejoins by itself.
func (k *Keeper) mayFollow(v *wire.View) bool {
	if !v.Has(k.self) && !mutant.On(mutant.SendViewToDropped) {
		return false
	}
	if mutant.On(mutant.FollowOwnPutOnly) && !slices.ContainsFunc(k.puts, func(p *put) bool { return p.layout.Equal(v.Layout) }) {
		return false
	}
	if k.view == nil {
		return v.SawIncarnation(k.self, k.inc) || mutant.On(mutant.EmptyRejoins)
	}
	if v.ID.Compare(k.view.ID) <= 0 {
		return false
	}
	if k.elsewhere(v) && v.SawAnother(k.self, k.inc) {
		return false // this node's id has been given to another process, at another address
	}
	return k.view.Layout.Equal(v.Layout) && !v.SawAnother(k.self, k.inc) || v.Replaces(k.view) && k.Kin(v.Births) || mutant.On(mutant.FollowByNumber)
}

// elsewhere reports that a view gives this node's id another address than the view held.
func (k *Keeper) elsewhere(v *wire.View) bool {
	now, ok := v.Layout.Find(k.self)
	was, had := k.view.Layout.Find(k.self)
	return ok && had && now != was
}

// Leave follows a view that does not name this node, because its members owe what
// this node holds (docs/views.md §3); zero: it did. The rule is that of mayFollow: its
// author, or one before it, had heard of the view held; or it is the same list; or
// the view held is still that of the owed ballot, or the list is empty. If an operator
// has given this node another view since, it stays in that.
func (k *Keeper) Leave(v *wire.View, owed *wire.KnownBallot) wire.Fate {
	switch {
	case k.view == nil || v.Has(k.self) || !k.sound(v):
		return wire.FateElsewhere
	case k.view.ID == v.ID:
		return 0
	}
	held := k.view.Layout.Members()
	unheard := !v.Descends(k.view.ID) && k.view.Renewed == 0 && k.view.ID == owed.Ballot.View
	same := k.view.Layout.Equal(v.Layout)
	switch {
	case len(held) > 0 && !same && !v.Replaces(k.view) && !unheard, !k.Kin(v.Births):
		return wire.FateElsewhere
	case v.ID.Compare(k.view.ID) < 0:
		return wire.FateBelow // a promise never goes back (I2)
	}
	k.adopt(v)
	return 0
}

// Above gives the list in force an id above a view that is held outside it, by a node
// that would come otherwise. Whoever follows the list follows it there.
func (k *Keeper) Above(held wire.ViewID) {
	if !k.plausible(held) {
		return
	}
	v := *k.view
	v.ID = k.newID(max(held.Number, k.top))
	k.top = v.ID.Number
	replace(&v, k.view.ID, k.view.Renewed)
	v.Renewed = 0
	k.box.Event(wire.Event{Kind: EventReminted, View: v.ID})
	k.adopt(&v)
}

// Offer follows a view that came over the bus, if it may be followed.
func (k *Keeper) Offer(v *wire.View) {
	if !k.sound(v) {
		return
	}
	if k.mayFollow(v) {
		k.adopt(k.withBirths(v))
		return
	}
	if k.view != nil && k.view.ID == v.ID {
		k.extend(v)
	}
}

// withBirths is a view of the list that is held, with what the view held descends from
// beside its own: both are the first views of one cluster, made of one list.
func (k *Keeper) withBirths(v *wire.View) *wire.View {
	if k.view == nil || !k.view.Layout.Equal(v.Layout) || slices.Equal(k.view.Births, v.Births) {
		return v
	}
	w := *v
	w.Births = mergeBirths(v.Births, k.view.Births)
	return &w
}

// extend takes in what the author of the view has heard since.
func (k *Keeper) extend(v *wire.View) {
	k.view.Births = mergeBirths(k.view.Births, v.Births)
	k.view.Ancestors = mergeAncestors(k.view.Ancestors, v.Ancestors)
	for _, s := range v.Saw {
		if !slices.Contains(k.view.Saw, s) {
			seeLater(k.view, s)
		}
	}
	if v.Renewed > k.view.Renewed {
		k.view.Renewed = v.Renewed
		k.local.Keep()
	}
}

// outdo gives the list in force an id above a view of the same list that this node may
// not follow, because its author had heard an earlier life of it, if who holds that was
// heard by the author of the view in force, in its present life, and so follows it
// (docs/views.md §3): it has followed an old message, and nobody else would come to it.
func (k *Keeper) outdo(h wire.Header, v *wire.View) {
	switch {
	case k.view == nil || len(k.puts) > 0 || v.ID.Compare(k.view.ID) <= 0 || !k.plausible(v.ID):
	case !k.view.Layout.Equal(v.Layout) || !v.SawAnother(k.self, k.inc) || !k.view.SawIncarnation(h.From, h.Inc):
	default:
		k.Above(v.ID)
	}
}

// OnNewView follows a view or refuses it.
func (k *Keeper) OnNewView(h wire.Header, replyTo wire.ReplyTo, m *wire.NewView) {
	if k.speaksFor(h, &m.View) {
		k.Offer(&m.View)
		k.outdo(h, &m.View)
	}
	if replyTo == "" {
		return
	}
	reply := &wire.NewViewReply{PutID: m.PutID, View: m.View.ID}
	if k.view != nil {
		reply.Held, reply.Renewed, reply.Births = k.view.ID, k.view.Renewed, k.view.Births
		reply.Accepted = k.view.ID == m.View.ID
		reply.Same = k.view.Layout.Equal(m.View.Layout)
	}
	if !reply.Accepted {
		k.box.Event(wire.Event{Kind: EventRefused, Peer: h.From, View: m.View.ID})
		if !reply.Same && !k.Kin(m.View.Births) {
			reply.Layout = k.view.Layout
			if !home(h.From, &m.View.Layout, &reply.Layout) { // else the author will find out
				k.box.Event(wire.Event{Kind: EventForeign, Peer: h.From, View: m.View.ID})
			}
		}
	}
	k.box.PostAfter(k.box.LastWrite(), wire.Envelope{To: h.From, Answer: replyTo, Message: reply})
}
