package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// This file forgets nodes that will never come back, by an operator's order (docs/causal.md
// §10.1). Without that such a node stays a former member: nothing that only it had counts as
// lost, and no tombstone is collected.

// forgotten is a node that an operator has given up. It stays on the list in later views,
// until a view has the node as a member or source.
type forgotten struct {
	wire.Forgotten      // the node, and the view in which the order was given
	ended          bool // an inquiry has ended since: the streams of all boots of the node are over
}

// forgetting is an operator that waits until a node is forgotten.
type forgetting struct {
	token ids.Token
	node  ids.Node
	until wire.Instant // then the operator is answered in any case
}

// Times and bounds of forgetting.
const (
	forgetPatience = 5 * wire.Second        // after it the operator is told which nodes have not answered
	maxForgotten   = plausible.MaxForgotten // nodes; a Digest that lists more is refused
)

// Forget takes an operator's order to forget a node. It refuses while the node is a member of
// the view or is heard, and if no known view has the node. The operator is answered when an
// inquiry has ended, or after forgetPatience. Forgetting goes on by itself.
func (r *Replica) Forget(in *core.ForgetNode) {
	switch why := r.mayForget(in.Node); {
	case r.view.Closed():
		r.step.Reply(core.Reply{Token: in.Token, Outcome: core.NotInView})
	case why != core.ForgetDone:
		r.replyForget(in.Token, &core.ForgetResult{Fate: why})
	case r.forgotten(in.Node) != nil && r.forgotten(in.Node).ended:
		r.replyForget(in.Token, &core.ForgetResult{Fate: core.ForgetDone})
	default:
		r.forgettings = append(r.forgettings, forgetting{in.Token, in.Node, r.step.Now() + forgetPatience})
		r.step.Alarm(r.step.Now() + forgetPatience)
		r.forgetNode(wire.Forgotten{Node: in.Node, View: r.view.ID()})
		for _, p := range slices.Clone(r.peers) {
			r.exchangeAgain(p) // the DigestRequest tells the peer of the order
		}
		r.endStreams() // a node without peers has no exchange that ends the inquiry
	}
}

// mayForget says whether a node may be forgotten: ForgetDone, or the reason against it.
func (r *Replica) mayForget(id ids.Node) core.ForgetFate {
	p := r.peer(id)
	switch {
	case r.view.None() || id == r.cfg.Self || r.view.Has(id):
		return core.ForgetMember
	case p != nil && p.Audible(r.step.Now()):
		return core.ForgetHeard
	case p == nil && r.forgotten(id) == nil && !r.catalog.HasNode(id):
		return core.ForgetUnknown
	}
	return core.ForgetDone
}

// replyForget answers an operator.
func (r *Replica) replyForget(token ids.Token, res *core.ForgetResult) {
	r.step.Reply(core.Reply{Token: token, Outcome: core.Done, Forget: res})
}

// forgotten finds a forgotten node; nil: the node is not forgotten.
func (r *Replica) forgotten(id ids.Node) *forgotten {
	return r.boots.forgotten[id]
}

// forgetNode removes a node from the peers and from the nodes of earlier views, and begins an
// inquiry. When the inquiry has ended, writes of the node that are not here are lost. An
// order of the same view that was carried out before changes nothing.
func (r *Replica) forgetNode(f wire.Forgotten) {
	if x := r.forgotten(f.Node); x != nil && x.View == f.View {
		return
	}
	if r.boots.forgotten == nil {
		r.boots.forgotten = map[ids.Node]*forgotten{}
	}
	if len(r.boots.forgotten) >= maxForgotten && r.forgotten(f.Node) == nil {
		return // no cluster is expected to lose so many nodes
	}
	r.boots.forgotten[f.Node] = &forgotten{Forgotten: f}
	r.peers = slices.DeleteFunc(r.peers, func(p *peer) bool {
		gone := p.id == f.Node
		if gone {
			r.stopExchange(p)
		}
		return gone
	})
	r.outside = slices.DeleteFunc(r.outside, func(m wire.Member) bool { return m.ID == f.Node })
	r.step.Change.Alumni, r.step.Change.AlumniSet = r.former(), true
	r.step.Commit()
	r.views.Reach()
	r.boots.beginInquiry()
	r.checkSynced()
}

// stopExchange ends the exchange with a node that is forgotten, without concluding anything.
func (r *Replica) stopExchange(p *peer) {
	if x := r.exchangeOf(p); x != nil {
		r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
		r.resumeWaiting(x)
	}
}

// hearForgotten forgets the nodes that a member lists as forgotten, in this view or in one
// that it replaces. It ignores nodes that were readmitted since, and nodes that are heard
// here: a word of one member does not outweigh the node's own messages.
func (r *Replica) hearForgotten(from ids.Node, list []wire.Forgotten) {
	if p := r.peer(from); p == nil || !p.member {
		return
	}
	for _, f := range list {
		if x := r.forgotten(f.Node); x != nil && x.View == f.View {
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
		delete(r.boots.forgotten, m.ID)
	}
}

// forgottenList are the forgotten nodes that DigestRequest and Digest tell, ascending.
func (r *Replica) forgottenList() []wire.Forgotten {
	if len(r.boots.forgotten) == 0 {
		return nil
	}
	list := make([]wire.Forgotten, 0, len(r.boots.forgotten))
	for _, f := range r.boots.forgotten { //maporder:ok put in order below
		list = append(list, f.Forgotten)
	}
	slices.SortFunc(list, func(a, b wire.Forgotten) int { return int(a.Node) - int(b.Node) })
	return list
}

// endForgotten notes, at the end of an inquiry, that all streams of forgotten nodes are over,
// and answers the operators. The losses that it reports are those that requests wait for.
func (r *Replica) endForgotten() {
	for _, told := range r.forgottenList() {
		f := r.forgotten(told.Node)
		if f.ended {
			continue
		}
		res := r.lostOf(f.Node)
		f.ended = true
		r.step.Event(core.Event{Kind: EventForgotten, Peer: f.Node, View: r.view.ID(), Count: uint64(res.Versions)})
		r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
			if o.node == f.Node {
				r.replyForget(o.token, res)
			}
			return o.node == f.Node
		})
	}
}

// lostOf counts the versions of a node that waiting requests name and that are not here, with
// their slots. More versions may be lost, but no node has any record of them.
func (r *Replica) lostOf(id ids.Node) *core.ForgetResult {
	res := &core.ForgetResult{Fate: core.ForgetDone}
	versions, slots := map[wire.Dot]bool{}, map[uint32]bool{}
	for _, q := range r.waiting.All() {
		for i := range q.context.Exact {
			d := &q.context.Exact[i]
			at := r.slots.Space().Slot(d.Hash)
			if s := r.slots.At(at); d.Version.Dot.Stream.Node == id && s.Owned() && !r.slots.Satisfied(s, d.Version.Dot.Stream, d.Version.Dot.N) {
				versions[d.Version.Dot], slots[uint32(at)] = true, true
			}
		}
	}
	res.Versions, res.Slots, res.Requests = len(versions), len(slots), r.waiting.Len()
	return res
}

// tickForget tells operators, after forgetPatience, which nodes have not answered.
func (r *Replica) tickForget() {
	r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
		if r.step.Now() < o.until {
			r.step.Alarm(o.until)
			return false
		}
		res := &core.ForgetResult{Fate: core.ForgetPending}
		for _, p := range r.peers {
			if p.inquired < r.boots.inquiry || p.former {
				res.Waiting = append(res.Waiting, p.id)
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
