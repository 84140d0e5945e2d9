package requests

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of forwards.
const (
	forwardResend = 250 * wire.Millisecond // between two copies of a forward
	resend        = 50 * wire.Millisecond  // after which a refused forward goes out again
)

// server serves the requests that Outgoing does not forward.
type server interface {
	reply(q *request, outcome core.Outcome, result *core.CausalResult)
	refuse(q *request)
	serveLocally(q *request)
}

// Outgoing are the requests of this node's clients that are forwarded to an owner of
// their slot (docs/causal.md §8, docs/forwarding.md §2). A write stays open until its client
// is answered or has left. It is open even while it is not in the list, because this node
// may have become an owner of its slot meanwhile.
type Outgoing struct {
	step   *step.Step
	view   *membership.View
	peers  *peers.List
	guard  *plausible.Guard
	server server

	open forward.Open[*request] // writes; a read may be carried out twice, and is never open
	list []*outgoingForward     // forwards without an answer, in the order in which they began
}

// outgoingForward is one forwarded request. A write stays with one owner for as long as that
// owner may answer: a second owner that has not heard of the write would apply it again
// (docs/causal.md §8.2, rules 4 and 5).
type outgoingForward struct {
	req        *request
	counter    uint64       // of the request id
	to         *peers.Peer  // the owner that is asked now; nil: none can be asked yet
	begunAt    wire.Instant // when the forward was first sent to this owner
	sentAt     wire.Instant // when the last copy was sent
	answeredAt wire.Instant // last answer of an owner; hellos do not show that forwards arrive
	request    uint64       // number of the last copy on the bus; 0: none was sent
	boot       ids.Boot     // the owner's boot, as its answer ForwardOtherBoot told it; 0: as last heard
	others     []ids.Node   // owners that were asked before, and may have applied a write
	refused    bool         // the bus had no listener at this owner, and the owner cannot have applied a write: another one may be asked
}

// asked reports that a node was sent this forward.
func (x *outgoingForward) asked(id ids.Node) bool {
	return x.to != nil && x.to.ID == id || slices.Contains(x.others, id)
}

// LowestOpen is the lowest open counter of this node (docs/forwarding.md §2, rule 3).
func (o *Outgoing) LowestOpen() uint64 {
	return o.open.Lowest()
}

// forward begins to forward a request to an owner of its slot. A request that was forwarded
// before keeps its id, because an owner may have applied it (I11).
func (o *Outgoing) forward(q *request) {
	if q.id == (ids.Request{}) {
		q.id = ids.Request{Node: o.step.Self.Node, Boot: o.step.Self.Boot}
		if q.kind == reading { // a read may be carried out twice
			q.id.Counter = o.open.Skip()
		} else {
			q.id.Counter = o.open.Add(q)
		}
	}
	x := &outgoingForward{req: q, counter: q.id.Counter}
	o.list = append(o.list, x)
	o.dispatch(x)
}

// dispatch sends a copy of a forward to its owner, or to the next owner if the present one
// has not answered for long.
func (o *Outgoing) dispatch(x *outgoingForward) {
	switch {
	case x.to == nil:
		o.chooseOwner(x)
	case o.mayRetarget(x):
		x.to.Mute = true
		o.chooseOwner(x)
	}
	x.sentAt = o.step.Now()
	o.step.Alarm(o.step.Now() + forwardResend)
	if x.to == nil {
		return
	}
	boot := x.boot
	if boot == 0 {
		boot = x.to.Boot
	}
	x.request = o.step.Ask(x.to.ID, &wire.CausalForward{
		Counter: x.counter, Read: x.req.kind == reading, Op: x.req.op, Context: x.req.context,
		LowestOpen: o.LowestOpen(), To: boot,
	})
}

// mayRetarget reports that another owner may be asked: the bus had no listener for the present
// one, or the present one has not answered for 500 ms.
func (o *Outgoing) mayRetarget(x *outgoingForward) bool {
	return x.refused || o.step.Now()-max(x.answeredAt, x.begunAt) > peers.Silence
}

// chooseOwner chooses the owner to ask: the next one in turn that is not silent and has
// answered its last forward, or else the next one. The counter says where the turn begins,
// so the load is shared among the owners.
func (o *Outgoing) chooseOwner(x *outgoingForward) {
	owners := o.view.Owners(x.req.at)
	if len(owners) == 0 {
		x.to = nil
		return
	}
	begin := int(x.counter)
	if x.to != nil {
		begin = slices.IndexFunc(owners, func(m wire.Member) bool { return m.ID == x.to.ID }) + 1
	}
	var other *peers.Peer
	for i := range owners {
		p := o.peers.Get(owners[(begin+i)%len(owners)].ID)
		if p == nil {
			continue
		}
		if p.Greets(o.step.Now()) && !p.Mute {
			other = p
			break
		}
		if other == nil {
			other = p
		}
	}
	if other != x.to {
		if x.to != nil {
			x.others = append(x.others, x.to.ID)
		}
		x.to, x.begunAt, x.boot = other, o.step.Now(), 0
	}
	x.refused = false
}

// OnRequestFailed notes that the bus had no listener for a request of this node. A read, or a
// write whose first copy failed, may go to another owner. OnRequestFailed reports false if the
// request was no forward of a causal bucket.
func (o *Outgoing) OnRequestFailed(request uint64) bool {
	i := slices.IndexFunc(o.list, func(x *outgoingForward) bool { return x.request == request })
	if i < 0 {
		return false
	}
	x := o.list[i]
	if x.begunAt == x.sentAt || x.req.kind == reading { // an earlier copy of a write may have been applied
		x.refused = true
	}
	x.sentAt = o.step.Now() - forwardResend + resend
	o.step.Alarm(x.sentAt + forwardResend)
	return true
}

