// Package primary is the steady state of a primary (docs/strong.md §3): while its ballot is
// active it orders writes, has every member store them, and commits what all have stored.
//
// A Primary lasts as long as its ballot is active. Writes in its queue or log then belong
// to their forwarders again, which ask under the next ballot. It writes, sends and answers
// through the outbox of its machine. It begins no rounds: its caller compares content,
// truncates the log and replaces members that came back as other incarnations.
package primary

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of the steady state.
const (
	gateSilence  = 400 * wire.Millisecond // no order while a member is silent for longer
	repeatAfter  = 200 * wire.Millisecond // of entries that are not acknowledged
	queueTimeout = 3 * wire.Second        // a forwarded write that is not asked for again leaves the queue
)

// Peers is what hellos tell of the other members.
type Peers interface {
	// Heard is when the last hello of a member of this view arrived.
	Heard(id ids.Node) (wire.Instant, bool)
	// LeftBehind reports that a member of this view went on without this node.
	LeftBehind() bool
}

// HeardLately reports that a member was heard so short a time ago that it may be counted
// on.
func HeardLately(p Peers, now wire.Instant, id ids.Node) bool {
	at, ok := p.Heard(id)
	return ok && now-at <= gateSilence
}

// Clients are the clients of the primary's own node. Their writes have counters of this
// node, as forwarded writes have those of their forwarder.
type Clients interface {
	// LowestOpen is the lowest counter of a write that is not answered.
	LowestOpen() uint64
	// Ordered is called when a write enters the log: it may take effect from then on.
	Ordered(counter uint64)
	// Answer answers a write, unless its client has left.
	Answer(counter uint64, res wire.Result)
}

// Limits bounds what is sent.
type Limits struct {
	BatchOps   int // operations in one Prepare
	BatchBytes int // of their keys and values; one operation always fits
	Depth      int // batches in flight
}

// Primary orders the writes of one active ballot.
//
//  1. A write is in the queue, then in the log, then committed. The gate keeps a write in
//     the queue while a member is silent: what is in no log can still be dropped everywhere.
//  2. The result of a write is decided when it is ordered, and travels with its entry.
//  3. An entry is committed when all members that the ballot counts on, and this node, have
//     it durably (I4).
//
// Entries leave the log only by being committed. An abandoned one stays in it, and is not
// sent again: only a round may truncate the log, because its position must not be used
// again in this ballot.
type Primary struct {
	self    ids.Node
	boot    ids.Boot
	limits  Limits
	box     *core.Outbox
	history *history.History // in the ballot, which this boot of this node leads
	peers   Peers
	clients Clients

	backups  []backup
	queue    []*pendingWrite
	byID     map[ids.Request]*pendingWrite // all forwarded ones in the queue or log: none is ordered twice (I11)
	keys     map[string]*key               // of all writes in the queue or log
	inLog    []*pendingWrite               // inLog[i] is the write at position commit+1+i
	batches  []uint64                      // last positions of the batches in flight
	next     uint64                        // number of the next write to be ordered
	repeatAt wire.Instant
	gated    bool // the gate is closed
}

// pendingWrite is one write, from its arrival until it is committed.
type pendingWrite struct {
	id      ids.Request
	op      *wire.Op
	own     bool // of a client of this node
	key     *key
	forward *forwardBatch // forwarded: the Forward that brought it, or asked for it again last
	seen    wire.Instant  // when that came
}

// key is what a key will hold once all that is ordered has been applied.
type key struct {
	meta wire.Meta
	refs int // writes in the queue or log; the last one takes the key along
}

// New begins to serve the ballot of a history. The ballot's base was just swapped in: the
// log is empty, and all of the base is committed.
func New(self ids.Node, boot ids.Boot, limits Limits, box *core.Outbox, h *history.History, peers Peers, clients Clients) *Primary {
	p := &Primary{
		self: self, boot: boot, limits: limits, box: box, history: h, peers: peers, clients: clients,
		byID: map[ids.Request]*pendingWrite{}, keys: map[string]*key{}, next: h.NextNumber(),
	}
	for _, s := range h.Bound() {
		if s.Node != self {
			p.backups = append(p.backups, backup{id: s.Node, inc: s.Inc})
		}
	}
	return p
}

// Working reports whether writes are in the queue or not committed.
func (p *Primary) Working() bool { return len(p.batches)+len(p.queue) > 0 }

// Submit takes a write of an own client into the queue. stored is what the applied state
// holds for its key. The operation is kept until the write is committed.
func (p *Primary) Submit(now wire.Instant, counter uint64, op *wire.Op, stored wire.Meta) {
	p.enqueue(now, &pendingWrite{id: p.own(counter), op: op, own: true}, stored)
}

