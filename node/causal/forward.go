package causal

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// outgoingForwards are the requests of this node's clients that were forwarded to an
// owner of their slot (docs/causal.md §8). A write is open until its client is answered or
// has left, also while it is not in the list: this node may own its slot meanwhile.
type outgoingForwards struct {
	open forward.Open[*request] // writes
	list []*outgoingForward
}

// outgoingForward is one of them.
type outgoingForward struct {
	req        *request
	counter    uint64
	to         *peer        // nil: no owner could be asked yet
	begunAt    wire.Instant // with this peer
	sentAt     wire.Instant
	answeredAt wire.Instant // the last answer; hellos do not show that forwards arrive
	request    uint64
	boot       ids.Boot   // of the receiver, as it said with ForwardOtherBoot; 0: it did not
	others     []ids.Node // owners that were asked before
	refused    bool       // the bus had no listener there
}

// forward begins to forward a request to an owner of its slot. A request that was
// forwarded before keeps its id, because an owner may have applied it.
func (r *Replica) forward(q *request) {
	c := &r.outgoing
	if q.id == (ids.Request{}) {
		q.id = ids.Request{Node: r.cfg.Self, Boot: r.cfg.Boot}
		if q.kind == reading { // it may be carried out twice
			q.id.Counter = c.open.Skip()
		} else {
			q.id.Counter = c.open.Add(q)
		}
	}
	x := &outgoingForward{req: q, counter: q.id.Counter}
	c.list = append(c.list, x)
	r.dispatch(x)
}

// dispatch sends a forward to an owner. It stays with the same owner as long as that
// one may have it, because a write must not be applied twice.
func (r *Replica) dispatch(x *outgoingForward) {
	switch {
	case x.to == nil:
		r.chooseOwner(x)
	case r.mayRetarget(x):
		x.to.Mute = true
		r.chooseOwner(x)
	}
	x.sentAt = r.now
	r.alarm(r.now + forwardResend)
	if x.to == nil {
		return
	}
	boot := x.boot
	if boot == 0 {
		boot = x.to.Boot
	}
	x.request = r.box.Ask(x.to.id, &wire.CausalForward{
		Counter: x.counter, Read: x.req.kind == reading, Op: x.req.op, Context: x.req.context,
		LowestOpen: r.lowestOpen(), To: boot,
	})
}

// mayRetarget reports that another owner may be asked: the present one has not answered
// for long.
func (r *Replica) mayRetarget(x *outgoingForward) bool {
	return x.refused || r.now-max(x.answeredAt, x.begunAt) > peers.Silence
}

// chooseOwner chooses an owner: one that greeted lately, else the next one in turn.
func (r *Replica) chooseOwner(x *outgoingForward) {
	shard, ok := r.ring.Owner(x.req.at)
	if !ok {
		x.to = nil
		return
	}
	owners := r.view.Layout.Shards[shard].Members
	begin := int(x.counter)
	if x.to != nil {
		begin = slices.IndexFunc(owners, func(m wire.Member) bool { return m.ID == x.to.id }) + 1
	}
	var other *peer
	for i := range owners {
		p := r.peer(owners[(begin+i)%len(owners)].ID)
		if p == nil {
			continue
		}
		if p.Greets(r.now) && !p.Mute {
			other = p
			break
		}
		if other == nil {
			other = p
		}
	}
	if other != x.to {
		if x.to != nil {
			x.others = append(x.others, x.to.id)
		}
		x.to, x.begunAt, x.boot = other, r.now, 0
	}
	x.refused = false
}

// OnRequestFailed notes that the bus had no listener for a request. The request was not
// taken, and may go to another owner. It reports whether the request was one of this
// part.
func (r *Replica) OnRequestFailed(request uint64) bool {
	i := slices.IndexFunc(r.outgoing.list, func(x *outgoingForward) bool { return x.request == request })
	if i < 0 {
		return false
	}
	x := r.outgoing.list[i]
	if x.begunAt == x.sentAt || x.req.kind == reading { // an earlier send of a write may have been applied
		x.refused = true
	}
	x.sentAt = r.now - forwardResend + resend/2
	r.alarm(x.sentAt + forwardResend)
	return true
}

