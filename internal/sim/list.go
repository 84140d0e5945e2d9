package sim

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// list lets the session of a token list what its node has, now.
func (ss *sessions) list(n *node, read core.Read) {
	w, held := ss.w, ss.of(n)
	r := ss.requestOf(n, read.Token)
	switch {
	case r == nil:
		return
	case !r.List:
		w.fail("answer", "%s was answered like a listing", r)
		return
	}
	if w.sched.garbled() {
		r.session.answered(r, &core.CausalResult{}, nil)
		return
	}
	slots := held.Owned()
	if !slices.Equal(read.Ranges, ownedRanges(w.sched.Causal.Space, slots)) {
		slots = held.OwnedBefore()
	}
	if !slices.Equal(read.Ranges, ownedRanges(w.sched.Causal.Space, slots)) {
		w.fail("I20", "node %d lists the ranges %x, it owns the slots %v", n.id, read.Ranges, held.Owned())
		return
	}
	items := slices.Collect(machine.Listed(&read, n.store.CausalSnapshot().Items(read.Ranges)))
	list := ss.truth.List(held, slots, items)
	n.whenDurable(func() { ss.listed(n, r, read, items, list) })
}

// listed answers a listing when all that it shows is durable.
func (ss *sessions) listed(n *node, r *request, read core.Read, items []*wire.Item, list []*truth.Write) {
	w := ss.w
	if r.state != open || w.failure != nil {
		return
	}
	context := causal.ListContext(w.sched.Causal.CausalLimits, &read, slices.Values(items))
	past := ss.truth.Listed(ss.of(n), r.Op, list, &context)
	w.counts.add("session", "listed")
	if w.trace != nil {
		w.note("node %d lets %s list %d items, %s", n.id, r, len(items), contextString(&context))
	}
	for key, x := range list {
		if x != truth.Elsewhere {
			r.listed = append(r.listed, seen{key, x})
		}
	}
	r.session.answered(r, &core.CausalResult{Context: context}, past)
}

// ownedRanges are the hashes of ascending slots, in runs.
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
