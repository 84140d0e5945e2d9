package primary

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// backup is a member that the ballot counts on, other than the primary. boot, lowestOpen and
// cancelled are of its writes as a forwarder.
type backup struct {
	id    ids.Node
	inc   ids.Incarnation // the incarnation that the ballot counts on (I3)
	acked uint64          // position up to which the backup's log is durable

	boot       ids.Boot // boot of the forwarder; another boot counts from 1 again
	lowestOpen uint64   // all requests below are finished at the forwarder
	cancelled  []uint64 // counters from lowestOpen on whose clients have left, the oldest first; at most maxCancelled
}

// maxCancelled bounds the cancelled requests that a primary remembers of one member, to refuse
// them if they arrive late. The oldest are forgotten.
const maxCancelled = 4096

// forwardBatch is the writes of one Forward. The Forward is answered when all of its writes are
// decided.
type forwardBatch struct {
	from    ids.Node
	replyTo ids.ReplyTo
	open    int           // number of its writes that are in the queue or log
	answers []wire.Answer // results of the others
}

// backup returns a backup; nil: the ballot does not count on the node, or the node is the primary.
func (p *Primary) backup(id ids.Node) *backup {
	for i := range p.backups {
		if p.backups[i].id == id {
			return &p.backups[i]
		}
	}
	return nil
}

// forwarder returns the backup that a forwarder's message comes from; nil: the sender is not in
// the incarnation that the ballot counts on (I3). Another boot begins with no finished requests.
func (p *Primary) forwarder(h wire.Header) *backup {
	b := p.backup(h.From)
	if b == nil || b.inc != h.Inc {
		return nil
	}
	if b.boot != h.Boot {
		b.boot, b.lowestOpen, b.cancelled = h.Boot, 0, nil
	}
	return b
}

// OnForward takes a backup's writes into the queue, or answers those that were decided before
// (I11). stored[i] is what the applied state holds for the key of operation i. It reports whether
// the Forward is accepted.
func (p *Primary) OnForward(now wire.Instant, h wire.Header, replyTo ids.ReplyTo, m *wire.Forward, stored []wire.Meta) bool {
	if m.Ballot != p.history.Ballot() || len(stored) != len(m.Ops) {
		return false
	}
	b := p.forwarder(h)
	if b == nil {
		return false
	}
	b.lowestOpen = max(b.lowestOpen, m.LowestOpen)
	b.cancelled = slices.DeleteFunc(b.cancelled, func(c uint64) bool { return c < b.lowestOpen })
	f := &forwardBatch{from: h.From, replyTo: replyTo, open: 1} // 1: no answer before all writes are admitted
	for i := range m.Ops {
		id := ids.Request{Node: h.From, Boot: h.Boot, Counter: m.Ops[i].Counter}
		p.admit(now, b, f, id, &m.Ops[i].Op, stored[i])
	}
	p.close(f)
	p.Order(now)
	return true
}

// admit takes one forwarded write into the queue, or answers it (docs/strong.md §3.2).
//
// A write below the lowest open counter, or cancelled, is answered as unknown. As a rule the
// message is old and no client waits. But a client waits if a peer sent a wrong counter. Without
// an answer its node would repeat the write without end.
func (p *Primary) admit(now wire.Instant, b *backup, f *forwardBatch, id ids.Request, op *wire.Op, stored wire.Meta) {
	res, answered, forgotten := p.history.Lookup(id)
	if answered {
		p.box.Event(core.Event{Kind: EventRetryAnswered, Peer: id.Node})
		f.answers = append(f.answers, wire.Answer{Counter: id.Counter, Result: res})
		return
	}
	if w := p.byID[id]; w != nil && !forgotten {
		p.box.Event(core.Event{Kind: EventRetryPending, Peer: id.Node})
		if w.forward != nil {
			w.forward.open-- // the earlier Forward is answered without this write
		}
		w.forward, w.seen = f, now
		f.open++
		return
	}
	if forgotten || id.Counter < b.lowestOpen || slices.Contains(b.cancelled, id.Counter) {
		f.answers = append(f.answers, wire.Answer{Counter: id.Counter, Result: wire.Result{Status: wire.Unknown}})
		return
	}
	w := &pendingWrite{id: id, op: op, forward: f}
	p.byID[id] = w
	f.open++
	p.enqueue(now, w, stored)
}

// close records that one more write of a Forward is decided. After the last one the Forward is
// answered.
func (p *Primary) close(f *forwardBatch) {
	if f.open--; f.open == 0 {
		p.box.Post(core.Envelope{To: f.from, Answer: f.replyTo, Message: &wire.ForwardReply{Ballot: p.history.Ballot(), Answers: f.answers}})
	}
}

// Cancel drops a write of a backup from the queue, because its client has left. The request is
// refused from then on.
func (p *Primary) Cancel(h wire.Header, counter uint64) {
	if b := p.forwarder(h); b != nil && !slices.Contains(b.cancelled, counter) {
		b.cancelled = append(b.cancelled, counter)
		if over := len(b.cancelled) - maxCancelled; over > 0 {
			b.cancelled = slices.Delete(b.cancelled, 0, over)
		}
	}
	id := ids.Request{Node: h.From, Boot: h.Boot, Counter: counter}
	p.dequeue(func(w *pendingWrite) bool { return !w.own && w.id == id })
}

// Expire drops forwarded writes from the queue that were not asked for again within
// queueTimeout, and returns the positions of such writes in the log. A forwarder that still waits
// for such a write asks again under the next ballot.
func (p *Primary) Expire(now wire.Instant) (inLog []uint64) {
	old := func(w *pendingWrite) bool { return !w.own && now-w.seen > queueTimeout }
	p.dequeue(func(w *pendingWrite) bool {
		if old(w) {
			p.box.Event(core.Event{Kind: EventExpired, Peer: w.id.Node})
		}
		return old(w)
	})
	for i, w := range p.inLog {
		if old(w) {
			inLog = append(inLog, p.history.Commit()+1+uint64(i))
		}
	}
	return inLog
}
