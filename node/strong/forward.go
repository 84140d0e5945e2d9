package strong

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/primary"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of forwarding (docs/strong.md §3.1).
const (
	forwardTimeout = 1 * wire.Second       // a Forward without an answer is sent again after this time
	refusedPause   = 20 * wire.Millisecond // from a refusal, or a Forward that reached no process, to the next Forward
)

// forwarder holds the writes of this node's own clients until they are answered
// (docs/forwarding.md §2). Each open write is in exactly one of three places: unsent, in the
// flight, or in this primary's queue or log. A write that is open is sent again until it is
// answered, under each new ballot, with the same request id (I11).
type forwarder struct {
	open         forward.Open[*request] // open writes by counter
	unsent       []*request             // writes to be sent under this ballot, in order; closed ones are removed now and then
	closedUnsent int                    // number of closed writes in unsent
	flight       *flight                // the Forward that has no answer; at the primary, the read of keys that has none; nil: none
	reads        uint64                 // number of reads of keys so far
	retryAt      wire.Instant           // no Forward leaves before this time
}

// request is one write of a client of this node.
type request struct {
	token       ids.Token
	counter     uint64 // its number in the request id (docs/forwarding.md §1)
	op          wire.Op
	mayBeLogged bool // the write may be in a log, so 503 is not its answer any more (I12)
	queued      bool // the write is in this primary's queue or log, under the present ballot
	closed      bool // the write was answered, or its client has left
}

// flight is the writes that wait for one answer: of the primary to a Forward or, at the
// primary, of the store to a read of keys.
type flight struct {
	read     uint64 // at the primary: number of the read of keys
	request  uint64 // at a backup: number of the bus request
	requests []*request
	sent     wire.Instant // when the flight began
}

// add opens a write of a client, and gives it the next counter.
func (f *forwarder) add(token ids.Token, op wire.Op) *request {
	q := &request{token: token, op: op}
	q.counter = f.open.Add(q)
	return q
}

// find returns an open write; nil: the write is answered, or its client has left.
func (f *forwarder) find(counter uint64) *request {
	q, _ := f.open.Get(counter)
	return q
}

// remove closes a write: no copy of it is sent from now on.
func (f *forwarder) remove(q *request) {
	q.closed = true
	f.open.Close(q.counter)
}

// finish answers a write, unless it is closed. A result that does not fit the operation is
// false, so the client is told unknown (docs/strong.md §12, rule 6).
func (f *forwarder) finish(r *Replica, q *request, res wire.Result) {
	if q.closed {
		return
	}
	f.remove(q)
	if !kv.Fits(&q.op, res.Status) {
		r.box.Event(core.Event{Kind: core.EventMalformed, Peer: r.promise.Primary(), Note: "an answer that does not fit its write"})
		res = wire.Result{Status: wire.Unknown, MsgNum: res.MsgNum}
	}
	r.box.Reply(core.Reply{Token: q.token, Outcome: core.Done, Result: res})
}

// rewind makes all open writes unsent, in the order of their counters, because the ballot under
// which they were sent has ended.
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

// Submit takes a write of a client. stored is what the applied state holds for its key.
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
	r.forward()
}

// Abandon forgets a request of a client that has left. If the write may be in a log, the primary
// is told; the write may still take effect (docs/strong.md §3.5).
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

// withdraw drops a write of this node's clients from this primary's queue.
func (r *Replica) withdraw(q *request) {
	if r.asPrimary != nil && q.queued {
		r.asPrimary.Withdraw(q.counter)
	}
}

// forget frees what a write of a client that has left holds. Nothing is sent while the primary
// cannot be reached, for however long. Without forget, clients that come and go would fill the
// memory.
func (f *forwarder) forget(q *request) {
	if !q.queued { // else the queue or the log uses its operation
		q.op = wire.Op{}
	}
	if f.closedUnsent++; 2*f.closedUnsent > len(f.unsent) {
		f.dropClosed()
	}
}

// dropClosed removes the closed writes from unsent.
func (f *forwarder) dropClosed() {
	f.unsent = slices.DeleteFunc(f.unsent, func(q *request) bool { return q.closed })
	f.closedUnsent = 0
}

// forward sends unsent writes to the primary, in one Forward at a time. Writes that arrive
// meanwhile go with the next one. At the primary, the writes go into the queue after a read of
// their keys.
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

// readStored asks what the state holds for the keys of writes that came before this node served
// as the primary. What the driver read with each write may have been overwritten since.
func (r *Replica) readStored(fl *flight) {
	r.fwd.reads++
	fl.read = r.fwd.reads
	keys := make([]string, len(fl.requests))
	for i, q := range fl.requests {
		keys[i] = q.op.Key
	}
	r.box.Read(core.Read{Kind: core.ReadStored, Keys: keys, Session: fl.read})
}

// OnStoredRead takes the writes of the flight into the primary's queue, or answers those that
// the ledger knows (I11).
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

// onForwardReply takes results from the primary. Writes of the flight that have none become
// unsent again.
func (r *Replica) onForwardReply(h wire.Header, request uint64, m *wire.ForwardReply) {
	f := &r.fwd
	if !r.box.Asked(request) {
		return // an answer to another boot of this node, which used the same counters
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

// OnRequestFailed is told that a Forward reached no process. Its writes become unsent again, and
// are sent after a pause.
func (r *Replica) OnRequestFailed(request uint64) {
	if f := r.fwd.flight; f != nil && f.request == request {
		r.requeueFlight(true)
	}
}

// requeueFlight puts the open writes of the flight in front of the unsent ones.
func (r *Replica) requeueFlight(pause bool) {
	f := &r.fwd
	open := slices.DeleteFunc(f.flight.requests, func(q *request) bool { return q.closed || q.queued })
	f.unsent = append(open, f.unsent...)
	f.flight = nil
	if pause {
		f.retryAt = r.now + refusedPause
	}
}

// refuseUnlogged answers 503 to the reads, and to the writes that cannot be in any log, if this
// node can no longer serve them: these writes have no effect, and will have none (I12).
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

// OnLeftBehind is called when a member of the view has gone on to a view without this node.
func (r *Replica) OnLeftBehind() { r.refuseUnlogged() }
