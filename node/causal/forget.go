package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// An operator may say that a node will never come back, with what only it had
// (docs/causal.md §10.1).

// forgotten is a node that an operator has given up.
type forgotten struct {
	wire.Forgotten
	ended bool // everybody was asked since for what the node has left
}

// forgetting is an operator who waits for that.
type forgetting struct {
	token ids.Token
	node  ids.Node
	until wire.Instant
}

// Times and bounds of forgetting.
const (
	forgetPatience = 5 * wire.Second // then the operator is told which nodes have not answered
	maxForgotten   = plausible.MaxForgotten
)

// Forget takes an operator's word that a node will never come back. It is refused while
// the node is a member of the view, or is heard.
func (r *Replica) Forget(in *core.ForgetNode) {
	switch why := r.mayForget(in.Node); {
	case r.closed():
		r.box.Reply(core.Reply{Token: in.Token, Outcome: core.NotInView})
	case why != core.ForgetDone:
		r.replyForget(in.Token, &core.ForgetResult{Fate: why})
	case r.forgotten(in.Node) != nil && r.forgotten(in.Node).ended:
		r.replyForget(in.Token, &core.ForgetResult{Fate: core.ForgetDone})
	default:
		r.forgettings = append(r.forgettings, forgetting{in.Token, in.Node, r.now + forgetPatience})
		r.alarm(r.now + forgetPatience)
		r.forgetNode(wire.Forgotten{Node: in.Node, View: r.view.ID})
		for _, p := range slices.Clone(r.peers) {
			r.exchangeAgain(p) // tells it, too
		}
		r.endStreams() // there may be nobody to ask
	}
}

// mayForget says whether a node may be forgotten: ForgetDone, or why not.
func (r *Replica) mayForget(id ids.Node) core.ForgetFate {
	p := r.peer(id)
	switch {
	case r.view == nil || id == r.cfg.Self || r.view.Has(id):
		return core.ForgetMember
	case p != nil && p.Audible(r.now):
		return core.ForgetHeard
	case p == nil && r.forgotten(id) == nil && !r.catalog.HasNode(id):
		return core.ForgetUnknown
	}
	return core.ForgetDone
}

func (r *Replica) replyForget(token ids.Token, res *core.ForgetResult) {
	r.box.Reply(core.Reply{Token: token, Outcome: core.Done, Forget: res})
}

func (r *Replica) forgotten(id ids.Node) *forgotten {
	return r.boots.forgotten[id]
}

// forgetNode forgets a node: nothing is expected from it any more. Writes of its
// streams that are not here are lost once every other node has been asked.
func (r *Replica) forgetNode(f wire.Forgotten) {
	if x := r.forgotten(f.Node); x != nil && x.View == f.View {
		return
	}
	if r.boots.forgotten == nil {
		r.boots.forgotten = map[ids.Node]*forgotten{}
	}
	if len(r.boots.forgotten) >= maxForgotten && r.forgotten(f.Node) == nil {
		return // operators do not lose so many
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
	r.change.Alumni, r.change.AlumniSet = r.former(), true
	r.commit()
	r.views.Reach()
	r.boots.beginInquiry()
	r.checkSynced()
}

// stopExchange ends an exchange with a node that nothing is expected from any more.
func (r *Replica) stopExchange(p *peer) {
	if x := r.exchangeOf(p); x != nil {
		r.exchanges = slices.DeleteFunc(r.exchanges, func(o *exchange) bool { return o == x })
		r.resumeWaiting(x)
	}
}

// hearForgotten takes in which nodes a member was told to forget, in this view or one
// that it replaces, unless they were readmitted since.
func (r *Replica) hearForgotten(from ids.Node, list []wire.Forgotten) {
	if p := r.peer(from); p == nil || !p.member {
		return
	}
	for _, f := range list {
		if x := r.forgotten(f.Node); x != nil && x.View == f.View {
			continue
		}
		ours := r.view != nil && (f.View == r.view.ID || r.view.Descends(f.View)) && !r.wasReadmitted(f)
		if fate := r.mayForget(f.Node); ours && (fate == core.ForgetDone || fate == core.ForgetUnknown) {
			r.forgetNode(f)
		}
	}
}

// wasReadmitted reports that a view which came after a node was forgotten has it as a
// member.
func (r *Replica) wasReadmitted(f wire.Forgotten) bool {
	for id := range r.catalog.With(f.Node) {
		if id.Compare(f.View) > 0 && (id == r.view.ID || r.view.Descends(id)) {
			return true
		}
	}
	return false
}

// readmit remembers forgotten nodes again that a view has as members or sources.
func (r *Replica) readmit(v *wire.View) {
	for _, m := range append(v.Layout.Members(), v.Sources...) {
		delete(r.boots.forgotten, m.ID)
	}
}

// forgottenList is what others are told of forgotten nodes.
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

// endForgotten notes that everybody was asked for what forgotten nodes have left, and
// says what is lost, as far as anybody waits for it.
func (r *Replica) endForgotten() {
	for _, told := range r.forgottenList() {
		f := r.forgotten(told.Node)
		if f.ended {
			continue
		}
		res := r.lostOf(f.Node)
		f.ended = true
		r.box.Event(core.Event{Kind: EventForgotten, Peer: f.Node, View: r.viewID(), Count: uint64(res.Versions)})
		r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
			if o.node == f.Node {
				r.replyForget(o.token, res)
			}
			return o.node == f.Node
		})
	}
}

// lostOf counts what requests wait for that a node wrote and nobody has. More may be
// lost; nobody knows of that.
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

// tickForget tells operators who has not been asked in time: that goes on by itself.
func (r *Replica) tickForget() {
	r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool {
		if r.now < o.until {
			r.alarm(o.until)
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

// abandonForget forgets an operator who has left; false: it is none.
func (r *Replica) abandonForget(token ids.Token) bool {
	n := len(r.forgettings)
	r.forgettings = slices.DeleteFunc(r.forgettings, func(o forgetting) bool { return o.token == token })
	return len(r.forgettings) < n
}
