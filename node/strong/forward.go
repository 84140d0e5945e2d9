package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/primary"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of forwarding.
const (
	forwardTimeout = 1 * wire.Second // a Forward without answer is sent again
	refusedPause   = 20 * wire.Millisecond
)

// forwarder holds the writes of this node's own clients until they are answered
// (docs/forwarding.md §2).
type forwarder struct {
	open         forward.Open[*request]
	unsent       []*request // not on their way under this ballot
	closedUnsent int        // of unsent, are gone
	flight       *flight    // the one open Forward; at the primary, the one open read of keys
	reads        uint64     // reads of keys so far
	retryAt      wire.Instant
}

// request is one write of an own client.
type request struct {
	token       ids.Token
	counter     uint64
	op          wire.Op
	mayBeLogged bool // may be in a log: it was sent to another primary, or ordered here
	queued      bool // in this primary's queue or log, under the present ballot
	closed      bool // answered, or its client left
}

// flight are requests that wait for the primary's answer or, at the primary, for what the
// state holds for their keys.
type flight struct {
	read     uint64 // at the primary: the number of the read of keys
	request  uint64
	requests []*request
	sent     wire.Instant
}

func (f *forwarder) add(token ids.Token, op wire.Op) *request {
	q := &request{token: token, op: op}
	q.counter = f.open.Add(q)
	return q
}

// find is an open request; nil: it is finished.
func (f *forwarder) find(counter uint64) *request {
	q, _ := f.open.Get(counter)
	return q
}

// remove closes a request: no copy of it is sent from now on.
func (f *forwarder) remove(q *request) {
	q.closed = true
	f.open.Close(q.counter)
}

// finish answers a request.
func (f *forwarder) finish(r *Replica, q *request, res wire.Result) {
	if q.closed {
		return
	}
	f.remove(q)
	if !kv.Fits(&q.op, res.Status) && !mutant.On(mutant.UncheckedStatus) {
		r.box.Event(core.Event{Kind: core.EventMalformed, Peer: r.promise.Primary(), Note: "an answer that does not fit its write"})
		res = wire.Result{Status: wire.Unknown, MsgNum: res.MsgNum}
	}
	r.box.Reply(core.Reply{Token: q.token, Outcome: core.Done, Result: res})
}

// rewind puts everything that is open back to the beginning, in order: the
// ballot under which it was on its way has ended.
func (f *forwarder) rewind(now wire.Instant) {
	f.flight = nil
	clear(f.unsent)
	f.unsent, f.closedUnsent = f.unsent[:0], 0
	for q := range f.open.Ascending() {
		q.queued = false
		f.unsent = append(f.unsent, q)
	}
	f.retryAt = now
}

// Submit takes a client's write. stored is what the applied state holds for its
// key.
func (r *Replica) Submit(token ids.Token, op wire.Op, stored wire.Meta) {
	if r.notInView() {
		r.box.Reply(core.Reply{Token: token, Outcome: core.NotInView})
		return
	}
	q := r.fwd.add(token, op)
	if r.asPrimary != nil && len(r.fwd.unsent) == 0 {
		q.queued = true
		r.asPrimary.Submit(r.now, q.counter, &q.op, stored)
		r.asPrimary.Order(r.now)
		return
	}
	r.fwd.unsent = append(r.fwd.unsent, q)
	if !mutant.On(mutant.ForwardAtTick) {
		r.forward()
	}
}

// Abandon forgets a client's request, and says so to the primary. What is in a log
// may still take effect.
func (r *Replica) Abandon(token ids.Token) {
	for q := range r.fwd.open.All() {
		if q.token == token {
			r.fwd.remove(q)
			r.withdraw(q)
			r.fwd.forget(q)
			r.abandonEntry(ids.Request{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: q.counter})
			if q.mayBeLogged && r.promise.IsMember() && !r.promise.IsPrimary() {
				r.box.Send(r.promise.Primary(), &wire.Cancel{Ballot: r.hist.Ballot(), Counters: []uint64{q.counter}})
			}
			return
		}
	}
	r.reads.Abandon(token)
}

// withdraw drops an own request from the queue.
func (r *Replica) withdraw(q *request) {
	if r.asPrimary != nil && q.queued {
		r.asPrimary.Withdraw(q.counter)
	}
}

// forget drops what a request whose client has left holds. Nothing is sent while the
// primary is not to be had, for however long: without this, clients that come and go
// would fill the memory.
func (f *forwarder) forget(q *request) {
	if !q.queued { // else the queue may have its operation
		q.op = wire.Op{}
	}
	if f.closedUnsent++; 2*f.closedUnsent > len(f.unsent) {
		f.dropClosed()
	}
}

