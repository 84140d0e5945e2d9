package view

import (
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
	id       uint64
	token    wire.Token
	layout   wire.Layout
	force    bool
	member   bool // this node is in the layout
	stage    stage
	begun    wire.Instant
	resend   wire.Instant
	answers  []answer
	view     *wire.View // that this PUT stands for
	made     bool       // view was made here and must be spread
	accepted []wire.NodeID
	mints    int
	foreign  []wire.NodeID // members of other clusters, which do not follow
	newborn  bool          // made: this node was of no cluster, and the view is the first of one
	covered  bool          // outside: the view's primary has our data
	afar     uint64        // outside: the primary's progress
	higher   wire.Ancestor // outside: the view of the same list that stands instead

	mark   uint64 // progress last seen
	markAt wire.Instant
}

// answer is what one node said it holds.
type answer struct {
	node wire.NodeID
	inc  wire.Incarnation
	r    *wire.QueryReply
}

// Put starts an operator's PUT /view.
func (k *Keeper) Put(in *wire.PutView) {
	k.nextPut++
	p := &put{
		id: k.nextPut, token: in.Token, layout: in.Layout, force: in.Force,
		stage: querying, begun: k.now, markAt: k.now,
	}
	_, p.member = in.Layout.Find(k.self)
	k.puts = append(k.puts, p)
	k.reach()
	if len(in.Layout.Members()) == 0 {
		v := k.mint(p)
		p.view = v
		k.adopt(v)
		k.finish(p, wire.ViewServed)
		return
	}
	if mutant.On(mutant.EqualIsNothing) && k.view != nil && k.view.Layout.Equal(p.layout) {
		p.view, p.stage = k.view, waiting
		k.check(p)
		return
	}
	k.ask(p)
	k.conclude(p)
}

// ask sends the question to whoever has not answered it.
func (k *Keeper) ask(p *put) {
	p.resend = k.now + queryResend
	for _, m := range p.layout.Members() {
		if m.ID != k.self && !p.hasAnswer(m.ID) {
			k.box.Post(wire.Envelope{
				To: m.ID, Request: p.id, Message: &wire.Query{PutID: p.id, Ballot: k.local.Ballot()},
			})
		}
	}
}

func (p *put) hasAnswer(id wire.NodeID) bool {
	return slices.ContainsFunc(p.answers, func(a answer) bool { return a.node == id })
}

// OnQueryReply notes what a member holds.
func (k *Keeper) OnQueryReply(h wire.Header, m *wire.QueryReply) {
	if m.PutID == 0 {
		k.onProbeReply(h, m)
		return
	}
	p := k.findPut(m.PutID)
	if p == nil || p.stage != querying || p.hasAnswer(h.From) {
		return
	}
	if _, ok := p.layout.Find(h.From); !ok || !k.credible(m) {
		return
	}
	p.answers = append(p.answers, answer{h.From, h.Inc, m})
	k.conclude(p)
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
	others := len(p.layout.Members())
	if p.member {
		others--
	}
	if len(p.answers) < others && k.now-p.begun < querySilence {
		return
	}
	if by, ok := k.supplanted(p); ok {
		k.giveWay(by, p.heldBy(by).ID)
		k.finish(p, wire.ViewUnready)
		return
	}
	if v := k.inForce(p, others); v != nil {
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
// member says that it has heard one, here or at the address that the list gives it.
func (k *Keeper) supplanted(p *put) (by wire.NodeID, ok bool) {
	if k.view == nil || !p.member {
		return 0, false
	}
	mine, _ := p.layout.Find(k.self)
	for _, a := range p.answers {
		theirs, listed := a.r.View.Layout.Find(k.self)
		moved := listed && theirs == mine && k.elsewhere(&a.r.View) && a.r.View.SawAnother(k.self, k.inc)
		if a.r.Twin || moved {
			return a.node, true
		}
	}
	return 0, false
}

// heldBy is the view that a node said that it holds.
func (p *put) heldBy(id wire.NodeID) *wire.View {
	i := slices.IndexFunc(p.answers, func(a answer) bool { return a.node == id })
	return &p.answers[i].r.View
}

// renew confirms a view that is in force, at all its members: no view that was
// made in knowledge of less may be followed from it any more. Otherwise the view
// of an old list, whose author was cut off when the operator came back to this
// one, would take over when it is heard again.
func (k *Keeper) renew(p *put) {
	for _, a := range p.answers {
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
func (k *Keeper) inForce(p *put, others int) *wire.View {
	if p.force || mutant.On(mutant.AlwaysMint) {
		return nil
	}
	best := k.highest(p)
	if best == nil {
		return nil
	}
	if !p.member {
		return k.inForceOutside(p, best, others)
	}
	if k.viewID() != best.ID && !k.mayFollow(best) {
		return nil
	}
	for _, a := range p.answers {
		if !follows(best, a) && k.related(p, a, best.Births) {
			return nil
		}
	}
	return best
}

// inForceOutside is the same for a node that the list does not name: everybody
// must have answered with this list, and somebody must have its data.
func (k *Keeper) inForceOutside(p *put, best *wire.View, others int) *wire.View {
	knows := k.blank()
	for _, a := range p.answers {
		if !a.r.Present || !a.r.View.Layout.Equal(p.layout) {
			return nil
		}
		knows = knows || a.r.Knows
	}
	if len(p.answers) < others || !knows || best.ID.Compare(k.viewID()) < 0 {
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
	for _, a := range p.answers {
		same := a.r.Present && a.r.View.Layout.Equal(p.layout)
		if same && (best == nil || a.r.View.ID.Compare(best.ID) > 0) {
			best = &a.r.View
		}
	}
	return best
}

// follows reports whether a node that answered holds v, or may follow it over
// the bus (mayFollow, seen from outside).
func follows(v *wire.View, a answer) bool {
	if !a.r.Present {
		return v.SawIncarnation(a.node, a.inc)
	}
	held := &a.r.View
	if held.ID == v.ID {
		return true
	}
	same := held.Layout.Equal(v.Layout) && !v.SawAnother(a.node, a.inc)
	return held.ID.Compare(v.ID) < 0 && (same || v.Replaces(held) && wire.Kin(v.Births, held.Births))
}

func (k *Keeper) blank() bool { return k.local.Ballot().IsZero() }
