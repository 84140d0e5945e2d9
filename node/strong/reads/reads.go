// Package reads answers the reads of a node's own clients (docs/strong.md §5).
//
// Any member may answer a read from its own state, after a confirmation round that began after
// the read arrived. In that round all other members confirm that they are still bound to the
// ballot. So no later ballot was active when the read arrived. The primary's confirmation brings
// the position that was committed then, and the state is read there or later (I6).
//
// The package sends and answers through the outbox of its machine. Its caller opens a round only
// while the node serves, and calls Rewind when the ballot ends.
package reads

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// repeatAfter is the time after which a confirmation that has not come is asked for again.
const repeatAfter = 200 * wire.Millisecond

// Reads are the open reads of a node's clients. One confirmation round is open at a time. Reads
// that arrive meanwhile wait for the next round, because a confirmation counts only for reads that
// arrived before the round began. So under load one round serves many reads.
//
// All members must confirm, not a majority. The next view needs only one complete member of this
// view, and that may be the member that did not confirm.
type Reads struct {
	self    ids.Node
	box     *core.Outbox
	history *history.History

	waiting []ids.Token   // reads that are in no round, by arrival
	open    *confirmation // the open round; nil: none
	nonce   uint64        // of the last round; each boot begins with another one
}

// confirmation is a confirmation round.
type confirmation struct {
	nonce     uint64
	tokens    []ids.Token  // of the reads that the round is for
	confirmed []ids.Node   // members that have confirmed, without this node
	commit    uint64       // position that the primary had committed after the reads arrived
	sent      wire.Instant // when confirmations were last asked for
}

// New returns the reads of a node that has none. Nonces of one boot differ from those of another,
// so that no late confirmation counts.
func New(self ids.Node, boot ids.Boot, box *core.Outbox, h *history.History) *Reads {
	return &Reads{self: self, box: box, history: h, nonce: uint64(boot)}
}

// Submit takes a read. The read waits until Open.
func (q *Reads) Submit(t ids.Token) { q.waiting = append(q.waiting, t) }

// Abandon forgets a read whose client has left.
func (q *Reads) Abandon(t ids.Token) {
	is := func(x ids.Token) bool { return x == t }
	q.waiting = slices.DeleteFunc(q.waiting, is)
	if q.open != nil {
		q.open.tokens = slices.DeleteFunc(q.open.tokens, is)
	}
}

// Rewind puts the reads of the open round in front of the waiting ones: the ballot has ended.
func (q *Reads) Rewind() {
	if q.open != nil {
		q.waiting = append(q.open.tokens, q.waiting...)
		q.open = nil
	}
}

// TakeAll returns all reads, and forgets them.
func (q *Reads) TakeAll() []ids.Token {
	q.Rewind()
	all := q.waiting
	q.waiting = nil
	return all
}

// Confirming reports whether a confirmation round is open.
func (q *Reads) Confirming() bool { return q.open != nil }

// Open begins a confirmation round for all reads that wait, if none is open. The node must serve:
// its history is of an active ballot that it has promised.
func (q *Reads) Open(now wire.Instant) {
	for q.open == nil && len(q.waiting) > 0 {
		q.nonce++
		q.open = &confirmation{nonce: q.nonce, tokens: q.waiting}
		q.waiting = nil
		q.ask(now)
		q.finish()
	}
}

// Tick asks again for confirmations that have not come within repeatAfter.
func (q *Reads) Tick(now wire.Instant) {
	if q.open != nil && now-q.open.sent >= repeatAfter {
		q.ask(now)
	}
}

// ask asks the members that have not confirmed the open round.
func (q *Reads) ask(now wire.Instant) {
	q.open.sent = now
	var m *wire.Confirm
	for _, p := range q.history.Members() {
		if p.ID == q.self || slices.Contains(q.open.confirmed, p.ID) {
			continue
		}
		if m == nil {
			m = &wire.Confirm{Ballot: q.history.Ballot(), Nonce: q.open.nonce}
		}
		q.box.Send(p.ID, m)
	}
}

// OnConfirmed counts a confirmation of the open round, for the exact ballot and incarnation (I3).
// The primary's confirmation counts only if this node has all entries up to the position that it
// brings. An honest primary brings no other: it committed what this node acknowledged.
func (q *Reads) OnConfirmed(now wire.Instant, h wire.Header, c *wire.Confirmed) {
	o := q.open
	if o == nil || c.Nonce != o.nonce || c.Ballot != q.history.Ballot() || h.From == q.self {
		return
	}
	inc, ok := q.history.Incarnation(h.From)
	if !ok || inc != h.Inc {
		return
	}
	if h.From == q.history.Members()[0].ID {
		if c.Commit > q.history.Length() {
			return
		}
		o.commit = max(o.commit, c.Commit)
	}
	q.ConfirmedBy(now, h.From)
}

// ConfirmedBy counts the confirmation of a member.
func (q *Reads) ConfirmedBy(now wire.Instant, id ids.Node) {
	if q.open != nil && !slices.Contains(q.open.confirmed, id) {
		q.open.confirmed = append(q.open.confirmed, id)
		q.finish()
		q.Open(now)
	}
}

// finish lets the reads of the open round read the state, when all members have confirmed.
func (q *Reads) finish() {
	o := q.open
	need := len(q.history.Members()) - 1
	if len(o.confirmed) < need {
		return
	}
	q.open = nil
	q.history.CommitTo(o.commit)
	for _, t := range o.tokens {
		q.box.Read(core.Read{Kind: core.ReadClient, Token: t})
	}
}