// OnForwardReply ends a forward, or sends it to another owner.
func (r *Replica) OnForwardReply(h wire.Header, m *wire.CausalForwardReply) {
	r.sign(h)
	i := slices.IndexFunc(r.outgoing.list, func(x *outgoingForward) bool { return x.counter == m.Counter })
	if i < 0 {
		return
	}
	x := r.outgoing.list[i]
	if !x.asked(h.From) {
		return
	}
	if why := x.req.unfit(m); why != "" {
		r.refuseMessage(h.From, why)
		return
	}
	if x.to != nil && x.to.id == h.From {
		x.answeredAt = r.now
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
	case wire.ForwardFinished: // there was no room to remember it, or the owner was told something wrong
		r.removeOutgoing(x)
		r.cancelElsewhere(x, h.From)
		r.reply(x.req, core.InDoubt, nil)
	case wire.ForwardOtherBoot:
		if x.to != nil && x.to.id == h.From && x.boot != h.Boot {
			x.boot = h.Boot
			r.dispatch(x)
		}
	case wire.ForwardElsewhere:
		if x.to != nil && x.to.id == h.From {
			x.to = nil // the owner has not applied it, and another node may own the slot by now
			x.sentAt = r.now - forwardResend + resend/2
			r.alarm(x.sentAt + forwardResend)
		}
	}
}

// asked reports that a node was sent this forward.
func (x *outgoingForward) asked(id ids.Node) bool {
	return x.to != nil && x.to.id == id || slices.Contains(x.others, id)
}

// unfit says why an answer cannot be that of a request; empty: it may be.
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

func (r *Replica) removeOutgoing(x *outgoingForward) {
	r.outgoing.list = slices.DeleteFunc(r.outgoing.list, func(o *outgoingForward) bool { return o == x })
}

// abandonForward forgets a forward whose client has left, and tells its owners.
func (r *Replica) abandonForward(q *request) {
	for _, x := range r.outgoing.list {
		if x.req == q {
			r.removeOutgoing(x)
			r.cancelElsewhere(x, r.cfg.Self)
			return
		}
	}
}

// cancelElsewhere cancels a forward at every node that was sent it, but for one.
func (r *Replica) cancelElsewhere(x *outgoingForward, but ids.Node) {
	at := x.others
	if x.to != nil {
		at = append(at, x.to.id)
	}
	r.cancelForward(x, slices.DeleteFunc(at, func(id ids.Node) bool { return id == but }))
}

// cancelForward tells owners to forget a forward.
func (r *Replica) cancelForward(x *outgoingForward, at []ids.Node) {
	for _, id := range at {
		r.send(id, &wire.CausalForwardCancel{Counters: []uint64{x.counter}})
	}
}

// rerouteForwards looks at all forwards again after the view has changed.
func (r *Replica) rerouteForwards() {
	for _, x := range slices.Clone(r.outgoing.list) {
		keep := x.to != nil && r.peer(x.to.id) != nil && x.req.kind == writing
		switch {
		case r.closed() && (x.req.kind == reading || x.request == 0):
			r.removeOutgoing(x)
			r.refuse(x.req) // a write that was sent may have been applied: it goes on (I12)
		case r.owns(x.req.at) && !keep:
			r.removeOutgoing(x)
			r.serveLocally(x.req)
		case x.to != nil:
			r.followOwner(x)
		}
	}
}

// followOwner keeps a forward at its owner if that still owns the slot. A member that
// does not own it answers so itself. A node outside the view may never answer.
func (r *Replica) followOwner(x *outgoingForward) {
	p := r.peer(x.to.id)
	owner := p != nil && p.member && r.ownedBy(p.id, x.req.at)
	if owner || x.req.kind == writing && p != nil && p.member {
		x.to = p
		return
	}
	r.cancelForward(x, []ids.Node{x.to.id})
	x.others = append(x.others, x.to.id)
	x.to, x.sentAt = nil, r.now-forwardResend
	r.alarm(r.now)
}

// serveLocally serves a request here that was to be forwarded: this node owns its slot
// by now. What the key holds is not known yet.
func (r *Replica) serveLocally(q *request) {
	q.asked, q.vouched, q.found = false, false, false
	if !r.slots.At(q.at).Ready() {
		r.start(q, nil)
		return
	}
	r.wait(q)
	r.again(q)
}

func (r *Replica) tickOutgoing() {
	for _, x := range slices.Clone(r.outgoing.list) {
		switch {
		case r.now < x.sentAt+forwardResend:
			r.alarm(x.sentAt + forwardResend)
		case r.owns(x.req.at) && (x.to == nil || r.mayRetarget(x)):
			r.removeOutgoing(x)
			r.serveLocally(x.req)
		default:
			r.dispatch(x)
		}
	}
}

// incomingForwards are the requests that other nodes forwarded here.
type incomingForwards struct {
	open    map[ids.Request]*incomingForward
	bytes   int // that these hold
	applied *forward.Table[appliedWrite]
}

// incomingForward is one of them, with the address of its answer.
type incomingForward struct {
	id         ids.Request
	req        *request
	to         ids.Node
	replyTo    ids.ReplyTo
	bytes      int
	view       ids.View     // of the forwarder, as it said last
	repeatedAt wire.Instant // last
}

// requestSize is what a request takes, without what it is about.
const requestSize = 512

