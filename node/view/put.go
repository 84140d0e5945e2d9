package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// stage of an open PUT /view.
type stage uint8

const (
	querying   stage = iota + 1 // asking the members what they hold
	announcing                  // spreading a view that was made here
	waiting                     // for readiness
)

// put is one PUT /view from its arrival to its answer (docs/views.md §2).
type put struct {
	id      uint64
	token   wire.Token
	layout  wire.Layout
	force   bool
	check   bool         // nothing is to come of it
	limit   wire.Instant // how long it may take
	member  bool         // this node is in the layout
	stage   stage
	begun   wire.Instant
	resend  wire.Instant
	pause   wire.Instant // between the last two times that the view was sent
	peers   []putPeer    // the members but for this node, by id
	heard   int          // of them, have answered
	view    *wire.View   // that this PUT stands for
	made    bool         // view was made here and must be spread
	mints   int
	newborn bool       // made: this node was of no cluster, and the view is the first of one
	loss    *wire.Loss // that the view makes final, as far as is known
	twinAt  wire.NodeID
	twin    bool          // twinAt says that this node's id belongs to another process
	covered bool          // outside: the view's primary has our data
	afar    uint64        // outside: the primary's progress
	higher  wire.Ancestor // outside: the view of the same list that stands instead

	mark   uint64 // progress last seen
	markAt wire.Instant
}

// putPeer is a member as far as a PUT has heard of it.
type putPeer struct {
	id       wire.NodeID
	inc      wire.Incarnation
	r        *wire.QueryReply // what it holds; nil: it has not answered
	accepted bool             // it holds the view of the PUT
	foreign  bool             // it belongs to another cluster, and does not follow
}

// peer is what is known of a member; nil for whoever is none, and for this node.
func (p *put) peer(id wire.NodeID) *putPeer {
	i, ok := slices.BinarySearchFunc(p.peers, id, func(m putPeer, id wire.NodeID) int { return cmp.Compare(m.id, id) })
	if !ok {
		return nil
	}
	return &p.peers[i]
}

// answers yields the members that have answered, by id.
func (p *put) answers(yield func(*putPeer) bool) {
	for i := range p.peers {
		if a := &p.peers[i]; a.r != nil && !yield(a) {
			return
		}
	}
}

// unaccepted forgets who holds the view: it has a new id.
func (p *put) unaccepted() {
	for i := range p.peers {
		p.peers[i].accepted = false
	}
}

// Put starts an operator's PUT /view.
func (k *Keeper) Put(in *wire.PutView) {
	k.nextPut++
	p := &put{
		id: k.nextPut, token: in.Token, layout: in.Layout, force: in.Force, check: in.Check, limit: putLimit,
		stage: querying, begun: k.now, markAt: k.now,
	}
	if in.Limit > 0 {
		p.limit = min(p.limit, in.Limit)
	}
	for _, m := range in.Layout.Members() {
		if m.ID == k.self {
			p.member = true
		} else {
			p.peers = append(p.peers, putPeer{id: m.ID})
		}
	}
	k.puts = append(k.puts, p)
	k.reach()
	if len(p.peers) == 0 && !p.member {
		k.emptied(p)
		return
	}
	if mutant.On(mutant.SameListUnasked) && k.view != nil && k.view.Layout.Equal(p.layout) {
		p.view, p.stage = k.view, waiting
		k.check(p)
		return
	}
	k.ask(p)
	k.conclude(p)
}

// emptied takes this node, and no other, out of its view.
func (k *Keeper) emptied(p *put) {
	if p.check {
		k.finish(p, wire.ViewChecked)
		return
	}
	p.view = k.mint(p)
	k.adopt(p.view)
	k.finish(p, wire.ViewServed)
}

// ask sends the question to whoever has not answered it.
func (k *Keeper) ask(p *put) {
	p.resend = k.now + queryResend
	query := &wire.Query{PutID: p.id, Ballot: k.local.Ballot()} // one for all: it is encoded once
	for i := range p.peers {
		if p.peers[i].r == nil {
			k.box.Post(wire.Envelope{To: p.peers[i].id, Request: p.id, Message: query})
		}
	}
}

// OnQueryReply notes what a member holds.
func (k *Keeper) OnQueryReply(h wire.Header, m *wire.QueryReply) {
	if m.PutID == 0 {
		k.onProbeReply(h, m)
		return
	}
	p := k.findPut(m.PutID)
	if p == nil || p.stage != querying {
		return
	}
	if a := p.peer(h.From); a != nil && a.r == nil && k.credible(m) {
		a.inc, a.r = h.Inc, m
		p.heard++
		k.conclude(p)
	}
}

func (k *Keeper) findPut(id uint64) *put {
	for _, p := range k.puts {
		if p.id == id {
			return p
		}
	}
	return nil
}

