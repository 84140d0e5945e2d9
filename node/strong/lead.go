package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// ownClients gives a Primary access to the writes of this node's own clients.
type ownClients struct{ r *Replica }

// LowestOpen returns the lowest counter of an open write.
func (c ownClients) LowestOpen() uint64 { return c.r.fwd.open.Lowest() }

// Ordered records that a write has entered the log, so that it may take effect.
func (c ownClients) Ordered(counter uint64) {
	if q := c.r.fwd.find(counter); q != nil {
		q.mayBeLogged = true
	}
}

// Answer answers a write, unless its client has left.
func (c ownClients) Answer(counter uint64, res wire.Result) {
	if q := c.r.fwd.find(counter); q != nil {
		c.r.fwd.finish(c.r, q, res)
	}
}

// tickPrimary abandons forwarded writes that are no longer asked for, orders what waits, and
// sends late entries again. If abandoned writes hold the log up and all members are heard, a
// round truncates the log instead.
func (r *Replica) tickPrimary() {
	p := r.asPrimary
	for _, at := range p.Expire(r.now) {
		r.hist.Abandon(r.cfg.Self, r.cfg.Boot, at)
	}
	p.Order(r.now)
	if p.Late(r.now) && !(r.truncate() && r.asPrimary != p) {
		p.Repeat(r.now)
	}
}

// onForward takes a member's writes into the queue, or refuses the Forward
// (docs/strong.md §3.2).
func (r *Replica) onForward(h wire.Header, replyTo ids.ReplyTo, m *wire.Forward, stored []wire.Meta) {
	if r.asPrimary == nil || !r.asPrimary.OnForward(r.now, h, replyTo, m, stored) {
		r.box.Post(core.Envelope{To: h.From, Answer: replyTo, Message: &wire.ForwardReply{Ballot: m.Ballot, Refused: true}})
	}
}

// onAck counts an acknowledgement. It counts only for the exact ballot and incarnation (I3), and
// only if the member's log has the content that this node wrote (docs/strong.md §12).
func (r *Replica) onAck(h wire.Header, a *wire.Ack) {
	p := r.asPrimary
	if p == nil || a.Ballot != r.hist.Ballot() || !p.CountsOn(h) || r.agreement.Differs(h.From, a.Index, a.Sum) {
		return
	}
	p.Acknowledged(r.now, h.From, a.Index)
}

// OnDurable is told that all writes up to seq survive. More entries may be committed then (I4).
func (r *Replica) OnDurable(seq uint64) {
	if r.hist.OnDurable(seq) && r.asPrimary != nil {
		r.asPrimary.Advance(r.now)
	}
}

// onCancel drops writes of a member whose clients have left from the queue, and marks those in
// the log.
func (r *Replica) onCancel(h wire.Header, m *wire.Cancel) {
	if m.Ballot != r.hist.Ballot() {
		return
	}
	for _, c := range m.Counters {
		if r.asPrimary != nil {
			r.asPrimary.Cancel(h, c)
		}
		r.abandonEntry(ids.Request{Node: h.From, Boot: h.Boot, Counter: c})
	}
}

// abandonEntry marks a write in the log whose client has left. It has an effect only at the
// primary that ordered the write, in the same boot.
func (r *Replica) abandonEntry(id ids.Request) {
	if at := r.hist.Position(id); at > 0 {
		r.hist.Abandon(r.cfg.Self, r.cfg.Boot, at)
	}
}

// truncate begins a round if the log has abandoned writes and all members are heard. The round
// removes them from the log (docs/strong.md §3.5). It reports whether the log has such writes.
func (r *Replica) truncate() bool {
	if r.hist.KeptLength() == r.hist.Length() {
		return false
	}
	if r.asPrimary.GateOpen(r.now) {
		r.box.Event(core.Event{Kind: EventTruncated, Ballot: r.hist.Ballot(), Count: r.hist.Length() - r.hist.KeptLength()})
		r.agreement.BeginRound()
	}
	return true
}

// Lag adds the positions of logs: this node's, and at the primary those of the members.
func (r *Replica) Lag(l *core.Lag) {
	l.Length, l.Commit = r.hist.Length(), r.hist.Commit()
	if r.asPrimary != nil {
		r.asPrimary.Lag(l)
	}
}