func newIncomingForwards(l *Limits) incomingForwards {
	return incomingForwards{
		open: map[ids.Request]*incomingForward{}, applied: forward.NewTable[appliedWrite](l.Results, l.Forwarders),
	}
}

func (c *incomingForwards) add(x *incomingForward) {
	c.open[x.id] = x
	c.bytes += x.bytes
}

func (c *incomingForwards) remove(x *incomingForward) {
	if c.open[x.id] == x {
		delete(c.open, x.id)
		c.bytes -= x.bytes
	}
}

// OnForward takes a request that another node forwarded here.
func (r *Replica) OnForward(h wire.Header, replyTo ids.ReplyTo, m *wire.CausalForward, stored []*wire.Item) {
	r.sign(h)
	if len(stored) != 1 {
		return
	}
	id := ids.Request{Node: h.From, Boot: h.Boot, Counter: m.Counter}
	x := &incomingForward{id: id, to: h.From, replyTo: replyTo, repeatedAt: r.now, view: h.View}
	if !m.Read && m.To != r.cfg.Boot && !mutant.On(mutant.CausalForwardAnyBoot) {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardOtherBoot}, 0)
		return
	}
	r.hearLowestOpen(h, m.LowestOpen)
	if waits := r.incoming.open[id]; waits != nil {
		r.box.Post(core.Envelope{To: h.From, Answer: waits.replyTo, Message: &wire.CausalForwardReply{Counter: m.Counter, Fate: wire.ForwardWaiting}})
		waits.replyTo, waits.repeatedAt, waits.view = replyTo, r.now, h.View
		return
	}
	k := writing
	if m.Read {
		k = reading
	}
	x.req = r.newRequest(k, 0, m.Op, m.Context)
	x.req.incoming, x.req.id = x, id
	if !m.Read && r.settle(x.req) {
		return // whichever node owns the slot by now
	}
	if !r.judge.Context(&m.Context, r.now) {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardImplausible}, 0)
		return
	}
	x.bytes = requestSize + len(m.Op.Key) + len(m.Op.Value) + footprint.Context(len(m.Context.Exact), len(m.Context.Vector), len(m.Context.CutRefs))
	if len(r.incoming.open) >= maxIncoming || r.incoming.bytes+x.bytes > incomingRoom {
		r.answerForward(x, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.box.LastWrite())
		return
	}
	r.incoming.add(x)
	r.alarm(r.now + forwardPatience)
	r.start(x.req, stored[0])
}

// ofOurGroup reports that a forward comes from this node's group: from its view, from a
// view that this one replaces, or from a view of the same layout. A forward from a
// later view is answered once this node has adopted that view. Members of a parted
// group may hold writes that are missing here.
func (r *Replica) ofOurGroup(x *incomingForward) bool {
	if x.view == r.view.ID || r.view.Descends(x.view) {
		return true
	}
	c := r.catalog.Get(x.view)
	return c != nil && catalog.Fingerprint(&c.Layout) == r.layout
}

// answerForward answers the forwarder once the write seq is durable.
func (r *Replica) answerForward(x *incomingForward, m *wire.CausalForwardReply, seq uint64) {
	r.incoming.remove(x)
	m.Counter = x.id.Counter
	r.box.PostAfter(seq, core.Envelope{To: x.to, Answer: x.replyTo, Message: m})
}

// OnForwardCancel forgets requests whose clients have left.
func (r *Replica) OnForwardCancel(h wire.Header, m *wire.CausalForwardCancel) {
	for _, n := range m.Counters {
		r.dropForward(r.incoming.open[ids.Request{Node: h.From, Boot: h.Boot, Counter: n}])
	}
}

// outdated reports that the forwarder has not repeated a request for too long, or has
// finished with it.
func (r *Replica) outdated(x *incomingForward) bool {
	if r.now-x.repeatedAt >= forwardPatience {
		return true
	}
	_, fate := r.fate(x.id)
	return x.req.kind == writing && fate == forward.Finished
}

func (r *Replica) dropForward(x *incomingForward) {
	if x == nil {
		return
	}
	x.req.gone = true
	r.waiting.Remove(x.req)
	r.incoming.remove(x)
}

// tickIncoming drops forwards that are not repeated any more.
func (r *Replica) tickIncoming() {
	var late []*incomingForward
	for _, x := range r.incoming.open { //maporder:ok each is looked at by itself; late is put in order
		if r.outdated(x) {
			late = append(late, x)
		} else {
			r.alarm(x.repeatedAt + forwardPatience)
		}
	}
	slices.SortFunc(late, func(a, b *incomingForward) int { return int(a.id.Counter) - int(b.id.Counter) })
	for _, x := range late {
		r.dropForward(x)
	}
}
