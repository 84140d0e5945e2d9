package causal

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// outgoingForwards are the requests of this node's clients that are forwarded to an owner of
// their slot (docs/causal.md §8, docs/forwarding.md §2). A write stays open until its client
// is answered or has left. It is open even while it is not in the list, because this node
// may have become an owner of its slot meanwhile.
type outgoingForwards struct {
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

// forward begins to forward a request to an owner of its slot. A request that was forwarded
// before keeps its id, because an owner may have applied it (I11).
func (r *Replica) forward(q *request) {
	c := &r.outgoing
	if q.id == (ids.Request{}) {
		q.id = ids.Request{Node: r.cfg.Self, Boot: r.cfg.Boot}
		if q.kind == reading { // a read may be carried out twice
			q.id.Counter = c.open.Skip()
		} else {
			q.id.Counter = c.open.Add(q)
		}
	}
	x := &outgoingForward{req: q, counter: q.id.Counter}
	c.list = append(c.list, x)
	r.dispatch(x)
}

// dispatch sends a copy of a forward to its owner, or to the next owner if the present one
// has not answered for long.
func (r *Replica) dispatch(x *outgoingForward) {
	switch {
	case x.to == nil:
		r.chooseOwner(x)
	case r.mayRetarget(x):
		x.to.Mute = true
		r.chooseOwner(x)
	}
	x.sentAt = r.step.Now()
	r.step.Alarm(r.step.Now() + forwardResend)
	if x.to == nil {
		return
	}
	boot := x.boot
	if boot == 0 {
		boot = x.to.Boot
	}
	x.request = r.step.Ask(x.to.ID, &wire.CausalForward{
		Counter: x.counter, Read: x.req.kind == reading, Op: x.req.op, Context: x.req.context,
		LowestOpen: r.lowestOpen(), To: boot,
	})
}

// mayRetarget reports that another owner may be asked: the bus had no listener for the present
// one, or the present one has not answered for 500 ms.
func (r *Replica) mayRetarget(x *outgoingForward) bool {
	return x.refused || r.step.Now()-max(x.answeredAt, x.begunAt) > peers.Silence
}

// chooseOwner chooses the owner to ask: the next one in turn that is not silent and has
// answered its last forward, or else the next one. The counter says where the turn begins,
// so the load is shared among the owners.
func (r *Replica) chooseOwner(x *outgoingForward) {
	owners := r.view.Owners(x.req.at)
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
		p := r.peers.Get(owners[(begin+i)%len(owners)].ID)
		if p == nil {
			continue
		}
		if p.Greets(r.step.Now()) && !p.Mute {
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
		x.to, x.begunAt, x.boot = other, r.step.Now(), 0
	}
	x.refused = false
}

// OnRequestFailed notes that the bus had no listener for a request of this node. A read, or a
// write whose first copy failed, may go to another owner. OnRequestFailed reports false if the
// request was no forward of a causal bucket.
func (r *Replica) OnRequestFailed(request uint64) bool {
	i := slices.IndexFunc(r.outgoing.list, func(x *outgoingForward) bool { return x.request == request })
	if i < 0 {
		return false
	}
	x := r.outgoing.list[i]
	if x.begunAt == x.sentAt || x.req.kind == reading { // an earlier copy of a write may have been applied
		x.refused = true
	}
	x.sentAt = r.step.Now() - forwardResend + resend/2
	r.step.Alarm(x.sentAt + forwardResend)
	return true
}

// OnForwardReply takes in an owner's answer, which ends the forward or sends it elsewhere. An
// answer counts only from an owner that was asked, and only if it fits the request.
func (r *Replica) OnForwardReply(h wire.Header, m *wire.CausalForwardReply) {
	i := slices.IndexFunc(r.outgoing.list, func(x *outgoingForward) bool { return x.counter == m.Counter })
	if i < 0 {
		return
	}
	x := r.outgoing.list[i]
	if !x.asked(h.From) {
		return
	}
	if why := x.req.unfit(m); why != "" {
		r.guard.Refuse(h.From, why)
		return
	}
	if x.to != nil && x.to.ID == h.From {
		x.answeredAt = r.step.Now()
	}
	switch m.Fate {
	case wire.ForwardDone:
		r.removeOutgoing(x)
		r.cancelElsewhere(x, h.From)
		var item *wire.Item
		if m.Present {
			item = &m.Item
		}
		r.reply(x.req, core.Done, &core.CausalResult{Item: item, Existed: m.Existed, Context: m.Context})
	case wire.ForwardImplausible:
		r.removeOutgoing(x)
		r.cancelElsewhere(x, h.From)
		outcome := core.Implausible
		if x.req.kind == writing && len(x.others) > 0 {
			outcome = core.InDoubt // an owner that was asked before may have applied it
		}
		r.reply(x.req, outcome, nil)
	case wire.ForwardFinished: // its result had to go for want of room, or a faulty peer said so
		r.removeOutgoing(x)
		r.cancelElsewhere(x, h.From)
		r.reply(x.req, core.InDoubt, nil)
	case wire.ForwardOtherBoot:
		if x.to != nil && x.to.ID == h.From && x.boot != h.Boot {
			x.boot = h.Boot
			r.dispatch(x)
		}
	case wire.ForwardElsewhere:
		if x.to != nil && x.to.ID == h.From {
			x.to = nil // this owner has not applied the write, and another node may own the slot by now
			x.sentAt = r.step.Now() - forwardResend + resend/2
			r.step.Alarm(x.sentAt + forwardResend)
		}
	}
}

// asked reports that a node was sent this forward.
func (x *outgoingForward) asked(id ids.Node) bool {
	return x.to != nil && x.to.ID == id || slices.Contains(x.others, id)
}

// unfit says why an answer does not fit its request (docs/causal.md §12, rule 4); empty:
// the answer fits.
func (q *request) unfit(m *wire.CausalForwardReply) string {
	switch {
	case m.Fate == wire.ForwardFinished && q.kind == reading:
		return "a read that is said to be finished"
	case m.Fate != wire.ForwardDone:
	case m.Present && m.Item.Key != q.op.Key:
		return "an answer about another key"
	case q.kind == writing && !m.Present:
		return "an answer to a write without a version"
	case q.kind == writing && m.Item.Deleted != (q.op.Kind == wire.OpDelete):
		return "an answer to another kind of write"
	}
	return ""
}

// removeOutgoing takes a forward off the list. Its write stays open.
func (r *Replica) removeOutgoing(x *outgoingForward) {
	r.outgoing.list = slices.DeleteFunc(r.outgoing.list, func(o *outgoingForward) bool { return o == x })
}

// abandonForward drops a forward whose client has left, and cancels the forward at the owners
// that were asked.
func (r *Replica) abandonForward(q *request) {
	for _, x := range r.outgoing.list {
		if x.req == q {
			r.removeOutgoing(x)
			r.cancelElsewhere(x, r.cfg.Self)
			return
		}
	}
}

// cancelElsewhere cancels a forward at every owner that was asked, but for one.
func (r *Replica) cancelElsewhere(x *outgoingForward, but ids.Node) {
	at := x.others
	if x.to != nil {
		at = append(at, x.to.ID)
	}
	r.cancelForward(x, slices.DeleteFunc(at, func(id ids.Node) bool { return id == but }))
}

// cancelForward tells owners to drop a forward that waits there.
func (r *Replica) cancelForward(x *outgoingForward, at []ids.Node) {
	for _, id := range at {
		r.step.Send(id, &wire.CausalForwardCancel{Counters: []uint64{x.counter}})
	}
}

// rerouteForwards decides anew about all forwards after the view has changed (docs/causal.md
// §8.3). A write that was sent is never answered 503, even if this node has left its view:
// an owner may have applied it (I12).
func (r *Replica) rerouteForwards() {
	for _, x := range slices.Clone(r.outgoing.list) {
		keep := x.to != nil && r.peers.Get(x.to.ID) != nil && x.req.kind == writing
		switch {
		case r.view.Closed() && (x.req.kind == reading || x.request == 0):
			r.removeOutgoing(x)
			r.refuse(x.req)
		case r.view.Owns(x.req.at) && !keep:
			r.removeOutgoing(x)
			r.serveLocally(x.req)
		case x.to != nil:
			r.followOwner(x)
		}
	}
}

// followOwner keeps a forward at its owner if the owner still owns the slot. A write stays at
// any member: a member that does not own the slot answers *elsewhere*. A node outside the
// view may never answer, so its forwards are cancelled and go to another owner.
func (r *Replica) followOwner(x *outgoingForward) {
	p := r.peers.Get(x.to.ID)
	owner := p != nil && p.Member && r.view.OwnedBy(p.ID, x.req.at)
	if owner || x.req.kind == writing && p != nil && p.Member {
		x.to = p
		return
	}
	r.cancelForward(x, []ids.Node{x.to.ID})
	x.others = append(x.others, x.to.ID)
	x.to, x.sentAt = nil, r.step.Now()-forwardResend
	r.step.Alarm(r.step.Now())
}

// serveLocally serves a request that was forwarded, because this node owns its slot by now. A
// write keeps its id, so an owner that has applied it and this node do not both apply it if
// one has heard of the other's item.
func (r *Replica) serveLocally(q *request) {
	q.asked, q.vouched, q.found = false, false, false
	if !r.slots.At(q.at).Ready() {
		r.start(q, nil)
		return
	}
	r.wait(q)
	r.again(q)
}

// tickOutgoing repeats forwards without an answer, and serves those here whose slots this
// node has come to own.
func (r *Replica) tickOutgoing() {
	for _, x := range slices.Clone(r.outgoing.list) {
		switch {
		case r.step.Now() < x.sentAt+forwardResend:
			r.step.Alarm(x.sentAt + forwardResend)
		case r.view.Owns(x.req.at) && (x.to == nil || r.mayRetarget(x)):
			r.removeOutgoing(x)
			r.serveLocally(x.req)
		default:
			r.dispatch(x)
		}
	}
}

// Bounds of what this node keeps on behalf of its peers (docs/causal.md §12, rule 6).
const (
	maxIncoming  = 1 << 16  // forwarded requests that wait here; beyond it they are refused
	incomingRoom = 64 << 20 // bytes of memory that these take
)

// incomingForwards are the requests that other nodes forwarded here (docs/forwarding.md §3). A
// repetition of a write meets the waiting request or the result, so one owner applies no write
// twice (I11).
type incomingForwards struct {
	open  map[ids.Request]*incomingForward // not answered yet; at most maxIncoming
	bytes int                              // memory of open; at most incomingRoom
}

// incomingForward is a forwarded request that waits here, with the address of its answer.
type incomingForward struct {
	id         ids.Request
	req        *request
	to         ids.Node     // the forwarder
	replyTo    ids.ReplyTo  // of the last copy; earlier copies were answered *waiting*
	bytes      int          // memory that counts for the bound
	view       ids.View     // the forwarder's view, as its last copy said
	repeatedAt wire.Instant // when the last copy came; the request is dropped forwardPatience later
}

// requestSize is about the memory of a request in bytes, without its key, value and context.
const requestSize = 512

// add lists a request that waits here.
func (c *incomingForwards) add(x *incomingForward) {
	c.open[x.id] = x
	c.bytes += x.bytes
}

// remove takes a request off the list, if it is listed.
func (c *incomingForwards) remove(x *incomingForward) {
	if c.open[x.id] == x {
		delete(c.open, x.id)
		c.bytes -= x.bytes
	}
}

// OnForward takes a request that another node forwarded here. A write that names another boot
// of this node is refused first: what that boot has applied is not known here. A repetition
// is answered whichever node owns the slot by now.
func (r *Replica) OnForward(h wire.Header, replyTo ids.ReplyTo, m *wire.CausalForward, stored []*wire.Item) {
	if len(stored) != 1 {
		return
	}
	id := ids.Request{Node: h.From, Boot: h.Boot, Counter: m.Counter}
	x := &incomingForward{id: id, to: h.From, replyTo: replyTo, repeatedAt: r.step.Now(), view: h.View}
	if !m.Read && m.To != r.cfg.Boot && !mutant.On(mutant.CausalForwardAnyBoot) {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardOtherBoot}, 0)
		return
	}
	r.results.HearLowestOpen(h, m.LowestOpen)
	if waits := r.incoming.open[id]; waits != nil {
		r.step.Post(core.Envelope{To: h.From, Answer: waits.replyTo, Message: &wire.CausalForwardReply{Counter: m.Counter, Fate: wire.ForwardWaiting}})
		waits.replyTo, waits.repeatedAt, waits.view = replyTo, r.step.Now(), h.View
		return
	}
	k := writing
	if m.Read {
		k = reading
	}
	x.req = r.newRequest(k, 0, m.Op, m.Context)
	x.req.incoming, x.req.id = x, id
	if !m.Read && r.settle(x.req) {
		return
	}
	if !r.guard.Context(&m.Context) {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardImplausible}, 0)
		return
	}
	x.bytes = requestSize + len(m.Op.Key) + len(m.Op.Value) + footprint.Context(len(m.Context.Exact), len(m.Context.Vector), len(m.Context.CutRefs))
	if len(r.incoming.open) >= maxIncoming || r.incoming.bytes+x.bytes > incomingRoom {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.step.LastWrite())
		return
	}
	r.incoming.add(x)
	r.step.Alarm(r.step.Now() + forwardPatience)
	r.start(x.req, stored[0])
}

