package sim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// causalState is what a node keeps of causal buckets: a model of the store, small and
// plain.
type causalState struct {
	space hashing.Space
	items []wire.Item // by hash, then key
}

func newCausalState(space hashing.Space) *causalState { return &causalState{space: space} }

// find is where a key is, or would be.
func (c *causalState) find(key string) (int, bool) {
	return slices.BinarySearchFunc(c.items, key, func(it wire.Item, key string) int {
		return cmp.Or(cmp.Compare(hashing.Hash(it.Key), hashing.Hash(key)), strings.Compare(it.Key, key))
	})
}

func (c *causalState) get(key string) *wire.Item {
	if i, ok := c.find(key); ok {
		it := c.items[i]
		return &it
	}
	return nil
}

// write carries out a change, in the order of its fields.
func (c *causalState) write(x *wire.CausalWrite) {
	if x.Reset {
		c.items = nil
	}
	for _, r := range x.Free {
		c.items = slices.DeleteFunc(c.items, func(it wire.Item) bool { return within(r, it.Key) })
	}
	for i := range x.Put {
		if at, ok := c.find(x.Put[i].Key); ok {
			c.items[at] = x.Put[i]
		} else {
			c.items = slices.Insert(c.items, at, x.Put[i])
		}
	}
	for _, key := range x.Drop {
		if at, ok := c.find(key); ok {
			c.items = slices.Delete(c.items, at, at+1)
		}
	}
}

func within(r wire.HashRange, key string) bool {
	h := hashing.Hash(key)
	return r.First <= h && h <= r.Last
}

// annotate adds to an input what is kept of its keys.
func (c *causalState) annotate(in wire.Input) {
	switch in := in.(type) {
	case *wire.CausalSubmit:
		in.Stored = c.get(in.Op.Key)
	case *wire.CausalRead:
		in.Stored = c.get(in.Key)
	case *wire.Received:
		in.Items = nil
		switch m := in.Message.(type) {
		case *wire.Batch:
			in.Items = c.getAll(m.Items)
		case *wire.Items:
			in.Items = c.getAll(m.Items)
		case *wire.Carry:
			in.Items = []*wire.Item{c.get(m.Op.Key)}
		case *wire.AskKey:
			in.Items = []*wire.Item{c.get(m.Key)}
		case *wire.KeyAnswer:
			in.Items = []*wire.Item{c.get(m.Key)}
		}
	}
}

func (c *causalState) getAll(items []wire.Item) []*wire.Item {
	var all []*wire.Item
	for i := range items {
		all = append(all, c.get(items[i].Key))
	}
	return all
}

// in lists what is in ranges.
func (c *causalState) in(ranges []wire.HashRange) []wire.Item {
	var list []wire.Item
	for _, it := range c.items {
		if slices.ContainsFunc(ranges, func(r wire.HashRange) bool { return within(r, it.Key) }) {
			list = append(list, it)
		}
	}
	return list
}

// slots reads a piece of ranges: up to a number of bytes, but one item at least.
func (c *causalState) slots(r *wire.Read) *wire.SlotsRead {
	out := &wire.SlotsRead{Session: r.Session, Last: true}
	size := 0
	for _, it := range c.in(r.Ranges) {
		if at, h := r.Cursor, hashing.Hash(it.Key); at.Begun && (h < at.Hash || h == at.Hash && it.Key <= at.Key) {
			continue
		}
		size += len(it.Key) + len(it.Value) + len(it.ContentType) + 100
		if size > r.Limit && len(out.Items) > 0 {
			out.Last = false
			break
		}
		out.Items = append(out.Items, it)
	}
	return out
}

// wroteCausal takes a write into account, as far as it concerns causal buckets.
func (n *node) wroteCausal(x *wire.Write) {
	switch x.Kind {
	case wire.WriteMeta:
		if x.Meta.Present {
			n.truth.Adopt(x.Seq, &x.Meta.View)
		}
	case wire.WriteCausal:
		n.kept.write(x.Causal)
		n.truth.Wrote(x.Seq, x.Causal)
	}
}

// readCausal carries out a read of what is kept.
func (n *node) readCausal(r wire.Read) {
	var in wire.Input
	switch r.Kind {
	case wire.ReadKey:
		in = &wire.KeyRead{Session: r.Session, Stored: n.kept.get(r.Key)}
	case wire.ReadSlots:
		in = n.kept.slots(&r)
	default:
		n.w.list(n, r)
		return
	}
	n.alive(n.w.upTo(n.w.sched.Disk+1), func() { n.deliver(in) })
}

// list lets the session of a token list what its node has, now.
func (w *world) list(n *node, read wire.Read) {
	r := w.requestOf(n, read.Token)
	switch {
	case r == nil:
		return
	case !r.List:
		w.fail("answer", "%s was answered like a listing", r)
		return
	case !slices.Equal(read.Ranges, ownedRanges(w.sched.Causal.Space, n.truth.Owned())):
		w.fail("I20", "node %d lists the ranges %x, it owns the slots %v", n.id, read.Ranges, n.truth.Owned())
		return
	}
	items := n.kept.in(read.Ranges)
	n.whenDurable(func() { w.listed(n, r, read, items) })
}

// listed answers a listing when all that it shows is durable.
func (w *world) listed(n *node, r *request, read wire.Read, items []wire.Item) {
	if r.state != open {
		return
	}
	context := listContext(&w.sched.Causal, read.Context, items)
	past := w.truth.Listed(n.truth, r.Op, items, &context)
	w.counts.add("session", "listed")
	if w.trace != nil {
		w.note("node %d lets %s list %d items, %s", n.id, r, len(items), contextString(&context))
	}
	r.items = items
	r.session.answered(r, &wire.CausalResult{Context: context}, past)
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