// OnReply takes in an owner's answer, which ends the forward or sends it elsewhere. An
// answer counts only from an owner that was asked, and only if it fits the request.
func (o *Outgoing) OnReply(h wire.Header, m *wire.CausalForwardReply) {
	i := slices.IndexFunc(o.list, func(x *outgoingForward) bool { return x.counter == m.Counter })
	if i < 0 {
		return
	}
	x := o.list[i]
	if !x.asked(h.From) {
		return
	}
	if why := x.req.unfit(m); why != "" {
		o.guard.Refuse(h.From, why)
		return
	}
	if x.to != nil && x.to.ID == h.From {
		x.answeredAt = o.step.Now()
	}
	switch m.Fate {
	case wire.ForwardDone:
		o.remove(x)
		o.cancelElsewhere(x, h.From)
		var item *wire.Item
		if m.Present {
			item = &m.Item
		}
		o.server.reply(x.req, core.Done, &core.CausalResult{Item: item, Existed: m.Existed, Context: m.Context})
	case wire.ForwardImplausible:
		o.remove(x)
		o.cancelElsewhere(x, h.From)
		outcome := core.Implausible
		if x.req.kind == writing && len(x.others) > 0 {
			outcome = core.InDoubt // an owner that was asked before may have applied it
		}
		o.server.reply(x.req, outcome, nil)
	case wire.ForwardFinished: // its result had to go for want of room, or a faulty peer said so
		o.remove(x)
		o.cancelElsewhere(x, h.From)
		o.server.reply(x.req, core.InDoubt, nil)
	case wire.ForwardOtherBoot:
		if x.to != nil && x.to.ID == h.From && x.boot != h.Boot {
			x.boot = h.Boot
			o.dispatch(x)
		}
	case wire.ForwardElsewhere:
		if x.to != nil && x.to.ID == h.From {
			x.to = nil // this owner has not applied the write, and another node may own the slot by now
			x.sentAt = o.step.Now() - forwardResend + resend
			o.step.Alarm(x.sentAt + forwardResend)
		}
	}
}

// remove takes a forward off the list. Its write stays open.
func (o *Outgoing) remove(x *outgoingForward) {
	o.list = slices.DeleteFunc(o.list, func(o *outgoingForward) bool { return o == x })
}

// abandon drops a forward whose client has left, and cancels the forward at the owners
// that were asked.
func (o *Outgoing) abandon(q *request) {
	for _, x := range o.list {
		if x.req == q {
			o.remove(x)
			o.cancelElsewhere(x, o.step.Self.Node)
			return
		}
	}
}

// cancelElsewhere cancels a forward at every owner that was asked, but for one.
func (o *Outgoing) cancelElsewhere(x *outgoingForward, but ids.Node) {
	at := x.others
	if x.to != nil {
		at = append(at, x.to.ID)
	}
	o.cancel(x, slices.DeleteFunc(at, func(id ids.Node) bool { return id == but }))
}

// cancel tells owners to drop a forward that waits there.
func (o *Outgoing) cancel(x *outgoingForward, at []ids.Node) {
	for _, id := range at {
		o.step.Send(id, &wire.CausalForwardCancel{Counters: []uint64{x.counter}})
	}
}

// reroute decides anew about all forwards after the view has changed (docs/causal.md
// §8.3). A write that was sent is never answered 503, even if this node has left its view:
// an owner may have applied it (I12).
func (o *Outgoing) reroute() {
	for _, x := range slices.Clone(o.list) {
		keep := x.to != nil && o.peers.Get(x.to.ID) != nil && x.req.kind == writing
		switch {
		case o.view.Closed() && (x.req.kind == reading || x.request == 0):
			o.remove(x)
			o.server.refuse(x.req)
		case o.view.Owns(x.req.at) && !keep:
			o.remove(x)
			o.server.serveLocally(x.req)
		case x.to != nil:
			o.followOwner(x)
		}
	}
}

// followOwner keeps a forward at its owner if the owner still owns the slot. A write stays at
// any member: a member that does not own the slot answers *elsewhere*. A node outside the
// view may never answer, so its forwards are cancelled and go to another owner.
func (o *Outgoing) followOwner(x *outgoingForward) {
	p := o.peers.Get(x.to.ID)
	owner := p != nil && p.Member && o.view.OwnedBy(p.ID, x.req.at)
	if owner || x.req.kind == writing && p != nil && p.Member {
		x.to = p
		return
	}
	o.cancel(x, []ids.Node{x.to.ID})
	x.others = append(x.others, x.to.ID)
	x.to, x.sentAt = nil, o.step.Now()-forwardResend
	o.step.Alarm(o.step.Now())
}

// tick repeats forwards without an answer, and serves those here whose slots this
// node has come to own.
func (o *Outgoing) tick() {
	for _, x := range slices.Clone(o.list) {
		switch {
		case o.step.Now() < x.sentAt+forwardResend:
			o.step.Alarm(x.sentAt + forwardResend)
		case o.view.Owns(x.req.at) && (x.to == nil || o.mayRetarget(x)):
			o.remove(x)
			o.server.serveLocally(x.req)
		default:
			o.dispatch(x)
		}
	}
}
