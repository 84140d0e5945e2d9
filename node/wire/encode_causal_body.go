package wire

// The parts that causal messages are made of, field by field in the order of
// their structs; decode_causal_body.go reads them in the same order.

// position writes n as its distance from the last position in the stream.
func (e *causalEncoder) position(s Stream, n uint64) {
	ref := e.streams.find(s)
	e.byte(ref)
	if ref != 0 {
		e.delta(&e.streams.get(ref).N, n)
		return
	}
	e.viewID(s.View)
	e.origin(origin{Node: s.Node, Boot: s.Boot})
	e.delta(&e.streams.add(s).N, n)
}

func (e *causalEncoder) causalVersion(v *CausalVersion) {
	e.delta(&e.counter, v.Counter)
	e.position(v.Dot.Stream, v.Dot.N)
}

func (e *causalEncoder) vector(v Vector) {
	e.count(len(v))
	for i := range v {
		e.position(v[i].Stream, v[i].N)
	}
}

func (e *causalEncoder) context(c *Context) {
	e.count(len(c.Exact))
	for i := range c.Exact {
		e.fixed(c.Exact[i].Hash)
		e.causalVersion(&c.Exact[i].Version)
	}
	e.vector(c.Vector)
	e.viewIDs(c.CutRefs)
	e.delta(&e.ceil, c.Ceil)
}

func (e *causalEncoder) item(it *Item) {
	e.string(it.Key)
	e.causalVersion(&it.Version)
	e.bool(it.Deleted)
	e.bytes(it.Value)
	e.contentType(it.ContentType)
	e.context(&it.Deps)
	e.requestID(it.ID)
}

func (e *causalEncoder) items(list []Item) {
	e.count(len(list))
	for i := range list {
		e.item(&list[i])
	}
}

// itemIf writes an item only if it is there.
func (e *causalEncoder) itemIf(present bool, it *Item) {
	e.bool(present)
	if present {
		e.item(it)
	}
}

// slotRange writes where a range begins as the distance from the end of the last
// one.
func (e *causalEncoder) slotRange(end *uint64, r SlotRange) {
	e.delta(end, uint64(r.First))
	e.uvarint(uint64(r.Count))
	*end += uint64(r.Count)
}

func (e *causalEncoder) slotRanges(list []SlotRange) {
	e.count(len(list))
	end := uint64(0)
	for _, r := range list {
		e.slotRange(&end, r)
	}
}

func (e *causalEncoder) cursor(c *SlotCursor) {
	e.bool(c.Begun)
	e.fixed(c.Hash)
	e.string(c.Key)
}

// sums writes only a count for the sum of nothing, which is zero.
func (e *causalEncoder) sums(list []Sum) {
	e.count(len(list))
	for _, s := range list {
		e.uvarint(s.Count)
		if s.Count > 0 {
			e.fixed(s.Xor)
			e.fixed(s.Plus)
		}
	}
}

func (e *causalEncoder) groups(list []GroupSums) {
	e.count(len(list))
	for i := range list {
		e.uvarint(uint64(list[i].Group))
		e.sums(list[i].Sums)
	}
}

func (e *causalEncoder) holdings(h *Holdings) {
	e.count(len(h.Vectors))
	for _, v := range h.Vectors {
		e.vector(v)
	}
	e.count(len(h.Held))
	end := uint64(0)
	for i := range h.Held {
		s := &h.Held[i]
		e.slotRange(&end, s.Slots)
		e.uvarint(uint64(s.Vector))
		e.bool(s.Ready)
		e.uvarint(s.GCCounter)
	}
}

func (e *causalEncoder) gcCounters(list []SlotGCCounter) {
	e.count(len(list))
	for _, f := range list {
		e.uvarint(uint64(f.Slot))
		e.uvarint(f.GCCounter)
	}
}

func (e *causalEncoder) nodeBoots(list []NodeBoot) {
	e.count(len(list))
	for _, l := range list {
		e.uvarint(uint64(l.Node))
		e.fixed(uint64(l.Boot))
	}
}

func (e *causalEncoder) forgotten(list []Forgotten) {
	e.count(len(list))
	for _, f := range list {
		e.uvarint(uint64(f.Node))
		e.viewID(f.View)
	}
}

func (e *causalEncoder) knownViews(list []KnownView) {
	e.count(len(list))
	for i := range list {
		v := &list[i]
		e.viewID(v.ID)
		e.layout(&v.Layout)
		e.bool(v.HasStableCut)
		e.bool(v.Common)
		e.vector(v.StableCut)
	}
}
