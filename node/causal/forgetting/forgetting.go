// Package forgetting forgets nodes that will never come back, by an operator's order (docs/causal.md
// §10.1). Without that such a node stays a former member: nothing that only it had counts as lost,
// and no tombstone is collected.
//
// Orders is a state machine without I/O. One goroutine at a time may use it.
package forgetting

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// order is an operator that waits until a node is forgotten.
type order struct {
	token ids.Token
	node  ids.Node
	until wire.Instant // then the operator is answered in any case
}

// forgetPatience is how long an operator waits before it is told which nodes have not answered.
const forgetPatience = 5 * wire.Second

// Host is the replica that forgets nodes.
type Host interface {
	// ExchangeAgain begins an exchange with a peer anew.
	ExchangeAgain(*peers.Peer)
	// StopExchange ends an exchange without concluding anything.
	StopExchange(*peers.Peer)
	// EndInquiry ends the inquiry if every peer has answered.
	EndInquiry()
	// CheckSynced finds out whether the node is synced now.
	CheckSynced()
}

// Orders are the orders of operators to forget nodes.
type Orders struct {
	step    *step.Step
	view    *membership.View
	peers   *peers.List
	catalog *catalog.Catalog
	boots   *loss.Boots
	lostOf  func(ids.Node) *core.ForgetResult // what requests wait for of a node
	host    Host

	open []order
}

// New returns the orders at a node: none.
func New(s *step.Step, v *membership.View, p *peers.List, c *catalog.Catalog, b *loss.Boots, lostOf func(ids.Node) *core.ForgetResult, h Host) *Orders {
	return &Orders{step: s, view: v, peers: p, catalog: c, boots: b, lostOf: lostOf, host: h}
}

// Waiting reports that an operator waits.
func (o *Orders) Waiting() bool { return len(o.open) > 0 }

// Forget takes an operator's order to forget a node. It refuses while the node is a member of
// the view or is heard, and if no known view has the node. The operator is answered when an
// inquiry has ended, or after forgetPatience. Forgetting goes on by itself.
func (o *Orders) Forget(in *core.ForgetNode) {
	switch why := o.mayForget(in.Node); {
	case o.view.Closed():
		o.step.Reply(core.Reply{Token: in.Token, Outcome: core.NotInView})
	case why != core.ForgetDone:
		o.reply(in.Token, &core.ForgetResult{Fate: why})
	case o.boots.GivenUp(in.Node):
		o.reply(in.Token, &core.ForgetResult{Fate: core.ForgetDone})
	default:
		o.open = append(o.open, order{in.Token, in.Node, o.step.Now() + forgetPatience})
		o.step.Alarm(o.step.Now() + forgetPatience)
		o.forget(wire.Forgotten{Node: in.Node, View: o.view.ID()})
		for _, p := range slices.Clone(o.peers.All()) {
			o.host.ExchangeAgain(p) // the DigestRequest tells the peer of the order
		}
		o.host.EndInquiry() // a node without peers has no exchange that ends the inquiry
	}
}

// mayForget says whether a node may be forgotten: ForgetDone, or the reason against it.
func (o *Orders) mayForget(id ids.Node) core.ForgetFate {
	p := o.peers.Get(id)
	switch {
	case o.view.None() || id == o.step.Self.Node || o.view.Has(id):
		return core.ForgetMember
	case p != nil && p.Audible(o.step.Now()):
		return core.ForgetHeard
	case p == nil && !o.boots.Forgotten(id) && !o.catalog.HasNode(id):
		return core.ForgetUnknown
	}
	return core.ForgetDone
}

// forget removes a node from the peers and from the nodes of earlier views, and begins an
// inquiry. When the inquiry has ended, writes of the node that are not here are lost. An
// order of the same view that was carried out before changes nothing.
func (o *Orders) forget(f wire.Forgotten) {
	if !o.boots.Forget(f) {
		return
	}
	if p := o.peers.Get(f.Node); p != nil {
		o.host.StopExchange(p)
	}
	o.peers.Forget(f.Node)
	o.peers.Persist()
	o.step.Commit()
	o.peers.Reach()
	o.boots.Begin()
	o.host.CheckSynced()
}

// Hear forgets the nodes that a member lists as forgotten, in this view or in one
// that it replaces. It ignores nodes that were readmitted since, and nodes that are heard
// here: a word of one member does not outweigh the node's own messages.
func (o *Orders) Hear(from ids.Node, list []wire.Forgotten) {
	if p := o.peers.Get(from); p == nil || !p.Member {
		return
	}
	for _, f := range list {
		if o.boots.Told(f) {
			continue
		}
		ours := o.view.Within(f.View) && !o.wasReadmitted(f)
		if fate := o.mayForget(f.Node); ours && (fate == core.ForgetDone || fate == core.ForgetUnknown) {
			o.forget(f)
		}
	}
}

// wasReadmitted reports that this view, or one that it replaces, has a node as a member and
// is later than the view in which the node was forgotten.
func (o *Orders) wasReadmitted(f wire.Forgotten) bool {
	for id := range o.catalog.With(f.Node) {
		if id.Compare(f.View) > 0 && o.view.Within(id) {
			return true
		}
	}
	return false
}

// Readmit ends the forgetting of nodes that a view has as members or sources.
func (o *Orders) Readmit(v *wire.View) {
	for _, m := range append(v.Layout.Members(), v.Sources...) {
		o.boots.Readmit(m.ID)
	}
}

// End notes, at the end of an inquiry, that all streams of forgotten nodes are over,
// and answers the operators. The losses that it reports are those that requests wait for.
func (o *Orders) End() {
	for _, told := range o.boots.ForgottenList() {
		id := told.Node
		if o.boots.GivenUp(id) {
			continue
		}
		res := o.lostOf(id)
		o.boots.GiveUp(id)
		o.step.Event(core.Event{Kind: EventForgotten, Peer: id, View: o.view.ID(), Count: uint64(res.Versions)})
		o.open = slices.DeleteFunc(o.open, func(w order) bool {
			if w.node == id {
				o.reply(w.token, res)
			}
			return w.node == id
		})
	}
}

// Tick tells operators, after forgetPatience, which nodes have not answered.
func (o *Orders) Tick() {
	o.open = slices.DeleteFunc(o.open, func(w order) bool {
		if o.step.Now() < w.until {
			o.step.Alarm(w.until)
			return false
		}
		res := &core.ForgetResult{Fate: core.ForgetPending}
		for _, p := range o.peers.All() {
			if p.Inquired < o.boots.Inquiry() || p.Former {
				res.Waiting = append(res.Waiting, p.ID)
			}
		}
		o.reply(w.token, res)
		return true
	})
}

// Abandon drops an operator that has left; false: the token is not an operator's.
func (o *Orders) Abandon(token ids.Token) bool {
	n := len(o.open)
	o.open = slices.DeleteFunc(o.open, func(w order) bool { return w.token == token })
	return len(o.open) < n
}

// reply answers an operator.
func (o *Orders) reply(token ids.Token, res *core.ForgetResult) {
	o.step.Reply(core.Reply{Token: token, Outcome: core.Done, Forget: res})
}