// Resubmit takes a write of an own client that may have been ordered under an earlier
// ballot. If it was, it is answered (I11).
func (p *Primary) Resubmit(now wire.Instant, counter uint64, op *wire.Op, stored wire.Meta) {
	switch res, answered, forgotten := p.history.Lookup(p.own(counter)); {
	case answered:
		p.box.Event(core.Event{Kind: EventRetryAnswered, Peer: p.self})
		p.clients.Answer(counter, res)
	case forgotten:
		p.clients.Answer(counter, wire.Result{Status: wire.Unknown})
	default:
		p.Submit(now, counter, op, stored)
	}
}

// Withdraw drops the write of an own client that has left, if the write is in no log.
func (p *Primary) Withdraw(counter uint64) {
	p.dequeue(func(w *pendingWrite) bool { return w.own && w.id.Counter == counter })
}

func (p *Primary) own(counter uint64) ids.Request {
	return ids.Request{Node: p.self, Boot: p.boot, Counter: counter}
}

func (p *Primary) enqueue(now wire.Instant, w *pendingWrite, stored wire.Meta) {
	k := p.keys[w.op.Key]
	if k == nil || mutant.On(mutant.ResultWithoutPending) {
		k = &key{meta: stored}
		p.keys[w.op.Key] = k
	}
	k.refs++
	w.key, w.seen = k, now
	p.queue = append(p.queue, w)
}

// release forgets one write on its key.
func (p *Primary) release(w *pendingWrite) {
	w.key.refs--
	if w.key.refs == 0 && p.keys[w.op.Key] == w.key {
		delete(p.keys, w.op.Key)
	}
}

// dequeue drops writes from the queue. A Forward that loses its last open write this way is
// answered.
func (p *Primary) dequeue(which func(*pendingWrite) bool) {
	var dropped []*pendingWrite
	p.queue = slices.DeleteFunc(p.queue, func(w *pendingWrite) bool {
		if !which(w) {
			return false
		}
		dropped = append(dropped, w)
		return true
	})
	for _, w := range dropped {
		p.release(w)
		delete(p.byID, w.id)
		if w.forward != nil {
			p.close(w.forward)
		}
	}
}

// Order moves writes from the queue into the log, one batch at a time, and sends them to
// all members at once, while the gate is open.
func (p *Primary) Order(now wire.Instant) {
	if mutant.On(mutant.TruncateAtOnce) {
		p.cut()
	}
	for len(p.queue) > 0 && len(p.batches) < p.limits.Depth && !p.peers.LeftBehind() {
		if !p.GateOpen(now) {
			if !p.gated {
				p.box.Event(core.Event{Kind: EventGateClosed, Ballot: p.history.Ballot()})
			}
			p.gated = true
			return
		}
		p.gated = false
		n := batch.Fit(len(p.queue), p.limits.BatchOps, p.limits.BatchBytes, func(i int) int { return batch.OpBytes(p.queue[i].op) })
		entries := make([]wire.Entry, n)
		first := p.history.Length() + 1
		for i, w := range p.queue[:n] {
			entries[i] = p.decide(w, first+uint64(i))
		}
		p.inLog = append(p.inLog, p.queue[:n]...)
		rest := copy(p.queue, p.queue[n:])
		clear(p.queue[rest:])
		p.queue = p.queue[:rest]
		p.batches = append(p.batches, first+uint64(n)-1)
		p.history.Append(entries)
		p.prepare(now, first, entries)
	}
}

// GateOpen reports that every member was heard a moment ago.
func (p *Primary) GateOpen(now wire.Instant) bool {
	for i := range p.backups {
		if !HeardLately(p.peers, now, p.backups[i].id) {
			return false
		}
	}
	return true
}

// decide gives a write its position, number and result, from what its key will hold when
// all entries before it are applied.
func (p *Primary) decide(w *pendingWrite, index uint64) wire.Entry {
	e := wire.Entry{Stamp: ids.Stamp{Ballot: p.history.Ballot(), Index: index}, ID: w.id, Op: *w.op}
	e.Op.Condition, e.Op.Match = wire.Always, wire.Version{}
	e.Result, w.key.meta = kv.Decide(w.op, w.key.meta, p.next, e.Stamp)
	if kv.TakesNumber(e.Result.Status) {
		p.next++
	}
	if w.own {
		p.clients.Ordered(w.id.Counter)
		e.LowestOpen = p.clients.LowestOpen()
	} else if b := p.backup(w.id.Node); b != nil && b.boot == w.id.Boot {
		e.LowestOpen = b.lowestOpen
	}
	return e
}

// prepare sends a batch to every member, while this node makes it durable.
func (p *Primary) prepare(now wire.Instant, first uint64, entries []wire.Entry) {
	p.repeatAt = now + repeatAfter
	m := &wire.Prepare{Ballot: p.history.Ballot(), First: first, Commit: p.history.Commit(), Entries: entries}
	for i := range p.backups {
		p.box.Send(p.backups[i].id, m)
	}
}