// dropClosed removes closed requests from those that are not sent.
func (f *forwarder) dropClosed() {
	f.unsent = slices.DeleteFunc(f.unsent, func(q *request) bool { return q.closed })
	f.closedUnsent = 0
}

// forward sends what is open to the primary, one message at a time: what arrives
// meanwhile goes with the next.
func (r *Replica) forward() {
	f := &r.fwd
	if len(f.unsent) == 0 || f.flight != nil || !r.Serving() || r.now < f.retryAt {
		return
	}
	if !r.promise.IsPrimary() && !primary.HeardLately(r.peers, r.now, r.promise.Primary()) {
		return
	}
	f.dropClosed()
	if len(f.unsent) == 0 {
		return
	}
	n := batch.Fit(len(f.unsent), r.cfg.Limits.BatchOps, r.cfg.Limits.BatchBytes,
		func(i int) int { return batch.OpBytes(&f.unsent[i].op) })
	f.flight = &flight{requests: slices.Clone(f.unsent[:n]), sent: r.now}
	f.unsent = slices.Delete(f.unsent, 0, n)
	if r.promise.IsPrimary() {
		r.readStored(f.flight)
		return
	}
	m := &wire.Forward{Ballot: r.hist.Ballot(), LowestOpen: f.open.Lowest(), Ops: make([]wire.ForwardedOp, n)}
	for i, q := range f.flight.requests {
		q.mayBeLogged = true
		m.Ops[i] = wire.ForwardedOp{Counter: q.counter, Op: q.op}
	}
	f.flight.request = r.box.Ask(r.promise.Primary(), m)
}

// readStored asks what the state holds for the keys of own requests that came before this
// node was the primary. What they came with may have been overwritten since.
func (r *Replica) readStored(fl *flight) {
	r.fwd.reads++
	fl.read = r.fwd.reads
	keys := make([]string, len(fl.requests))
	for i, q := range fl.requests {
		keys[i] = q.op.Key
	}
	r.box.Read(core.Read{Kind: core.ReadStored, Keys: keys, Session: fl.read})
}

// OnStoredRead takes these requests into the queue, or finds what became of them (I11).
func (r *Replica) OnStoredRead(in *core.StoredRead) {
	f := &r.fwd
	if f.flight == nil || f.flight.read != in.Session || r.asPrimary == nil {
		return
	}
	requests := f.flight.requests
	f.flight = nil
	for i, q := range requests {
		if q.closed {
			continue
		}
		q.queued = true
		r.asPrimary.Resubmit(r.now, q.counter, &q.op, in.Stored[i])
	}
	r.asPrimary.Order(r.now)
	r.forward()
}

// onForwardReply takes answers; what was asked for and not answered is asked
// for again.
func (r *Replica) onForwardReply(h wire.Header, request uint64, m *wire.ForwardReply) {
	f := &r.fwd
	if !r.box.Asked(request) {
		return // of another boot of this node, which used the same counters
	}
	for _, a := range m.Answers {
		if q := f.find(a.Counter); q != nil && q.mayBeLogged {
			f.finish(r, q, a.Result)
		}
	}
	if f.flight == nil || f.flight.request != request {
		return
	}
	if m.Refused {
		r.box.Event(core.Event{Kind: EventForwardRefused, Peer: h.From})
	}
	r.requeueFlight(m.Refused)
	r.forward()
}

// OnRequestFailed is called when no process listens at the receiver of a Forward. The
// requests go back to the unsent ones, after a pause.
func (r *Replica) OnRequestFailed(request uint64) {
	if f := r.fwd.flight; f != nil && f.request == request {
		r.requeueFlight(true)
	}
}

// requeueFlight puts the open requests of the flight in front of the unsent ones.
func (r *Replica) requeueFlight(pause bool) {
	f := &r.fwd
	open := slices.DeleteFunc(f.flight.requests, func(q *request) bool { return q.closed || q.queued })
	f.unsent = append(open, f.unsent...)
	f.flight = nil
	if pause {
		f.retryAt = r.now + refusedPause
	}
}

// refuseUnlogged answers with 503 the requests that cannot be in any log, if this node can
// no longer serve them: they did not happen and will not.
func (r *Replica) refuseUnlogged() {
	if !r.notInView() {
		return
	}
	for q := range r.fwd.open.Ascending() {
		if !q.mayBeLogged {
			r.fwd.remove(q)
			r.withdraw(q)
			r.box.Reply(core.Reply{Token: q.token, Outcome: core.NotInView})
		}
	}
	for _, t := range r.reads.TakeAll() {
		r.box.Reply(core.Reply{Token: t, Outcome: core.NotInView})
	}
}

// OnLeftBehind is called when a member of the view went on without this node.
func (r *Replica) OnLeftBehind() { r.refuseUnlogged() }
