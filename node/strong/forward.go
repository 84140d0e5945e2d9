package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// forwarder holds the writes of this node's own clients until they are answered.
// Counters have no gaps, so the open ones are a window.
type forwarder struct {
	base                      uint64     // requests below are answered or forgotten
	window                    []*request // window[i] has counter base+i; nil: finished
	open                      []*request // those of window that are not finished, in no order
	unsent                    []*request // not on their way under this ballot
	spare                     int        // of unsent, are gone
	flight                    *flight    // the one open Forward
	retryAt                   wire.Instant
	firstRequest, nextRequest uint64 // Forwards of this boot are numbered in between
}

// request is one write of an own client.
type request struct {
	token   wire.Token
	counter uint64
	op      wire.Op
	left    bool // may be in a log: it was sent to another primary, or ordered here
	queued  bool // in this primary's queue or log, under the present ballot
	gone    bool // answered, or its client left
	place   int  // in open
}

// flight is a Forward that waits for its answer.
type flight struct {
	request uint64
	carried []*request
	sent    wire.Instant
}

// mark is the lowest counter that is still open.
func (f *forwarder) mark() uint64 { return f.base }

func (f *forwarder) add(token wire.Token, op wire.Op) *request {
	if f.base == 0 {
		f.base = 1
	}
	q := &request{token: token, counter: f.base + uint64(len(f.window)), op: op, place: len(f.open)}
	f.window, f.open = append(f.window, q), append(f.open, q)
	return q
}

func (f *forwarder) find(counter uint64) *request {
	if counter < f.base || counter-f.base >= uint64(len(f.window)) {
		return nil
	}
	return f.window[counter-f.base]
}

// remove closes a request and moves the window.
func (f *forwarder) remove(q *request) {
	q.gone = true
	last := len(f.open) - 1
	f.open[q.place], f.open[last].place = f.open[last], q.place
	f.open[last] = nil
	f.open = f.open[:last]
	f.window[q.counter-f.base] = nil
	n := 0
	for n < len(f.window) && f.window[n] == nil {
		n++
	}
	f.window = f.window[n:]
	f.base += uint64(n)
}

// finish answers a request.
func (f *forwarder) finish(r *Replica, q *request, res wire.Result) {
	if q.gone {
		return
	}
	f.remove(q)
	if !kv.Fits(&q.op, res.Status) && !mutant.On(mutant.UncheckedStatus) {
		r.malformed(r.primary, "an answer that does not fit its write")
		res = wire.Result{Status: wire.Unknown, MsgNum: res.MsgNum}
	}
	r.box.Reply(wire.Reply{Token: q.token, Outcome: wire.Done, Result: res})
}

// rewind puts everything that is open back to the beginning, in order: the
// ballot under which it was on its way has ended.
func (f *forwarder) rewind(now wire.Instant) {
	f.flight = nil
	clear(f.unsent)
	f.unsent, f.spare = f.unsent[:0], 0
	for _, q := range f.window {
		if q != nil {
			q.queued = false
			f.unsent = append(f.unsent, q)
		}
	}
	f.retryAt = now
}

// Submit takes a client's write. stored is what the applied state holds for its
// key.
func (r *Replica) Submit(token wire.Token, op wire.Op, stored wire.Meta) {
	if r.turnedAway() {
		r.box.Reply(wire.Reply{Token: token, Outcome: wire.NotInView})
		return
	}
	q := r.fwd.add(token, op)
	if r.lead != nil && len(r.fwd.unsent) == 0 {
		r.enqueue(r.inboundOf(q), stored)
		r.order()
		return
	}
	r.fwd.unsent = append(r.fwd.unsent, q)
	r.forward()
}

func (r *Replica) inboundOf(q *request) *inbound {
	q.queued = true
	return &inbound{
		id: wire.RequestID{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: q.counter}, op: &q.op, local: q,
	}
}

// Abandon forgets a client's request, and says so to the primary. What is in a log
// may still take effect.
func (r *Replica) Abandon(token wire.Token) {
	for _, q := range r.fwd.open {
		if q.token == token {
			r.fwd.remove(q)
			r.withdraw(q)
			r.fwd.forget(q)
			r.abandonEntry(wire.RequestID{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: q.counter})
			if q.left && r.member && !r.isPrimary() {
				r.send(r.primary, &wire.Cancel{Ballot: r.hist.ballot, Counters: []uint64{q.counter}})
			}
			return
		}
	}
	r.reads.abandon(token)
}

// withdraw drops an own request from the queue.
func (r *Replica) withdraw(q *request) {
	if r.lead != nil && q.queued {
		r.unqueue(func(in *inbound) bool { return in.local == q })
	}
}