// answerForward answers the forwarder of a request once the write seq is durable.
func (r *Replica) answerForward(x *incomingForward, m *wire.CausalForwardReply, seq uint64) {
	r.incoming.remove(x)
	m.Counter = x.id.Counter
	r.step.PostAfter(seq, core.Envelope{To: x.to, Answer: x.replyTo, Message: m})
}

// OnForwardCancel drops forwarded requests whose clients have left, or were answered by
// another owner.
func (r *Replica) OnForwardCancel(h wire.Header, m *wire.CausalForwardCancel) {
	for _, n := range m.Counters {
		r.dropForward(r.incoming.open[ids.Request{Node: h.From, Boot: h.Boot, Counter: n}])
	}
}

// outdated reports that a forwarded request must not go on: the forwarder has not repeated it
// for forwardPatience, or has heard an answer elsewhere (docs/causal.md §8.1, rule 4;
// docs/causal.md §8.2, rule 10).
func (r *Replica) outdated(x *incomingForward) bool {
	if r.step.Now()-x.repeatedAt >= forwardPatience {
		return true
	}
	_, fate := r.results.Fate(x.id)
	return x.req.kind == writing && fate == forward.Finished
}

// dropForward ends a forwarded request without an answer; nil is none.
func (r *Replica) dropForward(x *incomingForward) {
	if x == nil {
		return
	}
	x.req.gone = true
	r.waiting.Remove(x.req)
	r.incoming.remove(x)
}

// tickIncoming drops forwarded requests that are outdated.
func (r *Replica) tickIncoming() {
	var late []*incomingForward
	for _, x := range r.incoming.open { //maporder:ok each is looked at by itself; late is put in order
		if r.outdated(x) {
			late = append(late, x)
		} else {
			r.step.Alarm(x.repeatedAt + forwardPatience)
		}
	}
	slices.SortFunc(late, func(a, b *incomingForward) int { return int(a.id.Counter) - int(b.id.Counter) })
	for _, x := range late {
		r.dropForward(x)
	}
}
