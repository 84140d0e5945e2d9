package causal

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// carriages are the requests of this node's clients that others work on
// (docs/causal.md §8).
type carriages struct {
	counter uint64
	request uint64 // numbers of bus requests
	list    []*carriage
}

// carriage is one of them.
type carriage struct {
	q       *request
	counter uint64
	to      *peer        // nil: nobody could be asked yet
	begun   wire.Instant // with this peer
	sent    wire.Instant
	heard   wire.Instant // the last answer; greetings say nothing of the way there
	request uint64
	clock   wire.Instant // that the peer gave with a refusal
	boot    wire.Boot
	others  []wire.NodeID // who was asked before
	refused bool          // nobody listened there
	first   uint64        // the bus request before which nobody can have taken it
}

func (c *carriages) first(boot wire.Boot) { c.request = uint64(boot)>>2 | 1<<62 }

// carry begins to have a request worked on by an owner of its slot. One that was
// carried before keeps its id: somebody may have taken it then.
func (r *Replica) carry(q *request) {
	c := &r.carriages
	if q.id == (wire.RequestID{}) {
		c.counter++
		q.id = wire.RequestID{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: c.counter}
	}
	x := &carriage{q: q, counter: q.id.Counter}
	c.list = append(c.list, x)
	r.dispatch(x)
}

// dispatch sends a carried request to an owner: the same one, as long as it may have
// it, because a write must not be taken twice.
func (r *Replica) dispatch(x *carriage) {
	if r.inDoubt(x.q) {
		r.giveUp(x)
		return
	}
	switch {
	case x.to == nil:
		r.turn(x)
	case r.mayTurn(x):
		x.to.mute = true
		r.turn(x)
	}
	x.sent = r.now
	r.alarm(r.now + carryResend)
	if x.to == nil {
		return
	}
	r.carriages.request++
	x.request = r.carriages.request
	if x.q.sent == 0 {
		x.q.sent, x.first = r.now, x.request
	}
	m := &wire.CausalForward{
		Counter: x.counter, Read: x.q.kind == reading, Op: x.q.op, Context: x.q.context,
		Heard: x.to.clock, HeardBoot: x.to.boot,
	}
	if x.clock > m.Heard || x.boot != m.HeardBoot {
		if x.boot != 0 {
			m.Heard, m.HeardBoot = x.clock, x.boot
		}
	}
	r.box.Post(wire.Envelope{To: x.to.id, Request: x.request, Message: m})
}

// mayTurn reports that another owner may be asked: the present one has not answered
// for long.
func (r *Replica) mayTurn(x *carriage) bool {
	return x.refused || r.now-max(x.heard, x.begun) > silence
}

// turn chooses an owner: one that greeted lately, else the next one in turn.
func (r *Replica) turn(x *carriage) {
	shard, ok := r.ring.Owner(x.q.at)
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
		if p.greeted && r.now-p.helloAt <= p.silence() && !p.mute {
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
		x.to, x.begun, x.clock, x.boot = other, r.now, 0, 0
	}
	x.refused = false
}

// OnRequestFailed notes that nobody listened: the request was not taken, and may go
// elsewhere. It reports whether the request was of this part.
func (r *Replica) OnRequestFailed(request uint64) bool {
	i := slices.IndexFunc(r.carriages.list, func(x *carriage) bool { return x.request == request })
	if i < 0 {
		return false
	}
	x := r.carriages.list[i]
	if x.first == request {
		x.q.sent, x.first = 0, 0
	}
	if x.begun == x.sent || x.q.kind == reading { // a write may have been taken when it was sent before
		x.refused = true
	}
	x.sent = r.now - carryResend + resend/2
	r.alarm(x.sent + carryResend)
	return true
}

