package wire

import "github.com/cohortkv/cohort/node/ids"

// SlotRange is a run of slots. Ranges in a list ascend and are apart; none is empty.
type SlotRange struct {
	First uint32
	Count uint32
}

// fields writes where the range begins as the distance from the end of the last one.
func (r *SlotRange) fields(c *causalCodec, end *uint64) {
	first := uint64(r.First)
	c.delta(end, &first)
	c.narrow(&r.First, first)
	c.uvarint32(&r.Count)
	*end += uint64(r.Count)
}

var slotRangeList = elements("ranges of slots", func(c *causalCodec) { new(SlotRange).fields(c, new(uint64)) })

func (c *causalCodec) slotRanges(s *[]SlotRange) {
	end := uint64(0)
	for i := range list(c.codec, s, &slotRangeList) {
		(*s)[i].fields(c, &end)
	}
}

// Sum is a digest of the items of one slot, or of several: equal for equal items,
// in whatever order they came.
type Sum struct {
	Count uint64 // of items; 0: the other fields are zero
	Xor   uint64 // of their fingerprints
	Plus  uint64 // of their fingerprints, modulo 2^64
}

// fields writes only a count for the sum of nothing, which is zero.
func (s *Sum) fields(c *codec) {
	c.uvarint(&s.Count)
	if s.Count > 0 {
		c.fixed64(&s.Xor)
		c.fixed64(&s.Plus)
	}
}

var sumList = elements("sums", func(c *causalCodec) { new(Sum).fields(c.codec) })

func (c *codec) sums(s *[]Sum) {
	for i := range list(c, s, &sumList) {
		(*s)[i].fields(c)
	}
}

// GroupSums has the sums of the slots of one group, as far as they were requested.
type GroupSums struct {
	Group uint32
	Sums  []Sum // one for each requested slot of the group, ascending; at most 65,536 in a message
}

func (g *GroupSums) fields(c *codec) {
	c.uvarint32(&g.Group)
	c.sums(&g.Sums)
}

var groupList = elements("groups", func(c *causalCodec) { new(GroupSums).fields(c.codec) })

// Holdings says which slots a node holds, and what it knows of each.
type Holdings struct {
	Vectors []Vector    // the distinct K of the slots; at most 16,384 positions each
	Held    []HeldSlots // ascending, apart
}

func (h *Holdings) fields(c *causalCodec) {
	for i := range list(c.codec, &h.Vectors, &vectorList) {
		h.Vectors[i].fields(c)
	}
	end := uint64(0)
	for i := range list(c.codec, &h.Held, &heldList) {
		h.Held[i].fields(c, &end)
	}
}

// HeldSlots is a run of slots that a node holds alike.
type HeldSlots struct {
	Slots     SlotRange
	Vector    uint32 // index in Holdings.Vectors: K of each of them
	Ready     bool   // the node would serve them, as far as it knows
	GCCounter uint64 // no counter of a collected tombstone in them is larger
}

func (h *HeldSlots) fields(c *causalCodec, end *uint64) {
	h.Slots.fields(c, end)
	c.uvarint32(&h.Vector)
	c.bool(&h.Ready)
	c.ordinal(&h.GCCounter)
}

var heldList = elements("held ranges", func(c *causalCodec) { new(HeldSlots).fields(c, new(uint64)) })

// SlotGCCounter says that no counter of a tombstone collected in a slot is larger. In a list
// they ascend by slot.
type SlotGCCounter struct {
	Slot      uint32
	GCCounter uint64 // below 2^62
}

func (g *SlotGCCounter) fields(c *codec) {
	c.uvarint32(&g.Slot)
	c.ordinal(&g.GCCounter)
}

var gcCounterList = elements("GC counters", func(c *causalCodec) { new(SlotGCCounter).fields(c.codec) })

// KnownView is what a node needs to know of a view whose id it meets in a vector.
type KnownView struct {
	ID           ids.View
	Layout       Layout // at most 1,024 shards and members
	HasStableCut bool
	Common       bool   // all members knew the stable cut at a time: contexts may refer to it
	StableCut    Vector // what all replicas had of each stream when it was published
}

func (v *KnownView) fields(c *causalCodec) {
	c.viewID(&v.ID)
	v.Layout.fields(c.codec)
	c.bool(&v.HasStableCut)
	c.bool(&v.Common)
	v.StableCut.fields(c)
}

var knownViewList = elements("known views", func(c *causalCodec) { new(KnownView).fields(c) })

func (c *causalCodec) knownViews(s *[]KnownView) {
	for i := range list(c.codec, s, &knownViewList) {
		(*s)[i].fields(c)
	}
}

// HashRange is a range of key hashes, both ends included.
type HashRange struct {
	First, Last uint64
}

func (r *HashRange) fields(c *codec) {
	c.fixed64(&r.First)
	c.fixed64(&r.Last)
}

var hashRangeList = elements("ranges of hashes", func(c *causalCodec) { new(HashRange).fields(c.codec) })

func (c *codec) hashRanges(s *[]HashRange) {
	for i := range list(c, s, &hashRangeList) {
		(*s)[i].fields(c)
	}
}

// SlotCursor is a place in the order of items: by hash, then by key. Everything
// greater is still to come.
type SlotCursor struct {
	Begun bool   // false: before the first item
	Hash  uint64 // of Key
	Key   string // the last item that is behind
}

func (p *SlotCursor) fields(c *codec) {
	c.bool(&p.Begun)
	c.fixed64(&p.Hash)
	c.string(&p.Key)
}