// forget drops what a request whose client has left holds. Nothing is sent while the
// primary is not to be had, for however long: without this, clients that come and go
// would fill the memory.
func (f *forwarder) forget(q *request) {
	if !q.queued { // else the queue may have its operation
		q.op = wire.Op{}
	}
	if f.spare++; 2*f.spare > len(f.unsent) {
		f.clean()
	}
}

// clean takes what is gone out of the requests that are not sent.
func (f *forwarder) clean() {
	f.unsent = slices.DeleteFunc(f.unsent, func(q *request) bool { return q.gone })
	f.spare = 0
}

// forward sends what is open to the primary, one message at a time: what arrives
// meanwhile goes with the next.
func (r *Replica) forward() {
	f := &r.fwd
	if len(f.unsent) == 0 || f.flight != nil || !r.Serving() || r.now < f.retryAt {
		return
	}
	if !r.isPrimary() && !r.heardLately(r.primary) {
		return
	}
	f.clean()
	if len(f.unsent) == 0 {
		return
	}
	n := fit(len(f.unsent), r.cfg.Limits.BatchOps, r.cfg.Limits.BatchBytes,
		func(i int) int { return opBytes(&f.unsent[i].op) })
	m := &wire.Forward{Ballot: r.hist.ballot, Mark: f.mark(), Ops: make([]wire.ForwardedOp, n)}
	for i, q := range f.unsent[:n] {
		q.left = q.left || !r.isPrimary()
		m.Ops[i] = wire.ForwardedOp{Counter: q.counter, Op: q.op}
	}
	f.nextRequest++
	f.flight = &flight{request: f.nextRequest, carried: slices.Clone(f.unsent[:n]), sent: r.now}
	f.unsent = slices.Delete(f.unsent, 0, n)
	if r.isPrimary() {
		r.send(r.cfg.Self, m) // by way of the driver, which adds what the state holds
		return
	}
	r.box.Post(wire.Envelope{To: r.primary, Request: f.nextRequest, Message: m})
}

// OnForwardReply takes answers; what was asked for and not answered is asked
// for again.
func (r *Replica) OnForwardReply(h wire.Header, request uint64, m *wire.ForwardReply) {
	f := &r.fwd
	if request <= f.firstRequest || request > f.nextRequest {
		return // of another life of this node, which numbered its requests alike
	}
	for _, a := range m.Answers {
		if q := f.find(a.Counter); q != nil && q.left {
			f.finish(r, q, a.Result)
		}
	}
	if f.flight == nil || f.flight.request != request {
		return
	}
	if m.Refused {
		r.box.Event(wire.Event{Kind: EventForwardRefused, Peer: h.From})
	}
	r.recall(m.Refused)
	r.forward()
}

// OnRequestFailed is told that nobody listened there: not yet.
func (r *Replica) OnRequestFailed(request uint64) {
	if f := r.fwd.flight; f != nil && f.request == request {
		r.recall(true)
	}
}

// recall puts what the flight carried, and is still open, in front of the rest.
func (r *Replica) recall(pause bool) {
	f := &r.fwd
	open := slices.DeleteFunc(f.flight.carried, func(q *request) bool { return q.gone || q.queued })
	f.unsent = append(open, f.unsent...)
	f.flight = nil
	if pause {
		f.retryAt = r.now + refusedPause
	}
}

// OnForward takes a member's writes into the queue, or finds what became of them
// (I11).
func (r *Replica) OnForward(h wire.Header, replyTo wire.ReplyTo, m *wire.Forward, stored []wire.Meta) {
	l := r.lead
	own := h.From == r.cfg.Self && h.Boot == r.cfg.Boot
	if l == nil || m.Ballot != r.hist.ballot || len(stored) != len(m.Ops) || !own && !r.counts(h, m.Mark) {
		r.box.Post(wire.Envelope{To: h.From, Answer: replyTo, Message: &wire.ForwardReply{Ballot: m.Ballot, Refused: true}})
		return
	}
	p := &parcel{from: h.From, replyTo: replyTo, ballot: m.Ballot}
	for i := range m.Ops {
		id := wire.RequestID{Node: h.From, Boot: h.Boot, Counter: m.Ops[i].Counter}
		r.takeIn(p, id, &m.Ops[i].Op, stored[i], own)
	}
	if p.open == 0 {
		r.reply(p)
	}
	r.order()
}

// counts checks that a Forward comes from a member in the incarnation that the
// ballot counts on, and notes its mark.
func (r *Replica) counts(h wire.Header, mark uint64) bool {
	f := r.lead.follower(h.From)
	if f == nil || f.inc != h.Inc {
		return false
	}
	f.inBoot(h.Boot)
	f.mark = max(f.mark, mark)
	f.cancelled = slices.DeleteFunc(f.cancelled, func(c uint64) bool { return c < f.mark })
	return true
}