// OnCarryAnswer ends a carried request, or sends it somewhere else.
func (r *Replica) OnForwardReply(h wire.Header, m *wire.CausalForwardReply) {
	r.sign(h)
	i := slices.IndexFunc(r.carriages.list, func(x *carriage) bool { return x.counter == m.Counter })
	if i < 0 {
		return
	}
	x := r.carriages.list[i]
	if !x.asked(h.From) {
		return
	}
	if why := x.q.unfit(m); why != "" {
		r.refuseMessage(h.From, why)
		return
	}
	if x.to != nil && x.to.id == h.From {
		x.heard = r.now
	}
	switch m.Fate {
	case wire.ForwardDone:
		r.unlist(x)
		r.cancelElsewhere(x, h.From)
		var item *wire.Item
		if m.Present {
			item = &m.Item
		}
		r.reply(x.q, wire.Done, &wire.CausalResult{Item: item, Existed: m.Existed, Context: m.Context})
	case wire.ForwardImplausible:
		r.unlist(x)
		r.cancelElsewhere(x, h.From)
		outcome := wire.Implausible
		if x.q.kind == writing && len(x.others) > 0 {
			outcome = wire.InDoubt // who was asked before may have taken it
		}
		r.reply(x.q, outcome, nil)
	case wire.ForwardLate:
		if x.to != nil && x.to.id == h.From && (x.boot != h.Boot || x.clock < m.Clock) {
			x.clock, x.boot = m.Clock, h.Boot
			r.dispatch(x)
		}
	case wire.ForwardElsewhere:
		if x.to != nil && x.to.id == h.From {
			x.to = nil // it has not taken it, and another one may own the slot by now
			x.sent = r.now - carryResend + resend/2
			r.alarm(x.sent + carryResend)
		}
	}
}

// asked reports that a node was asked to work on a carried request.
func (x *carriage) asked(id wire.NodeID) bool {
	return x.to != nil && x.to.id == id || slices.Contains(x.others, id)
}

