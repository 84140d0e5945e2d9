package sim

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// wroteCausal takes a write into account, as far as it concerns causal buckets.
func (n *node) wroteCausal(x *core.Write) {
	if n.w.sched.garbled() {
		return
	}
	switch x.Kind {
	case core.WriteMeta:
		if x.Meta.Present {
			if n.truth.Adopt(x.Seq, &x.Meta.View) {
				n.w.net.redeliverOldWrites(n)
			}
		}
	case core.WriteCausal:
		n.truth.Wrote(x.Seq, x.Causal)
		if n.w.meter != nil {
			n.w.meter.wrote(n.id, x.Causal, n.w.truth.Writes())
		}
	}
}

// readCausal carries out a read of what is kept.
func (n *node) readCausal(r core.Read) {
	var in core.Input
	switch r.Kind {
	case core.ReadKey:
		in = n.store.Key(r)
	case core.ReadSlots:
		in = n.store.Slots(r)
	default:
		n.w.list(n, r)
		return
	}
	n.alive(n.w.upTo(n.w.sched.Disk+1), func() { n.deliver(in) })
}

// list lets the session of a token list what its node has, now.
func (w *world) list(n *node, read core.Read) {
	r := w.requestOf(n, read.Token)
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
	slots := n.truth.Owned()
	if !slices.Equal(read.Ranges, ownedRanges(w.sched.Causal.Space, slots)) {
		slots = n.truth.OwnedBefore()
	}
	if !slices.Equal(read.Ranges, ownedRanges(w.sched.Causal.Space, slots)) {
		w.fail("I20", "node %d lists the ranges %x, it owns the slots %v", n.id, read.Ranges, n.truth.Owned())
		return
	}
	items := slices.Collect(machine.Listed(&read, n.store.CausalSnapshot().Items(read.Ranges)))
	list := w.truth.List(n.truth, slots, items)
	n.whenDurable(func() { w.listed(n, r, read, items, list) })
}

// listed answers a listing when all that it shows is durable.
func (w *world) listed(n *node, r *request, read core.Read, items []*wire.Item, list []*truth.Write) {
	if r.state != open || w.failure != nil {
		return
	}
	context := listContext(&w.sched.Causal, &read, items)
	past := w.truth.Listed(n.truth, r.Op, list, &context)
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

// compareCausal holds all that a node stores of causal buckets against what it wrote.
func (w *world) compareCausal(n *node) {
	held := 0
	for it := range n.store.CausalSnapshot().Items([]wire.HashRange{{Last: ^uint64(0)}}) {
		held++
		if x := n.truth.Item(w.truth.Key(it.Key)); x == nil || x.Version != it.Version {
			w.fail("causal state", "node %d stores %s, it has written %v", n.id, itemString(it), x)
			return
		}
	}
	for key := range w.sched.Causal.Keys {
		if n.truth.Item(key) != nil {
			held--
		}
	}
	if held != 0 {
		w.fail("causal state", "node %d stores %d items too many", n.id, held)
	}
}
