package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/wire"
)

// readers are the reads of this node's clients. One round of confirmations is
// open at a time; reads that arrive meanwhile wait for the next one, because a
// confirmation counts only for reads that arrived before it was asked for.
type readers struct {
	waiting []ids.Token
	open    *readRound
	nonce   uint64
}

type readRound struct {
	nonce     uint64
	tokens    []ids.Token
	confirmed []ids.Node
	commit    uint64 // at the primary, after the reads arrived
	sent      wire.Instant
}

// rewind puts the reads of the open round back: its ballot has ended.
func (q *readers) rewind() {
	if q.open != nil {
		q.waiting = append(q.open.tokens, q.waiting...)
		q.open = nil
	}
}

func (q *readers) takeAll() []ids.Token {
	q.rewind()
	all := q.waiting
	q.waiting = nil
	return all
}

func (q *readers) abandon(t ids.Token) {
	is := func(x ids.Token) bool { return x == t }
	q.waiting = slices.DeleteFunc(q.waiting, is)
	if q.open != nil {
		q.open.tokens = slices.DeleteFunc(q.open.tokens, is)
	}
}

// SubmitRead takes a client's read.
func (r *Replica) SubmitRead(token ids.Token) {
	if r.notInView() {
		r.box.Reply(core.Reply{Token: token, Outcome: core.NotInView})
		return
	}
	r.reads.waiting = append(r.reads.waiting, token)
	r.openReads()
}

// openReads begins a round of confirmations for all reads that wait. Any member
// may: all the others must confirm the ballot after the reads arrived, and the
// primary's confirmation brings the position to read at.
func (r *Replica) openReads() {
	q := &r.reads
	if q.open != nil || len(q.waiting) == 0 || !r.Serving() {
		return
	}
	q.nonce++
	q.open = &readRound{nonce: q.nonce, tokens: q.waiting}
	q.waiting = nil
	r.askConfirm()
	r.tryRead()
}

// askConfirm asks the members that have not confirmed the open round.
func (r *Replica) askConfirm() {
	o := r.reads.open
	o.sent = r.now
	var m *wire.Confirm
	for _, p := range r.hist.Members() {
		if p.ID == r.cfg.Self || slices.Contains(o.confirmed, p.ID) {
			continue
		}
		if m == nil {
			m = &wire.Confirm{Ballot: r.hist.Ballot(), Nonce: o.nonce}
		}
		r.send(p.ID, m)
	}
}

// OnConfirm says yes while this node is bound to the ballot and has its base:
// then no later ballot can have been active without it (I2).
func (r *Replica) OnConfirm(h wire.Header, c *wire.Confirm) {
	has := r.hist.Ballot() == c.Ballot || r.hist.HasStaged(c.Ballot)
	if !has && !mutant.On(mutant.ServeBeforeBaseEverywhere) {
		return
	}
	if !r.member || c.Ballot != r.promised || r.isPrimary() && r.asPrimary == nil {
		return
	}
	reply := &wire.Confirmed{Ballot: c.Ballot, Nonce: c.Nonce}
	if r.hist.Ballot() == c.Ballot {
		reply.Commit = r.hist.Commit()
	}
	r.box.PostAfter(r.metaSeq, core.Envelope{To: h.From, Message: reply})
}

// OnConfirmed counts a confirmation of the open round.
func (r *Replica) OnConfirmed(h wire.Header, c *wire.Confirmed) {
	o := r.reads.open
	if o == nil || c.Nonce != o.nonce || c.Ballot != r.hist.Ballot() {
		return
	}
	inc, ok := round.Incarnation(r.hist.Bound(), h.From)
	if !ok || h.From == r.cfg.Self || inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation) {
		return
	}
	if h.From == r.primary {
		if c.Commit > r.hist.Length() {
			return
		}
		o.commit = max(o.commit, c.Commit)
	}
	r.confirmedBy(h.From)
}

func (r *Replica) confirmedBy(id ids.Node) {
	if o := r.reads.open; o != nil && !slices.Contains(o.confirmed, id) {
		o.confirmed = append(o.confirmed, id)
		r.tryRead()
	}
}

// tryRead lets the reads of the open round go when all members have confirmed:
// at what the primary had committed after they arrived, or later (I6).
func (r *Replica) tryRead() {
	o := r.reads.open
	need := len(r.hist.Members()) - 1
	if mutant.On(mutant.ReadByMajority) {
		need = len(r.hist.Members()) / 2
	}
	if len(o.confirmed) < need {
		return
	}
	r.reads.open = nil
	r.hist.CommitTo(o.commit)
	for _, t := range o.tokens {
		r.box.Read(core.Read{Kind: core.ReadClient, Token: t})
	}
	r.openReads()
}