// inBoot forgets what an earlier boot of the member had said of its requests.
func (f *follower) inBoot(b wire.Boot) {
	if f.boot != b {
		f.boot, f.mark, f.cancelled = b, 0, nil
	}
}

func (r *Replica) takeIn(p *parcel, id wire.RequestID, op *wire.Op, stored wire.Meta, own bool) {
	l := r.lead
	if res, answered, forgotten := r.hist.ledger.Lookup(id); answered {
		r.box.Event(wire.Event{Kind: EventRetryAnswered, Peer: id.Node})
		if own {
			if q := r.fwd.find(id.Counter); q != nil {
				r.fwd.finish(r, q, res)
			}
			return
		}
		p.answers = append(p.answers, wire.Answer{Counter: id.Counter, Result: res})
		return
	} else if forgotten {
		r.disown(p, id, own)
		return
	}
	if own {
		if q := r.fwd.find(id.Counter); q != nil && !q.queued {
			r.enqueue(r.inboundOf(q), stored)
		}
		return
	}
	if in := l.byID[id]; in != nil && !mutant.On(mutant.RetryByAppliedOnly) {
		r.box.Event(wire.Event{Kind: EventRetryPending, Peer: id.Node})
		if in.batch != nil {
			in.batch.open--
		}
		in.batch, in.seen = p, r.now
		p.open++
		return
	}
	if f := l.follower(id.Node); id.Counter < f.mark || slices.Contains(f.cancelled, id.Counter) {
		r.disown(p, id, false)
		return
	}
	in := &inbound{id: id, op: op, batch: p}
	l.byID[id] = in
	p.open++
	r.enqueue(in, stored)
}

// disown answers what is asked for though its forwarder has said that nobody waits for
// it. As a rule that is an old message, and nobody does. But if somebody does, because a
// peer said what was not so, asking again would come to the same without end.
func (r *Replica) disown(p *parcel, id wire.RequestID, own bool) {
	unknown := wire.Result{Status: wire.Unknown}
	if !own {
		p.answers = append(p.answers, wire.Answer{Counter: id.Counter, Result: unknown})
	} else if q := r.fwd.find(id.Counter); q != nil {
		r.fwd.finish(r, q, unknown)
	}
}

// settleParcel notes an answer and replies when it was the last.
func (r *Replica) settleParcel(p *parcel, a wire.Answer) {
	p.answers = append(p.answers, a)
	p.open--
	if p.open == 0 {
		r.reply(p)
	}
}

func (r *Replica) reply(p *parcel) {
	if p.from == r.cfg.Self {
		if f := r.fwd.flight; f != nil {
			// If nothing of it was taken, nothing would be the next time either: at once,
			// that would go on within this step for ever.
			taken := slices.ContainsFunc(f.carried, func(q *request) bool { return q.gone || q.queued })
			r.recall(!taken)
			r.forward()
		}
		return
	}
	r.box.Post(wire.Envelope{To: p.from, Answer: p.replyTo, Message: &wire.ForwardReply{Ballot: p.ballot, Answers: p.answers}})
}

// expire drops forwarded writes that nobody asked for again: their forwarder is
// gone, or has other orders. Those in the log are abandoned; if their forwarder is
// there after all, it asks for them again under the next ballot.
func (r *Replica) expire() {
	old := func(in *inbound) bool { return in.local == nil && r.now-in.seen > queuePatience }
	r.unqueue(func(in *inbound) bool {
		if old(in) {
			r.box.Event(wire.Event{Kind: EventExpired, Peer: in.id.Node})
		}
		return old(in)
	})
	for i, in := range r.lead.flights {
		if old(in) {
			r.abandonAt(r.hist.commit + 1 + uint64(i))
		}
	}
}

// dismiss answers with 503 what never left this node, when it can no longer be
// done here: it has not happened and will not.
func (r *Replica) dismiss() {
	if !r.turnedAway() {
		return
	}
	for _, q := range slices.Clone(r.fwd.window) {
		if q != nil && !q.left {
			r.fwd.remove(q)
			r.withdraw(q)
			r.box.Reply(wire.Reply{Token: q.token, Outcome: wire.NotInView})
		}
	}
	for _, t := range r.reads.takeAll() {
		r.box.Reply(wire.Reply{Token: t, Outcome: wire.NotInView})
	}
}

// TurnAway is told that this node was left behind.
func (r *Replica) TurnAway() { r.dismiss() }
