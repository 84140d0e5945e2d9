package plausible

import (
	"cmp"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of a peer's message (docs/causal.md §12). A peer that keeps to the protocol stays far
// below. A message beyond them must cost no more than its bytes, and must leave nothing behind
// that other nodes would refuse later.
const (
	MaxVector   = 16_384  // positions in a vector
	maxFormer   = 1024    // former members in a list
	maxLayout   = 1024    // shards of a layout, and also its members
	maxCount    = 1 << 62 // a revision, so that it can be counted up without overflow
	maxSums     = 1 << 16 // sums in a message: one for each slot of the largest space
	maxCounters = 1 << 16 // counters in a CausalForwardCancel
)

// Flaw says which rule a peer's message breaks, judged by the message alone; empty: none. What
// depends on a question, such as whether an answer fits it, is judged where the answer is used.
func (j *Judge) Flaw(m wire.Message, now wire.Instant) string {
	most := limit(j.Most(now) + peerMargin)
	switch m := m.(type) {
	case *wire.Batch:
		return first(most.number(m.First), most.items(m.Items))
	case *wire.BatchAck:
		return most.number(m.N)
	case *wire.ResendRequest:
		return most.number(m.From)
	case *wire.Truncated:
		return most.number(m.UpTo)
	case *wire.KeyReply:
		return most.keyAnswer(m)
	case *wire.CausalForward:
		return first(contextFlaw(&m.Context), openFlaw(m))
	case *wire.CausalForwardReply:
		return most.carryAnswer(m)
	case *wire.CausalForwardCancel:
		return mostFlaw(len(m.Counters), maxCounters)
	}
	return j.exchangeFlaw(m, most)
}

// exchangeFlaw is Flaw for the messages of exchanges, hand-offs and knowledge of views.
func (j *Judge) exchangeFlaw(m wire.Message, most limit) string {
	switch m := m.(type) {
	case *wire.DigestRequest:
		return first(rangesFlaw(m.Slots), mostFlaw(len(m.Sums), maxSums), mostFlaw(len(m.Forgotten), loss.MaxForgotten))
	case *wire.Digest:
		return j.digestFlaw(m, most)
	case *wire.FetchItems:
		return rangesFlaw(m.Slots)
	case *wire.Items:
		return first(revisionFlaw(m.RemovedAt), j.gcCountersFlaw(m.GCCounters), most.items(m.Items), orderFlaw(m))
	case *wire.Handoff:
		return revisionFlaw(m.Revision)
	case *wire.HandoffAck:
		return first(revisionFlaw(m.Revision), rangesFlaw(m.Slots))
	case *wire.ViewInfoRequest:
		return mostFlaw(len(m.Views), catalog.MaxUnknown)
	case *wire.ViewInfo:
		return j.viewInfoFlaw(m, most)
	}
	return ""
}

// first is the first flaw that is not empty.
func first(flaws ...string) string { return cmp.Or(flaws...) }

// limit is the largest counter, and the largest number in a stream, that a peer may bring
// (docs/causal.md §2.1, rule 6). Its methods say which rule a part of a message breaks.
type limit uint64

// number: no number is beyond the limit.
func (most limit) number(n uint64) string {
	if n > uint64(most) {
		return "a number beyond all that can be"
	}
	return ""
}

// revisionFlaw: a revision leaves room to count up.
func revisionFlaw(n uint64) string {
	if n > maxCount {
		return "a revision that leaves no room above it"
	}
	return ""
}

// openFlaw: a forwarded write is open itself, so its counter is not below its forwarder's lowest
// open counter.
func openFlaw(m *wire.CausalForward) string {
	if !m.Read && m.LowestOpen > m.Counter {
		return "a forward of a write below its lowest open counter"
	}
	return ""
}

// mostFlaw: a list is not longer than its bound.
func mostFlaw(n, most int) string {
	if n > most {
		return "a list that is too long"
	}
	return ""
}

// rangesFlaw: ranges of slots ascend, do not overlap, and are not empty. Otherwise a small message
// could stand for more slots than there are, and cause unbounded work.
func rangesFlaw(list []wire.SlotRange) string {
	end := uint64(0)
	for _, g := range list {
		if uint64(g.First) < end || g.Count == 0 {
			return "ranges of slots that do not ascend apart"
		}
		end = uint64(g.First) + uint64(g.Count)
	}
	return ""
}

// vector: a vector is in order, and its numbers are not beyond the limit.
func (most limit) vector(v wire.Vector) string {
	for i := range v {
		if v[i].N > uint64(most) {
			return "a number beyond all that can be"
		}
	}
	return vectorFlaw(v)
}

// vectorFlaw: positions ascend, none is zero, and there are at most MaxVector.
func vectorFlaw(v wire.Vector) string {
	if len(v) > MaxVector {
		return "a vector that is too long"
	}
	for i := range v {
		if v[i].N == 0 || i > 0 && v[i-1].Stream.Compare(v[i].Stream) >= 0 {
			return "a vector that is not in order"
		}
	}
	return ""
}

// context: the dependencies of an item are such that a client which reads the item gets a context
// that no node refuses.
func (most limit) context(c *wire.Context) string {
	for i := range c.Exact {
		if v := &c.Exact[i].Version; max(v.Counter, v.Dot.N) > uint64(most) {
			return "a number beyond all that can be"
		}
	}
	return first(most.number(c.Ceil), most.vector(c.Vector), contextFlaw(c))
}

// contextFlaw: a context is in order and within the bounds of lists. Whether its numbers can be
// true is judged by limit.context for stored items, and by Judge.Context for clients.
func contextFlaw(c *wire.Context) string {
	if len(c.Exact) > wire.MaxExact || len(c.CutRefs) > MaxVector {
		return "a context beyond its limits"
	}
	for i := range c.Exact {
		if v := &c.Exact[i].Version; v.Counter == 0 || v.Dot.N == 0 {
			return "a context with an impossible version"
		}
	}
	for i := 1; i < len(c.CutRefs); i++ {
		if c.CutRefs[i-1].Compare(c.CutRefs[i]) >= 0 {
			return "a context whose names are not in order"
		}
	}
	return vectorFlaw(c.Vector)
}

// item: an item has a key, a version and plausible numbers.
func (most limit) item(item *wire.Item) string {
	v := &item.Version
	switch {
	case item.Key == "":
		return "an item without a key"
	case v.Counter == 0 || v.Dot.N == 0:
		return "an item with an impossible version"
	}
	return first(most.number(v.Dot.N), most.context(&item.Deps))
}

// items: each item is without a flaw.
func (most limit) items(items []wire.Item) string {
	for i := range items {
		if why := most.item(&items[i]); why != "" {
			return why
		}
	}
	return ""
}

// orderFlaw: the items of an answer ascend from the place that was asked for. So an exchange comes
// to an end.
func orderFlaw(m *wire.Items) string {
	at := m.After
	for i := range m.Items {
		key := m.Items[i].Key
		hash := hashing.Hash(key)
		if at.Begun && cmp.Or(cmp.Compare(hash, at.Hash), cmp.Compare(key, at.Key)) <= 0 {
			return "items that do not ascend"
		}
		at = wire.SlotCursor{Begun: true, Hash: hash, Key: key}
	}
	return ""
}

// gcCountersFlaw: GC counters ascend by slot, and the slots exist.
func (j *Judge) gcCountersFlaw(list []wire.SlotGCCounter) string {
	for i, f := range list {
		if int64(f.Slot) >= int64(j.slots) || i > 0 && list[i-1].Slot >= f.Slot {
			return "GC counters that are not in order"
		}
	}
	return ""
}

// keyAnswer: an answer about a key fits the key it names, and claims nothing of a slot that is not
// held.
func (most limit) keyAnswer(m *wire.KeyReply) string {
	switch {
	case m.Present && m.Item.Key != m.Key:
		return "an item of another key"
	case (m.Present || m.Ready) && !m.Held:
		return "something of a slot that is not held"
	case m.Present:
		return most.item(&m.Item)
	}
	return ""
}

// carryAnswer: an answer to a forward has an item and a context without a flaw.
func (most limit) carryAnswer(m *wire.CausalForwardReply) string {
	if m.Present {
		if why := most.item(&m.Item); why != "" {
			return why
		}
	}
	return contextFlaw(&m.Context)
}

// digestFlaw: a Digest is within its bounds, and knows no more of this node's own stream than this
// node has written. A node that believed otherwise would take its next writes for collected
// ones (docs/causal.md §12, rule 3).
func (j *Judge) digestFlaw(m *wire.Digest, most limit) string {
	why := first(
		revisionFlaw(m.Revision), j.holdingsFlaw(&m.Held, most), most.vector(m.Heard),
		mostFlaw(len(m.Ended), loss.MaxEnded), mostFlaw(len(m.Acked), handoff.MaxRequesters), mostFlaw(len(m.Requesting), handoff.MaxRequesters),
		mostFlaw(len(m.Former), maxFormer), mostFlaw(len(m.Forgotten), loss.MaxForgotten), groupsFlaw(m.Groups),
	)
	if why == "" && m.Heard.At(j.own.ID()) > j.own.Last() {
		return "more of this node's writes than there are"
	}
	return why
}

// holdingsFlaw: holdings have plausible vectors, and each range of slots has a vector.
func (j *Judge) holdingsFlaw(h *wire.Holdings, most limit) string {
	for _, v := range h.Vectors {
		if why := most.vector(v); why != "" {
			return why
		}
		if v.At(j.own.ID()) > j.own.Last() {
			return "more of this node's writes than there are"
		}
	}
	end := uint64(0)
	for i := range h.Held {
		g := &h.Held[i]
		switch {
		case uint64(g.Slots.First) < end || g.Slots.Count == 0:
			return "ranges of slots that do not ascend apart"
		case int64(g.Vector) >= int64(len(h.Vectors)):
			return "a slot without a vector"
		}
		end = uint64(g.Slots.First) + uint64(g.Slots.Count)
	}
	return ""
}

// groupsFlaw: groups ascend, and have at most maxSums sums together.
func groupsFlaw(list []wire.GroupSums) string {
	sums := 0
	for i := range list {
		if i > 0 && list[i-1].Group >= list[i].Group {
			return "groups that are not in order"
		}
		sums += len(list[i].Sums)
	}
	return mostFlaw(sums, maxSums)
}

// viewInfoFlaw: layouts are small enough to assign slots with, and stable cuts claim no more of
// this node's own stream than it has written.
func (j *Judge) viewInfoFlaw(m *wire.ViewInfo, most limit) string {
	if len(m.Views) > catalog.MaxUnknown {
		return "a list that is too long"
	}
	for i := range m.Views {
		k := &m.Views[i]
		members := 0
		for _, s := range k.Layout.Shards {
			members += len(s.Members)
		}
		why := first(mostFlaw(len(k.Layout.Shards), maxLayout), mostFlaw(members, maxLayout), most.vector(k.StableCut))
		if why == "" && k.StableCut.At(j.own.ID()) > j.own.Last() {
			why = "more of this node's writes than there are"
		}
		if why != "" {
			return why
		}
	}
	return ""
}