// unfit says why an answer cannot be that of a request; empty: it may be.
func (q *request) unfit(m *wire.CausalForwardReply) string {
	switch {
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

func (r *Replica) unlist(x *carriage) {
	r.carriages.list = slices.DeleteFunc(r.carriages.list, func(o *carriage) bool { return o == x })
}

// abandonCarriage forgets a carried request whose client has left, and has its owner
// forget it.
func (r *Replica) abandonCarriage(q *request) {
	for _, x := range r.carriages.list {
		if x.q == q {
			r.unlist(x)
			r.cancelElsewhere(x, r.cfg.Self)
			return
		}
	}
}

// cancelElsewhere has everybody who was asked forget a carried request, but for one.
func (r *Replica) cancelElsewhere(x *carriage, but wire.NodeID) {
	at := x.others
	if x.to != nil {
		at = append(at, x.to.id)
	}
	r.cancel(x, slices.DeleteFunc(at, func(id wire.NodeID) bool { return id == but }))
}

// giveUp ends a carried write that an owner may have taken so long ago that it does not
// remember: taken again it would come over what was written since.
func (r *Replica) giveUp(x *carriage) {
	r.unlist(x)
	r.cancelElsewhere(x, r.cfg.Self)
	r.box.Event(wire.Event{Kind: EventForwardInDoubt})
	r.reply(x.q, wire.InDoubt, nil)
}

// inDoubt reports that owners may have forgotten that they took a write.
func (r *Replica) inDoubt(q *request) bool {
	return q.kind == writing && q.sent > 0 && r.now-q.sent > r.cfg.Limits.Remember-doubtMargin && !mutant.On(mutant.CausalForwardRetryForever)
}

// cancel has owners forget a carried request.
func (r *Replica) cancel(x *carriage, at []wire.NodeID) {
	for _, id := range at {
		r.send(id, &wire.CausalForwardCancel{Counters: []uint64{x.counter}})
	}
}

// rerouteCarriages looks at carried requests after the view has changed.
func (r *Replica) rerouteCarriages() {
	for _, x := range slices.Clone(r.carriages.list) {
		keep := x.to != nil && r.peer(x.to.id) != nil && x.q.kind == writing
		switch {
		case r.closed() && (x.q.kind == reading || x.request == 0):
			r.unlist(x)
			r.refuse(x.q) // a write that was sent may have been taken: it goes on (I12)
		case r.owns(x.q.at) && !keep:
			r.unlist(x)
			r.home(x.q)
		case x.to != nil:
			r.followOwner(x)
		}
	}
}

// followOwner goes on with the owner that a carried request was sent to, if it owns the
// slot still. A member that does not says so itself; who is in no view of ours may let
// it wait for ever.
func (r *Replica) followOwner(x *carriage) {
	p := r.peer(x.to.id)
	shard, ok := r.ring.Owner(x.q.at)
	owner := p != nil && ok && r.atlas.charts[r.view.ID].home[p.id] == shard && p.member
	if owner || x.q.kind == writing && p != nil && p.member {
		x.to = p
		return
	}
	r.cancel(x, []wire.NodeID{x.to.id})
	x.others = append(x.others, x.to.id)
	x.to, x.sent = nil, r.now-carryResend
	r.alarm(r.now)
}

// home works on a request here that was to be carried elsewhere: this node owns its
// slot by now. What the key holds is not known yet.
func (r *Replica) home(q *request) {
	q.asked, q.vouched, q.found = false, false, false
	if !r.slots.all[q.at].ready {
		r.start(q, nil)
		return
	}
	r.wait(q)
	r.again(q)
}

func (r *Replica) tickCarriages() {
	for _, x := range slices.Clone(r.carriages.list) {
		switch {
		case r.now < x.sent+carryResend:
			r.alarm(x.sent + carryResend)
		case r.owns(x.q.at) && (x.to == nil || r.mayTurn(x)):
			r.unlist(x)
			r.home(x.q)
		default:
			r.dispatch(x)
		}
	}
}

// carriedRequests are those that others carried here.
type carriedRequests struct {
	open  map[wire.RequestID]*carried
	bytes int // that these hold
	takenWrites
}

// carried is where an answer goes.
type carried struct {
	id      wire.RequestID
	q       *request
	to      wire.NodeID
	replyTo wire.ReplyTo
	bytes   int
	view    wire.ViewID  // of who carried it here, as it said last
	asked   wire.Instant // last
}

// requestSize is what a request takes, without what it is about.
const requestSize = 512

func (c *carriedRequests) add(x *carried) {
	c.open[x.id] = x
	c.bytes += x.bytes
}

func (c *carriedRequests) remove(x *carried) {
	if c.open[x.id] == x {
		delete(c.open, x.id)
		c.bytes -= x.bytes
	}
}

// OnCarry takes a request that another node carries here.
func (r *Replica) OnForward(h wire.Header, replyTo wire.ReplyTo, m *wire.CausalForward, stored []*wire.Item) {
	r.sign(h)
	id := wire.RequestID{Node: h.From, Boot: h.Boot, Counter: m.Counter}
	old := !m.Read && (m.HeardBoot != r.cfg.Boot || r.now-m.Heard > carryAge) && !mutant.On(mutant.CausalForwardLate)
	if x := r.carried.open[id]; x != nil {
		if old { // it may have been under way for long: its client may be gone since
			r.box.Post(wire.Envelope{To: h.From, Answer: replyTo, Message: &wire.CausalForwardReply{Counter: m.Counter, Fate: wire.ForwardLate, Clock: r.now}})
			return
		}
		r.box.Post(wire.Envelope{To: h.From, Answer: x.replyTo, Message: &wire.CausalForwardReply{Counter: m.Counter, Fate: wire.ForwardWaiting}})
		x.replyTo, x.asked, x.view = replyTo, r.now, h.View
		return
	}
	x := &carried{id: id, to: h.From, replyTo: replyTo, asked: r.now, view: h.View}
	if len(stored) != 1 {
		return
	}
	if _, done := r.carried.taken(id); old && !done {
		r.box.Event(wire.Event{Kind: EventForwardLate, Peer: h.From})
		r.answerCarried(x, &wire.CausalForwardReply{Fate: wire.ForwardLate, Clock: r.now}, 0)
		return
	}
	k := writing
	if m.Read {
		k = reading
	}
	x.q = r.newRequest(k, 0, m.Op, m.Context)
	x.q.carried, x.q.id = x, id
	if !m.Read && r.answerAgain(x.q) {
		return // whoever owns the slot by now
	}
	if !m.Read && r.carried.mayHaveLost(id) {
		r.answerCarried(x, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.box.LastWrite())
		return
	}
	if !r.plausible(&m.Context) {
		r.answerCarried(x, &wire.CausalForwardReply{Fate: wire.ForwardImplausible}, 0)
		return
	}
	x.bytes = requestSize + len(m.Op.Key) + len(m.Op.Value) + contextBytes(len(m.Context.Exact), len(m.Context.Vector), len(m.Context.CutRefs))
	if len(r.carried.open) >= maxCarried || r.carried.bytes+x.bytes > carriedRoom {
		r.answerCarried(x, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, r.box.LastWrite())
		return
	}
	r.carried.add(x)
	r.alarm(r.now + carryPatience)
	r.start(x.q, stored[0])
}

// serves reports that a carried request comes from this node's group: from its view, one
// that this replaces, or one of its list. Who is ahead of it is answered when it has come
// there, too; in a group that was parted from this one others may have what is missed here.
func (r *Replica) serves(x *carried) bool {
	if x.view == r.view.ID || r.view.Descends(x.view) {
		return true
	}
	c := r.atlas.charts[x.view]
	return c != nil && fingerprint(&c.Layout) == r.layout
}

// answerAgain answers a write that was taken before, here or by another owner that
// has told of it.
func (r *Replica) answerAgain(q *request) bool {
	t, ok := r.carried.taken(q.id)
	if !ok || t.hash != q.hash || mutant.On(mutant.CausalForwardTwice) {
		return false
	}
	r.box.Event(wire.Event{Kind: EventForwardRepeated, Peer: q.id.Node})
	q.existed = t.existed
	item := &wire.Item{Key: q.op.Key, Version: t.version, Deleted: t.deleted}
	r.answer(q, r.box.LastWrite(), item, with(&q.context, q.hash, t.version))
	return true
}

// answerCarried sends an answer to who carried a request here, once a write is
// durable.
func (r *Replica) answerCarried(x *carried, m *wire.CausalForwardReply, seq uint64) {
	r.carried.remove(x)
	m.Counter = x.id.Counter
	r.box.PostAfter(seq, wire.Envelope{To: x.to, Answer: x.replyTo, Message: m})
}

// OnCarryCancel forgets requests whose clients have left.
func (r *Replica) OnForwardCancel(h wire.Header, m *wire.CausalForwardCancel) {
	for _, n := range m.Counters {
		r.dropCarried(r.carried.open[wire.RequestID{Node: h.From, Boot: h.Boot, Counter: n}])
	}
}

// outdated reports that who carried a request here has not repeated it for too long.
func (r *Replica) outdated(x *carried) bool { return r.now-x.asked >= carryPatience }

func (r *Replica) dropCarried(x *carried) {
	if x == nil {
		return
	}
	x.q.gone = true
	r.drop(x.q)
	r.carried.remove(x)
}

// tickCarried drops what is not asked for any more.
func (r *Replica) tickCarried() {
	var late []*carried
	for _, x := range r.carried.open { //maporder:ok each is looked at by itself; late is put in order
		if r.outdated(x) {
			late = append(late, x)
		} else {
			r.alarm(x.asked + carryPatience)
		}
	}
	slices.SortFunc(late, func(a, b *carried) int { return int(a.id.Counter) - int(b.id.Counter) })
	for _, x := range late {
		r.dropCarried(x)
	}
}
