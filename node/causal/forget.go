package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// This file forgets nodes that will never come back, by an operator's order (docs/causal.md
// §10.1). Without that such a node stays a former member: nothing that only it had counts as
// lost, and no tombstone is collected.

// forgetting is an operator that waits until a node is forgotten.
type forgetting struct {
	token ids.Token
	node  ids.Node
	until wire.Instant // then the operator is answered in any case
}

// forgetPatience is how long an operator waits before it is told which nodes have not answered.
const forgetPatience = 5 * wire.Second

// Forget takes an operator's order to forget a node. It refuses while the node is a member of
// the view or is heard, and if no known view has the node. The operator is answered when an
// inquiry has ended, or after forgetPatience. Forgetting goes on by itself.
func (r *Replica) Forget(in *core.ForgetNode) {
	switch why := r.mayForget(in.Node); {
	case r.view.Closed():
		r.step.Reply(core.Reply{Token: in.Token, Outcome: core.NotInView})
	case why != core.ForgetDone:
		r.replyForget(in.Token, &core.ForgetResult{Fate: why})
	case r.boots.GivenUp(in.Node):
		r.replyForget(in.Token, &core.ForgetResult{Fate: core.ForgetDone})
	default:
		r.forgettings = append(r.forgettings, forgetting{in.Token, in.Node, r.step.Now() + forgetPatience})
		r.step.Alarm(r.step.Now() + forgetPatience)
		r.forgetNode(wire.Forgotten{Node: in.Node, View: r.view.ID()})
		for _, p := range slices.Clone(r.peers.All()) {
			r.exchangeAgain(p) // the DigestRequest tells the peer of the order
		}
		r.endStreams() // a node without peers has no exchange that ends the inquiry
	}
}

// mayForget says whether a node may be forgotten: ForgetDone, or the reason against it.
func (r *Replica) mayForget(id ids.Node) core.ForgetFate {
	p := r.peers.Get(id)
	switch {
	case r.view.None() || id == r.cfg.Self || r.view.Has(id):
		return core.ForgetMember
	case p != nil && p.Audible(r.step.Now()):
		return core.ForgetHeard
	case p == nil && !r.boots.Forgotten(id) && !r.catalog.HasNode(id):
		return core.ForgetUnknown
	}
	return core.ForgetDone
}

// replyForget answers an operator.
func (r *Replica) replyForget(token ids.Token, res *core.ForgetResult) {
	r.step.Reply(core.Reply{Token: token, Outcome: core.Done, Forget: res})
}

// forgetNode removes a node from the peers and from the nodes of earlier views, and begins an
// inquiry. When the inquiry has ended, writes of the node that are not here are lost. An
// order of the same view that was carried out before changes nothing.
func (r *Replica) forgetNode(f wire.Forgotten) {
	if !r.boots.Forget(f) {
		return
	}
	if p := r.peers.Get(f.Node); p != nil {
		r.stopExchange(p)
	}
	r.peers.Forget(f.Node)
	r.peers.Persist()
	r.step.Commit()
	r.peers.Reach()
	r.boots.Begin()
	r.checkSynced()
}

// stopExchange ends the exchange with a node that is forgotten, without concluding anything.
func (r *Replica) stopExchange(p *peers.Peer) {
	if x := r.exchangeOf(p); x != nil {
		r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
		r.resumeWaiting(x)
	}
}

// hearForgotten forgets the nodes that a member lists as forgotten, in this view or in one
// that it replaces. It ignores nodes that were readmitted since, and nodes that are heard
// here: a word of one member does not outweigh the node's own messages.
func (r *Replica) hearForgotten(from ids.Node, list []wire.Forgotten) {
	if p := r.peers.Get(from); p == nil || !p.Member {
		return
	}
	for _, f := range list {
		if r.boots.Told(f) {
			continue
		}
		ours := r.view.Within(f.View) && !r.wasReadmitted(f)
		if fate := r.mayForget(f.Node); ours && (fate == core.ForgetDone || fate == core.ForgetUnknown) {
			r.forgetNode(f)
		}
	}
}

// wasReadmitted reports that this view, or one that it replaces, has a node as a member and
// is later than the view in which the node was forgotten.
func (r *Replica) wasReadmitted(f wire.Forgotten) bool {
	for id := range r.catalog.With(f.Node) {
		if id.Compare(f.View) > 0 && r.view.Within(id) {
			return true
		}
	}
	return false
}

// readmit ends the forgetting of nodes that a view has as members or sources.
func (r *Replica) readmit(v *wire.View) {
	for _, m := range append(v.Layout.Members(), v.Sources...) {
		r.boots.Readmit(m.ID)
	}
}

// endForgotten notes, at the end of an inquiry, that all streams of forgotten nodes are over,
// and answers the operators. The losses that it reports are those that requests wait for.
func (r *Replica) endForgotten() {
	for _, told := range r.boots.ForgottenList() {
		id := told.Node
		if r.boots.GivenUp(id) {
			continue
		}
		res := r.requests.LostOf(id)
		r.boots.GiveUp(id)
		r.step.Event(core.Event{Kind: EventForgotten, Peer: id, View: r.view.ID(), Count: uint64(res.Versions)})
		r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
			if o.node == id {
				r.replyForget(o.token, res)
			}
			return o.node == id
		})
	}
}

// tickForget tells operators, after forgetPatience, which nodes have not answered.
func (r *Replica) tickForget() {
	r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
		if r.step.Now() < o.until {
			r.step.Alarm(o.until)
			return false
		}
		res := &core.ForgetResult{Fate: core.ForgetPending}
		for _, p := range r.peers.All() {
			if p.Inquired < r.boots.Inquiry() || p.Former {
				res.Waiting = append(res.Waiting, p.ID)
			}
		}
		r.replyForget(o.token, res)
		return true
	})
}

// abandonForget drops an operator that has left; false: the token is not an operator's.
func (r *Replica) abandonForget(token ids.Token) bool {
	n := len(r.forgettings)
	r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool { return o.token == token })
	return len(r.forgettings) < n
}
