package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/wire"
)

// primaryState is the primary's work while its ballot is active: the queue, the batches in
// flight, and the acknowledgements.
type primaryState struct {
	backups []backup
	queue   []*pendingWrite
	byID    map[ids.Request]*pendingWrite // forwarded and not committed (I11)
	keys    map[string]*pendingKey        // keys of all that is queued or in the log
	inLog   []*pendingWrite               // inLog[i] is the write of hist.log[i]
	batches []uint64                      // last positions of the batches in flight
	next    uint64                        // number of the next write to be ordered
	resend  wire.Instant
	gated   bool // the gate is closed
}

// backup is a member that the ballot counts on, other than the primary.
type backup struct {
	id         ids.Node
	inc        ids.Incarnation
	acked      uint64
	lowestOpen uint64 // lowest counter still open there
	boot       ids.Boot
	// cancelled are requests above mark whose clients have left.
	cancelled []uint64
}

// pendingKey is what a key will hold once all that is ordered has been applied.
type pendingKey struct {
	meta wire.Meta
	refs int // writes queued or in the log
}

// pendingWrite is one write at the primary, from its arrival until it is committed.
type pendingWrite struct {
	id    ids.Request
	op    *wire.Op
	key   *pendingKey
	local *request      // of this node's own client
	batch *forwardBatch // of the Forward that brought it, or asked for it again
	seen  wire.Instant
}

// forwardBatch is one Forward. It is answered when all its writes are decided.
type forwardBatch struct {
	from    ids.Node
	replyTo ids.ReplyTo
	ballot  ids.Ballot
	open    int
	answers []wire.Answer
}

// startPrimary begins to serve the ballot that was just swapped in.
func (r *Replica) startPrimary(bound []wire.Sighting) {
	l := &primaryState{
		byID: map[ids.Request]*pendingWrite{}, keys: map[string]*pendingKey{}, next: r.hist.NextNumber(),
	}
	for _, s := range bound {
		if s.Node != r.cfg.Self {
			l.backups = append(l.backups, backup{id: s.Node, inc: s.Inc})
		}
	}
	r.asPrimary = l
}

// stopPrimary stops serving. Writes in the queue or in the log belong to their forwarders
// again, which ask under the next ballot.
func (r *Replica) stopPrimary() { r.asPrimary = nil }

// enqueue takes a write into the queue. stored is what the applied state holds
// for its key.
func (r *Replica) enqueue(in *pendingWrite, stored wire.Meta) {
	l := r.asPrimary
	k := l.keys[in.op.Key]
	if k == nil || mutant.On(mutant.ResultWithoutPending) {
		k = &pendingKey{meta: stored}
		l.keys[in.op.Key] = k
	}
	k.refs++
	in.key, in.seen = k, r.now
	l.queue = append(l.queue, in)
}

// unpend forgets one write on a key.
func (l *primaryState) unpend(in *pendingWrite) {
	in.key.refs--
	if in.key.refs == 0 && l.keys[in.op.Key] == in.key {
		delete(l.keys, in.op.Key)
	}
}

// order moves writes from the queue into the log, one batch at a time, and sends
// them to all members at once. The gate keeps a write out of the log while a
// member is silent: what is not in a log can still be dropped everywhere.
func (r *Replica) order() {
	l := r.asPrimary
	for l != nil && len(l.queue) > 0 && len(l.batches) < r.cfg.Limits.Depth && !r.peers.LeftBehind() {
		if !r.gateOpen() {
			if !l.gated {
				r.box.Event(core.Event{Kind: EventGateClosed, Ballot: r.hist.Ballot()})
			}
			l.gated = true
			return
		}
		l.gated = false
		n := batch.Fit(len(l.queue), r.cfg.Limits.BatchOps, r.cfg.Limits.BatchBytes,
			func(i int) int { return batch.OpBytes(l.queue[i].op) })
		entries := make([]wire.Entry, n)
		first := r.hist.Length() + 1
		for i, in := range l.queue[:n] {
			entries[i] = r.decideEntry(in, first+uint64(i))
		}
		l.inLog = append(l.inLog, l.queue[:n]...)
		rest := copy(l.queue, l.queue[n:])
		clear(l.queue[rest:])
		l.queue = l.queue[:rest]
		l.batches = append(l.batches, first+uint64(n)-1)
		r.hist.Append(entries)
		r.prepare(first, entries)
	}
}

// gateOpen reports that every member was heard a moment ago.
func (r *Replica) gateOpen() bool {
	for i := range r.asPrimary.backups {
		if !r.heardLately(r.asPrimary.backups[i].id) {
			return false
		}
	}
	return true
}

func (r *Replica) heardLately(id ids.Node) bool {
	at, ok := r.peers.Heard(id)
	return ok && r.now-at <= gateSilence
}

