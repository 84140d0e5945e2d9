package causal

import (
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/wire"
)

// settle ends a write that must not be applied here, and reports whether there was reason to.
// Either the write was applied before, here or at another owner, and gets the same result
// (I11). Or it is finished: its forwarder waits no longer, or its result had to go for want
// of room. In the latter case a client of this node is told *unknown*, never failed (I12).
func (r *Replica) settle(q *request) bool {
	t, fate := r.results.Fate(q.id)
	switch {
	case fate == forward.Finished && q.incoming == nil: // its result had to go for want of room
		r.waiting.Remove(q)
		r.reply(q, core.InDoubt, nil)
	case fate == forward.Finished:
		r.step.Event(core.Event{Kind: EventForwardFinished, Peer: q.id.Node})
		r.waiting.Remove(q)
		r.answerForward(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardFinished}, 0)
	case fate == forward.Done && t.Hash == q.hash && !mutant.On(mutant.CausalForwardTwice):
		r.step.Event(core.Event{Kind: EventForwardRepeated, Peer: q.id.Node})
		q.existed = t.Existed
		item := &wire.Item{Key: q.op.Key, Version: t.Version, Deleted: t.Deleted}
		r.answer(q, r.step.LastWrite(), item, version.With(&q.context, q.hash, t.Version))
	default:
		return false
	}
	return true
}

// lowestOpen is the lowest open counter of this node (docs/forwarding.md §2, rule 3).
func (r *Replica) lowestOpen() uint64 {
	if mutant.On(mutant.CausalLowestOpenIsNext) {
		return r.outgoing.open.Skip() + 1
	}
	return r.outgoing.open.Lowest()
}

// helloApplied puts the lowest open counter into a hello. It takes the counter in for this
// node's own results, too, and drops the results of boots that have ended.
func (r *Replica) helloApplied(h *wire.Hello) {
	h.LowestOpen = r.lowestOpen()
	r.results.Prune(h.LowestOpen)
}
