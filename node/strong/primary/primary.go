// Package primary is the steady state of a primary (docs/strong.md §3). While the ballot is
// active, a Primary orders writes, has every member store them, and commits what all have stored.
//
// A Primary lasts as long as its ballot is active. After that, the writes in its queue or log are
// in the hands of their forwarders, which ask again under the next ballot. A Primary writes,
// sends and answers through the outbox of its machine. It begins no rounds: its caller compares
// content, truncates the log, and replaces members that came back as other incarnations.
package primary

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of the steady state (docs/strong.md §3).
const (
	gateSilence  = 400 * wire.Millisecond // no write is ordered while a member has been silent for longer
	repeatAfter  = 200 * wire.Millisecond // entries that are not acknowledged are sent again after this time
	queueTimeout = 3 * wire.Second        // a forwarded write that is not asked for again within this time leaves the queue
)

// Peers tells what is known of the other members from hellos.
type Peers interface {
	// Heard returns when the last hello of a member arrived in this view; false: none has.
	Heard(id ids.Node) (wire.Instant, bool)
	// LeftBehind reports whether a member of this view has gone on without this node.
	LeftBehind() bool
}

// HeardLately reports whether a member was heard within gateSilence. Only then writes are sent to
// the member.
func HeardLately(p Peers, now wire.Instant, id ids.Node) bool {
	at, ok := p.Heard(id)
	return ok && now-at <= gateSilence
}

// Clients are the clients of the primary's own node. Their writes have counters of this node, as
// forwarded writes have those of their forwarder.
type Clients interface {
	// LowestOpen returns the lowest counter of a write that is not answered.
	LowestOpen() uint64
	// Ordered is called when a write enters the log: it may take effect from then on.
	Ordered(counter uint64)
	// Answer answers a write, unless its client has left.
	Answer(counter uint64, res wire.Result)
}

// Limits bounds what a primary sends.
type Limits struct {
	BatchOps   int // operations in one Prepare
	BatchBytes int // bytes of their keys and values; one operation always fits
	Depth      int // write batches in flight
}

// Primary orders the writes of one active ballot.
//
//  1. A write is in the queue, then in the log, then committed. The gate keeps a write in the
//     queue while a member is silent: a write that is in no log can be dropped everywhere.
//  2. The result of a write is decided when it is ordered, and travels with its entry.
//  3. An entry is committed when all members that the ballot counts on, and this node, have
//     it durably (I4).
//
// Entries leave the log only by being committed. An abandoned entry stays in the log, and is not
// sent again. Only a round may truncate the log, because a position must not be used twice in
// one ballot.
type Primary struct {
	self    ids.Node
	boot    ids.Boot
	limits  Limits
	box     *core.Outbox
	history *history.History // of the ballot that this boot of this node leads
	peers   Peers
	clients Clients

	backups  []backup                      // the members but for this node
	queue    []*pendingWrite               // writes without a place in the order, by arrival
	byID     map[ids.Request]*pendingWrite // all forwarded writes in the queue or log: none is ordered twice (I11)
	keys     map[string]*key               // of all writes in the queue or log
	inLog    []*pendingWrite               // inLog[i] is the write at position commit+1+i
	batches  []uint64                      // last position of each batch in flight, ascending; at most Limits.Depth
	next     uint64                        // Msg-Num of the next write that is ordered
	repeatAt wire.Instant                  // when entries that are not acknowledged are sent again
	gated    bool                          // the gate is closed
}

// pendingWrite is one write from its arrival until it is committed or dropped.
type pendingWrite struct {
	id      ids.Request
	op      *wire.Op
	own     bool          // the write is of a client of this node
	key     *key          // what its key holds after the writes before it
	forward *forwardBatch // of a forwarded write: the Forward that brought it, or that asked for it again last
	seen    wire.Instant  // when that Forward came
}

// key is what a key will hold once all writes in the log are applied. The next write of the key
// is decided from it.
type key struct {
	meta wire.Meta
	refs int // number of writes of the key in the queue or log; at zero the key is forgotten
}

// New begins to serve the ballot of a history. The base of the ballot was just swapped in: the
// log is empty, and all of the base is committed (I5).
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

// Working reports whether writes are in the queue, or in the log and not committed.
func (p *Primary) Working() bool { return len(p.batches)+len(p.queue) > 0 }

// Submit takes a write of an own client into the queue. stored is what the applied state holds
// for its key. The Primary keeps op until the write is committed.
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

// Withdraw drops a write of an own client that has left, if the write is still in the queue.
func (p *Primary) Withdraw(counter uint64) {
	p.dequeue(func(w *pendingWrite) bool { return w.own && w.id.Counter == counter })
}

func (p *Primary) own(counter uint64) ids.Request {
	return ids.Request{Node: p.self, Boot: p.boot, Counter: counter}
}

// enqueue puts a write at the end of the queue. stored counts only if no earlier write of the key
// is open; otherwise the write follows that one.
func (p *Primary) enqueue(now wire.Instant, w *pendingWrite, stored wire.Meta) {
	k := p.keys[w.op.Key]
	if k == nil {
		k = &key{meta: stored}
		p.keys[w.op.Key] = k
	}
	k.refs++
	w.key, w.seen = k, now
	p.queue = append(p.queue, w)
}

// release forgets a write of a key, and the key with its last write.
func (p *Primary) release(w *pendingWrite) {
	w.key.refs--
	if w.key.refs == 0 && p.keys[w.op.Key] == w.key {
		delete(p.keys, w.op.Key)
	}
}

// dequeue drops writes from the queue. A Forward that has no other open write is answered.
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

// Order moves writes from the queue into the log and sends them to all members, while the gate is
// open and fewer than Limits.Depth batches are in flight.
func (p *Primary) Order(now wire.Instant) {
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

// GateOpen reports whether every member was heard within gateSilence.
func (p *Primary) GateOpen(now wire.Instant) bool {
	for i := range p.backups {
		if !HeardLately(p.peers, now, p.backups[i].id) {
			return false
		}
	}
	return true
}

// decide gives a write its position, Msg-Num and result, from what its key holds after all
// entries before it.
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

// prepare sends a batch to every member. This node makes the batch durable meanwhile.
func (p *Primary) prepare(now wire.Instant, first uint64, entries []wire.Entry) {
	p.repeatAt = now + repeatAfter
	m := &wire.Prepare{Ballot: p.history.Ballot(), First: first, Commit: p.history.Commit(), Entries: entries}
	for i := range p.backups {
		p.box.Send(p.backups[i].id, m)
	}
}