// decideEntry gives a write its position, number and result, from what its key
// will hold when all entries before it are applied.
func (r *Replica) decideEntry(in *pendingWrite, index uint64) wire.Entry {
	l := r.asPrimary
	e := wire.Entry{Stamp: ids.Stamp{Ballot: r.hist.Ballot(), Index: index}, ID: in.id, Op: *in.op}
	e.Op.Condition, e.Op.Match = wire.Always, wire.Version{}
	e.Result, in.key.meta = kv.Decide(in.op, in.key.meta, l.next, e.Stamp)
	if kv.TakesNumber(e.Result.Status) {
		l.next++
	}
	if in.local != nil {
		in.local.mayBeLogged = true
		e.LowestOpen = r.fwd.lowestOpen()
	} else if f := l.backup(in.id.Node); f != nil && f.boot == in.id.Boot {
		e.LowestOpen = f.lowestOpen
	}
	return e
}

func (l *primaryState) backup(id ids.Node) *backup {
	for i := range l.backups {
		if l.backups[i].id == id {
			return &l.backups[i]
		}
	}
	return nil
}

// prepare sends a batch to every member, while this node makes it durable.
func (r *Replica) prepare(first uint64, entries []wire.Entry) {
	l := r.asPrimary
	l.resend = r.now + slowResend
	p := &wire.Prepare{Ballot: r.hist.Ballot(), First: first, Commit: r.hist.Commit(), Entries: entries}
	for i := range l.backups {
		r.send(l.backups[i].id, p)
	}
}

// OnAck counts an acknowledgement, for the exact ballot and incarnation (I3).
func (r *Replica) OnAck(h wire.Header, a *wire.Ack) {
	l := r.asPrimary
	if l == nil || a.Ballot != r.hist.Ballot() {
		return
	}
	f := l.backup(h.From)
	if f == nil || f.inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) || r.differs(h.From, a.Index, a.Sum) {
		return
	}
	if mutant.On(mutant.AckConfirmsRead) {
		r.reads.ConfirmedBy(r.now, h.From)
	}
	if a.Index > f.acked {
		f.acked = a.Index
		r.advance()
	}
}

// advance commits what all members have made durable (I4) and answers it.
func (r *Replica) advance() {
	l := r.asPrimary
	c := r.hist.Durable()
	for i := range l.backups {
		if mutant.On(mutant.CommitWithoutOne) && i == len(l.backups)-1 {
			break
		}
		c = min(c, l.backups[i].acked)
	}
	if c <= r.hist.Commit() {
		return
	}
	n := int(c - r.hist.Commit())
	log := r.hist.After(r.hist.Commit())
	for i, in := range l.inLog[:n] {
		r.answer(in, log[i].Result)
	}
	l.inLog = append(l.inLog[:0], l.inLog[n:]...)
	r.hist.CommitTo(c)
	for len(l.batches) > 0 && l.batches[0] <= c {
		l.batches = slices.Delete(l.batches, 0, 1)
	}
	r.order()
}

// answer ends one committed write.
func (r *Replica) answer(in *pendingWrite, res wire.Result) {
	r.asPrimary.unpend(in)
	if in.local != nil {
		r.fwd.finish(r, in.local, res)
		return
	}
	delete(r.asPrimary.byID, in.id)
	if in.batch != nil {
		r.answerBatch(in.batch, wire.Answer{Counter: in.id.Counter, Result: res})
	}
}

// repeat sends what is not acknowledged once more, to members that are there, but
// for what was abandoned.
func (r *Replica) repeat() {
	l := r.asPrimary
	if len(l.batches) == 0 || r.now < l.resend || r.truncate() && r.asPrimary != l {
		return
	}
	l.resend = r.now + slowResend
	for i := range l.backups {
		f := &l.backups[i]
		from := max(f.acked, r.hist.Commit())
		if from >= r.hist.KeptLength() || !r.heardLately(f.id) {
			continue
		}
		log := r.hist.After(from)[:r.hist.KeptLength()-from]
		n := batch.Fit(len(log), r.cfg.Limits.BatchOps, r.cfg.Limits.BatchBytes, func(i int) int { return batch.OpBytes(&log[i].Op) })
		r.box.Event(core.Event{Kind: EventResent, Peer: f.id, Count: uint64(n)})
		r.send(f.id, &wire.Prepare{
			Ballot: r.hist.Ballot(), First: from + 1, Commit: r.hist.Commit(), Entries: slices.Clone(log[:n]),
		})
	}
}

// Lag adds how far logs are: this node's, and those of members that acknowledge to it.
func (r *Replica) Lag(l *core.Lag) {
	l.Length, l.Commit = r.hist.Length(), r.hist.Commit()
	if r.asPrimary == nil {
		return
	}
	for i := range l.Members {
		if f := r.asPrimary.backup(l.Members[i].Node); f != nil {
			l.Members[i].Logged, l.Members[i].Log = true, f.acked
		}
	}
}
