package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// announce makes a view of the list, above all that was heard of, adopts it and
// spreads it to its members: to nobody else, so nobody is removed over the bus
// (I23).
func (k *Keeper) announce(p *put) {
	if k.view != nil {
		k.dropped = k.view.Layout.Members()
	}
	p.view = k.mint(p)
	p.made, p.stage = true, announcing
	p.unaccepted()
	k.adopt(p.view)
	k.spread(p)
}

// mint makes the view of a PUT.
func (k *Keeper) mint(p *put) *wire.View {
	p.mints++
	v := &wire.View{Layout: p.layout, Force: p.force}
	v.ID = k.newID(k.top)
	above := func(id wire.ViewID) { v.ID.Number = max(v.ID.Number, id.Number+1) }
	if k.view != nil {
		above(k.view.ID)
		v.Ancestors = k.view.Ancestors
		replace(v, k.view.ID, k.view.Renewed)
	}
	see(v, wire.Sighting{Node: k.self, Inc: k.inc, View: k.viewID()})
	know(v, k.local.Ballot(), k.local.BallotMembers())
	kin, births := k.kindred(p)
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
		know(v, a.r.Ballot, a.r.Members)
	}
	v.Ancestors = mergeAncestors(v.Ancestors, past)
	if !p.member && (!k.blank() || k.local.Holding()) && k.at.Address != "" && len(p.layout.Members()) > 0 {
		v.Sources = []wire.Member{k.at}
	}
	k.top = v.ID.Number
	if v.Births = births; len(births) == 0 && len(p.layout.Members()) > 0 {
		v.Births, p.newborn = []wire.ViewID{v.ID}, true
	}
	if p.loss != nil && p.mints == 1 {
		k.box.Event(wire.Event{Kind: EventLoss, View: v.ID, Count: p.loss.View.Number})
	}
	k.box.Event(wire.Event{Kind: EventMinted, View: v.ID, Count: uint64(p.heard)})
	return v
}

// newID is an id above a number. top keeps one life of an author from using a
// number twice.
func (k *Keeper) newID(above uint64) wire.ViewID {
	if mutant.On(mutant.ViewIDNumberOnly) {
		return wire.ViewID{Number: above + 1}
	}
	return wire.ViewID{Number: above + 1, Author: k.self, Boot: k.boot}
}

// know notes a ballot that somebody stands in.
func know(v *wire.View, b wire.Ballot, members []wire.Member) {
	listed := slices.ContainsFunc(v.Known, func(k wire.KnownBallot) bool { return k.Ballot == b })
	if !b.IsZero() && !listed {
		v.Known = append(v.Known, wire.KnownBallot{Ballot: b, Members: members})
	}
}

// spread sends a view that is new, or has changed, to the members that have not accepted it.
func (k *Keeper) spread(p *put) {
	p.pause = announceAgain
	k.sendView(p)
}

// spreadAgain re-sends it, with exponential back-off: a silent member is also probed
// (probe), and gets the view with its answer to that.
func (k *Keeper) spreadAgain(p *put) {
	p.pause = min(2*p.pause, announceMost)
	k.sendView(p)
}

func (k *Keeper) sendView(p *put) {
	p.resend = k.now + p.pause
	m := &wire.NewView{PutID: p.id, View: *p.view} // one for all: it is encoded once
	send := func(id wire.NodeID) {
		k.box.PostAfter(k.box.LastWrite(), wire.Envelope{To: id, Request: p.id, Message: m})
	}
	for i := range p.peers {
		if !p.peers[i].accepted {
			send(p.peers[i].id)
		}
	}
	if mutant.On(mutant.SendViewToDropped) {
		for _, m := range k.dropped {
			send(m.ID)
		}
	}
}

// OnNewViewReply notes who follows. A refusal is answered while the PUT is open,
// never later: the refuser's view becomes an ancestor, and if it is above ours
// the view gets a new id.
func (k *Keeper) OnNewViewReply(h wire.Header, m *wire.NewViewReply) {
	p := k.findPut(m.PutID)
	if p == nil || !p.made || p.view.ID != m.View || k.viewID() != p.view.ID || !k.plausible(m.Held) {
		return
	}
	a := p.peer(h.From)
	if a == nil {
		return
	}
	if m.Accepted {
		a.accepted, a.foreign = true, false
		k.check(p)
		return
	}
	if m.Same && m.Held.Compare(p.view.ID) > 0 {
		if !p.member {
			k.outdone(p, a, wire.Ancestor{View: m.Held, Renewed: m.Renewed})
		}
		return // two PUTs of one list: the higher view is on its way here
	}
	if k.foreigner(p, a, m) {
		return
	}
	k.heed(p, wire.Sighting{Node: h.From, Inc: h.Inc, View: m.Held}, m.Renewed)
}

// heed makes the view of a PUT one that replaces what a member holds, so that the member
// may follow it: under a new id, if the member's view is above.
func (k *Keeper) heed(p *put, s wire.Sighting, renewed uint64) {
	if s.View.Compare(p.view.ID) > 0 && p.mints < maxMints {
		seeLater(p.view, s)
		replace(p.view, s.View, renewed)
		k.remint(p, s.View)
		return
	}
	if !slices.Contains(p.view.Saw, s) || !p.view.Replaces(&wire.View{ID: s.View, Renewed: renewed}) {
		seeLater(p.view, s)
		replace(p.view, s.View, renewed)
		k.spread(p)
	}
}

// outdone notes that the list is in force under a higher id, which does not come to
// a node outside. It will do, if its primary turns out to have this node's data.
func (k *Keeper) outdone(p *put, by *putPeer, higher wire.Ancestor) {
	by.accepted = true
	if higher.View.Compare(p.higher.View) > 0 {
		p.higher = higher
	}
	k.check(p)
}

// remint gives the list a new id, above one that a member holds.
func (k *Keeper) remint(p *put, held wire.ViewID) {
	old := p.view
	v := *old
	p.mints++
	v.ID = k.newID(max(held.Number, k.top))
	k.top = v.ID.Number
	replace(&v, old.ID, old.Renewed)
	v.Renewed = 0
	v.Saw = slices.Clone(old.Saw)
	k.box.Event(wire.Event{Kind: EventReminted, View: v.ID})
	p.view = &v
	p.unaccepted()
	k.adopt(&v)
	k.spread(p)
}