// conclude decides, when all have answered or the time is up, whether the list
// is in force already or needs a new id.
func (k *Keeper) conclude(p *put) {
	if p.heard < len(p.peers) && k.now-p.begun < querySilence {
		return
	}
	if k.supplanted(p) {
		k.giveWay(p.twinAt, p.peer(p.twinAt).r.View.ID)
		k.finish(p, wire.ViewUnready)
		return
	}
	v := k.inForce(p)
	if v == nil {
		p.loss = k.lossOf(p)
	}
	if p.check {
		k.kindred(p)
		k.finish(p, wire.ViewChecked)
		return
	}
	if v != nil {
		v = k.withBirths(v)
		k.box.Event(wire.Event{Kind: EventSame, View: v.ID})
		p.view, p.stage = v, waiting
		if k.viewID() != v.ID {
			k.adopt(v)
		}
		k.renew(p)
	} else {
		k.announce(p)
	}
	k.check(p)
}

// supplanted reports that another process is the node of this id in the list of a PUT: a
// member says that it has heard one, here or, in a view that replaces this node's, at the
// address that the list gives it. A view that does not replace it may be of a life of this
// very node before the present one.
func (k *Keeper) supplanted(p *put) bool {
	if k.view == nil || !p.member {
		return false
	}
	mine, _ := p.layout.Find(k.self)
	for a := range p.answers {
		theirs, listed := a.r.View.Layout.Find(k.self)
		moved := listed && theirs == mine && k.elsewhere(&a.r.View) &&
			a.r.View.Descends(k.view.ID) && a.r.View.SawAnother(k.self, k.inc)
		if k.twinSaid(a.r) || moved {
			p.twin, p.twinAt = true, a.id
			return true
		}
	}
	return false
}

// renew confirms a view that is in force, at all its members: no view that was
// made in knowledge of less may be followed from it any more. Otherwise the view
// of an old list, whose author was cut off when the operator came back to this
// one, would take over when it is heard again.
func (k *Keeper) renew(p *put) {
	for a := range p.answers {
		if a.r.Present && a.r.View.ID == k.view.ID {
			k.view.Renewed = max(k.view.Renewed, a.r.View.Renewed)
		}
	}
	k.view.Renewed++
	k.local.Keep()
	k.local.Refresh()
	p.view, p.made = k.view, true
	k.spread(p)
}

// inForce returns the view under which this list is in force already, or will be
// without our doing: the highest one with this list that somebody holds, if all
// who answered hold it or will follow it. Nil: a new one is needed.
func (k *Keeper) inForce(p *put) *wire.View {
	if p.force || mutant.On(mutant.AlwaysNewView) {
		return nil
	}
	best := k.highest(p)
	if best == nil {
		return nil
	}
	if !p.member {
		return k.inForceOutside(p, best)
	}
	if k.viewID() != best.ID && !k.mayFollow(best) {
		return nil
	}
	for a := range p.answers {
		if !follows(best, a) && k.related(p, a, best.Births) {
			return nil
		}
	}
	return best
}

// inForceOutside is the same for a node that the list does not name: everybody
// must have answered with this list, and somebody must have its data.
func (k *Keeper) inForceOutside(p *put, best *wire.View) *wire.View {
	knows := k.blank()
	for a := range p.answers {
		if !a.r.Present || !a.r.View.Layout.Equal(p.layout) {
			return nil
		}
		knows = knows || a.r.Knows
	}
	if p.heard < len(p.peers) || !knows || best.ID.Compare(k.viewID()) < 0 {
		return nil // a promise never goes back, not even outside (I2)
	}
	return best
}

// highest is the view with the list of a PUT that has the highest id, of those
// held here and by the nodes that answered.
func (k *Keeper) highest(p *put) *wire.View {
	var best *wire.View
	if k.view != nil && k.view.Layout.Equal(p.layout) {
		best = k.view
	}
	for a := range p.answers {
		same := a.r.Present && a.r.View.Layout.Equal(p.layout)
		if same && (best == nil || a.r.View.ID.Compare(best.ID) > 0) {
			best = &a.r.View
		}
	}
	return best
}

// follows reports whether a node that answered holds v, or may follow it over
// the bus (mayFollow, seen from outside).
func follows(v *wire.View, a *putPeer) bool {
	if !a.r.Present {
		return v.SawIncarnation(a.id, a.inc)
	}
	held := &a.r.View
	if held.ID == v.ID {
		return true
	}
	same := held.Layout.Equal(v.Layout) && !v.SawAnother(a.id, a.inc)
	return held.ID.Compare(v.ID) < 0 && (same || v.Replaces(held) && wire.Kin(v.Births, held.Births))
}

func (k *Keeper) blank() bool { return k.local.Ballot().IsZero() }
