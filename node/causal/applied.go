package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// appliedWrite is the result of a forwarded write, from which a repetition is answered (I11;
// docs/causal.md §8.2, rules 1 to 3). Each node that the item has reached keeps it.
type appliedWrite struct {
	hash    uint64 // of the key; a repetition that names another key is not answered from here
	version wire.CausalVersion
	deleted bool // the write is a tombstone
	existed bool // the key had a value before: decides between 201 and 204
}

// rememberApplied remembers that a forwarded write was applied, here or at another owner. An
// item of another owner does not say whether its key had a value there. Then the key counts
// as having had one if the counter is above 1 (docs/causal.md §8.2, rule 2). That is wrong
// only if the key had been deleted, or if the client named a version that the owner lacked.
func (r *Replica) rememberApplied(item *wire.Item, here, existed bool) {
	id := item.ID
	if id == (ids.Request{}) || r.boots.Ended(id.Node, id.Boot) {
		return
	}
	if !here {
		existed = item.Version.Counter > 1
		if t, fate := r.incoming.applied.Find(id); fate == forward.Done && t.version == item.Version {
			existed = t.existed // the write was applied here, and its item comes back
		}
	}
	if lost, full := r.incoming.applied.Keep(id, appliedWrite{hashing.Hash(item.Key), item.Version, item.Deleted, existed}); full {
		r.step.Event(core.Event{Kind: EventForwardForgotten, Peer: lost.Node})
	}
}

// hearLowestOpen takes in the lowest open counter of a forwarder: all its writes below are
// finished (docs/forwarding.md §3).
func (r *Replica) hearLowestOpen(h wire.Header, lowestOpen uint64) {
	r.incoming.applied.Heard(wire.NodeBoot{Node: h.From, Boot: h.Boot}, lowestOpen)
	if mutant.On(mutant.CausalForgetForwarded) {
		r.incoming.applied.Forget(func(node ids.Node, _ ids.Boot) bool { return node == h.From })
	}
}

// fate says what this node knows of a forwarded write. All writes of a boot that has ended
// are finished (docs/forwarding.md §3, rule 8).
func (r *Replica) fate(id ids.Request) (appliedWrite, forward.Fate) {
	if r.boots.Ended(id.Node, id.Boot) && !mutant.On(mutant.CausalForwardEnded) {
		return appliedWrite{}, forward.Finished
	}
	t, fate := r.incoming.applied.Find(id)
	if fate == forward.Finished && mutant.On(mutant.CausalForwardFinished) {
		fate = forward.New
	}
	return t, fate
}

// settle ends a write that must not be applied here, and reports whether there was reason to.
// Either the write was applied before, here or at another owner, and gets the same result
// (I11). Or it is finished: its forwarder waits no longer, or its result had to go for want
// of room. In the latter case a client of this node is told *unknown*, never failed (I12).
func (r *Replica) settle(q *request) bool {
	t, fate := r.fate(q.id)
	switch {
	case fate == forward.Finished && q.incoming == nil: // its result had to go for want of room
		r.waiting.Remove(q)
		r.reply(q, core.InDoubt, nil)
	case fate == forward.Finished:
		r.step.Event(core.Event{Kind: EventForwardFinished, Peer: q.id.Node})
		r.waiting.Remove(q)
		r.answerForward(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardFinished}, 0)
	case fate == forward.Done && t.hash == q.hash && !mutant.On(mutant.CausalForwardTwice):
		r.step.Event(core.Event{Kind: EventForwardRepeated, Peer: q.id.Node})
		q.existed = t.existed
		item := &wire.Item{Key: q.op.Key, Version: t.version, Deleted: t.deleted}
		r.answer(q, r.step.LastWrite(), item, version.With(&q.context, q.hash, t.version))
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
	r.incoming.applied.Heard(r.step.Self, h.LowestOpen)
	r.incoming.applied.Forget(r.boots.Ended)
}
