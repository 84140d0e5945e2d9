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

// appliedWrite is the result of a forwarded write.
type appliedWrite struct {
	hash    uint64 // of its key
	version wire.CausalVersion
	deleted bool
	existed bool // the key had a value before
}

// rememberApplied remembers that a forwarded write was applied: here, or at another owner
// that the item comes from. That owner's item does not say whether its key had a value
// there. If its counter is above the first, the key counts as having had one. That is wrong
// only for a key that had been deleted, or that the client knew of and the owner did not.
func (r *Replica) rememberApplied(item *wire.Item, here, existed bool) {
	id := item.ID
	if id == (ids.Request{}) || r.boots.hasEnded(id.Node, id.Boot) {
		return
	}
	if !here {
		existed = item.Version.Counter > 1
		if t, fate := r.incoming.applied.Find(id); fate == forward.Done && t.version == item.Version {
			existed = t.existed // it was applied here
		}
	}
	if lost, full := r.incoming.applied.Keep(id, appliedWrite{hashing.Hash(item.Key), item.Version, item.Deleted, existed}); full {
		r.box.Event(core.Event{Kind: EventForwardForgotten, Peer: lost.Node})
	}
}

// hearLowestOpen takes in which writes a forwarder has finished with.
func (r *Replica) hearLowestOpen(h wire.Header, lowestOpen uint64) {
	r.incoming.applied.Heard(wire.NodeBoot{Node: h.From, Boot: h.Boot}, lowestOpen)
	if mutant.On(mutant.CausalForgetForwarded) {
		r.incoming.applied.Forget(func(node ids.Node, _ ids.Boot) bool { return node == h.From })
	}
}

// fate says what is known of a forwarded write.
func (r *Replica) fate(id ids.Request) (appliedWrite, forward.Fate) {
	if r.boots.hasEnded(id.Node, id.Boot) && !mutant.On(mutant.CausalForwardEnded) {
		return appliedWrite{}, forward.Finished
	}
	t, fate := r.incoming.applied.Find(id)
	if fate == forward.Finished && mutant.On(mutant.CausalForwardFinished) {
		fate = forward.New
	}
	return t, fate
}

// settle ends a write that must not be applied here: it was applied before, here or at
// another owner, or its forwarder has finished with it. It reports whether that was so.
func (r *Replica) settle(q *request) bool {
	t, fate := r.fate(q.id)
	switch {
	case fate == forward.Finished && q.incoming == nil: // there was no room to remember it
		r.waiting.Remove(q)
		r.reply(q, core.InDoubt, nil)
	case fate == forward.Finished:
		r.box.Event(core.Event{Kind: EventForwardFinished, Peer: q.id.Node})
		r.waiting.Remove(q)
		r.answerForward(q.incoming, &wire.CausalForwardReply{Fate: wire.ForwardFinished}, 0)
	case fate == forward.Done && t.hash == q.hash && !mutant.On(mutant.CausalForwardTwice):
		r.box.Event(core.Event{Kind: EventForwardRepeated, Peer: q.id.Node})
		q.existed = t.existed
		item := &wire.Item{Key: q.op.Key, Version: t.version, Deleted: t.deleted}
		r.answer(q, r.box.LastWrite(), item, version.With(&q.context, q.hash, t.version))
	default:
		return false
	}
	return true
}

// lowestOpen is the lowest number of a write of this node's clients that is not finished.
func (r *Replica) lowestOpen() uint64 {
	if mutant.On(mutant.CausalLowestOpenIsNext) {
		return r.outgoing.open.Skip() + 1
	}
	return r.outgoing.open.Lowest()
}

// helloApplied adds to a hello which writes are finished, and forgets those of boots that
// have ended.
func (r *Replica) helloApplied(h *wire.Hello) {
	h.LowestOpen = r.lowestOpen()
	r.incoming.applied.Heard(r.boots.self, h.LowestOpen)
	r.incoming.applied.Forget(r.boots.hasEnded)
}
