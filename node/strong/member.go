package strong

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// OnPrepare appends a batch and acknowledges it once it is durable. A first
// Prepare of a ballot says that the ballot is active.
func (r *Replica) OnPrepare(h wire.Header, p *wire.Prepare) {
	if h.From != r.primary || !r.joinActive(p.Ballot) {
		return
	}
	end := r.hist.Length()
	if p.First > end+1 || p.First == 0 {
		r.box.Event(core.Event{Kind: EventGap, Peer: h.From, Count: p.First - end})
		return
	}
	var fresh []wire.Entry
	if skip := end + 1 - p.First; skip < uint64(len(p.Entries)) {
		fresh = p.Entries[skip:]
	}
	if !r.follows(fresh, end) {
		return
	}
	if len(fresh) > 0 {
		r.hist.Append(fresh)
	} else if len(p.Entries) > 0 {
		r.box.Event(core.Event{Kind: EventDuplicate, Peer: h.From})
	}
	r.acknowledge(h.From)
	r.learnCommit(p.Commit)
	if mutant.On(mutant.ReadUncommitted) {
		r.hist.CommitTo(r.hist.Length())
	}
}

// follows guards against a peer that numbers its entries wrongly.
func (r *Replica) follows(entries []wire.Entry, end uint64) bool {
	for i := range entries {
		if entries[i].Stamp != (ids.Stamp{Ballot: r.hist.Ballot(), Index: end + 1 + uint64(i)}) {
			r.box.Event(core.Event{Kind: core.EventMalformed, Note: "prepare with a foreign stamp"})
			return false
		}
	}
	return true
}

// acknowledge says how much of the log is here, once that is durable.
func (r *Replica) acknowledge(to ids.Node) {
	end := r.hist.Length()
	ack := &wire.Ack{Ballot: r.hist.Ballot(), Index: end, Sum: r.hist.SumAt(end)}
	if mutant.On(mutant.AckBeforeDurable) {
		r.send(to, ack)
		return
	}
	r.sendDurable(to, ack)
}

// learnCommit applies what the primary says is committed, as far as it is here.
func (r *Replica) learnCommit(c uint64) {
	r.hist.CommitTo(min(c, r.hist.Length()))
}

// OnHello learns from a member's hello: the position that is committed, that a
// member is another incarnation than the ballot counts on, or that it missed
// that the ballot is active.
func (r *Replica) OnHello(h wire.Header, m *wire.Hello) {
	r.waits.OnHello(h.From, m, r.primary, len(r.members))
	if r.isPrimary() {
		r.checkBackup(h, m)
		if r.asPrimary != nil {
			r.asPrimary.Order(r.now)
		}
		return
	}
	if h.From == r.primary {
		if m.Serving && r.joinActive(m.Ballot) {
			r.learnCommit(m.Commit)
		}
		r.forward()
	}
}

// checkBackup begins a round if a member has promised a higher one, is another incarnation
// than the ballot counts on, or has other content. It tells a member that missed it that
// the ballot is active.
func (r *Replica) checkBackup(h wire.Header, m *wire.Hello) {
	if r.beginHigherRound(m.Promised) {
		return
	}
	var bound []wire.Sighting
	if r.asPrimary != nil {
		bound = r.hist.Bound()
	} else if r.round != nil {
		bound = r.round.Bound()
	}
	inc, ok := history.Incarnation(bound, h.From)
	switch {
	case ok && inc != h.Inc && !mutant.On(mutant.AckOfOtherIncarnation):
		if !r.mayBegin() {
			return
		}
		r.box.Event(core.Event{Kind: EventStranger, Peer: h.From})
		r.beginRound()
	case ok && inc == h.Inc && r.asPrimary != nil && m.Ballot == r.hist.Ballot():
		r.checkSum(h.From, m)
	case ok && r.asPrimary != nil && m.Ballot != r.hist.Ballot():
		r.send(h.From, &wire.Active{Ballot: r.hist.Ballot(), Commit: r.hist.Commit()})
	}
}
