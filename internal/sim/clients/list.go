package clients

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// List lets the session of a token list the state of its node at this moment.
func (ss *Sessions) List(n *world.Node, read core.Read) {
	w, held := ss.w, ss.Of(n)
	r := ss.requestOf(n, read.Token)
	switch {
	case r == nil:
		return
	case !r.List:
		w.Fail("answer", "%s was answered like a listing", r)
		return
	}
	if w.Sched.Garbled() {
		r.session.answered(r, &core.CausalResult{}, nil)
		return
	}
	slots := held.Owned()
	if !slices.Equal(read.Ranges, ownedRanges(w.Sched.Causal.Space, slots)) {
		slots = held.OwnedBefore()
	}
	if !slices.Equal(read.Ranges, ownedRanges(w.Sched.Causal.Space, slots)) {
		w.Fail("I20", "node %d lists the ranges %x, it owns the slots %v", n.ID, read.Ranges, held.Owned())
		return
	}
	items := slices.Collect(machine.Listed(&read, n.Store.CausalSnapshot().Items(read.Ranges)))
	list := ss.Truth.List(held, slots, items)
	n.WhenDurable(func() { ss.listed(n, r, read, items, list) })
}

// listed answers a listing once all items that it shows are durable.
func (ss *Sessions) listed(n *world.Node, r *Request, read core.Read, items []*wire.Item, list []*truth.Write) {
	w := ss.w
	if r.state != witness.Open || w.Failure != nil {
		return
	}
	context := causal.ListContext(w.Sched.Causal.CausalLimits, &read, slices.Values(items))
	past := ss.Truth.Listed(ss.Of(n), r.Op, list, &context)
	w.Counts.Add("session", "listed")
	if w.Trace != nil {
		w.Note("node %d lets %s list %d items, %s", n.ID, r, len(items), trace.ContextString(&context))
	}
	for key, x := range list {
		if x != truth.Elsewhere {
			r.listed = append(r.listed, seen{key, x})
		}
	}
	r.session.answered(r, &core.CausalResult{Context: context}, past)
}

// ownedRanges returns the hashes of slots, in ranges. slots ascend.
func ownedRanges(space hashing.Space, slots []hashing.Slot) []wire.HashRange {
	var out []wire.HashRange
	shift := 64 - uint(space)
	for i, s := range slots {
		last := uint64(s+1)<<shift - 1
		if i > 0 && slots[i-1]+1 == s {
			out[len(out)-1].Last = last
		} else {
			out = append(out, wire.HashRange{First: uint64(s) << shift, Last: last})
		}
	}
	return out
}
