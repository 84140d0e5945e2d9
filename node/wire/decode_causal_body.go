package wire

import (
	"math"

	"github.com/cohortkv/cohort/node/ids"
)

// The fewest bytes that an element of a list can take, as in decode_body.go.
const (
	leastPosition   = 1 + 1
	leastDependency = 8 + 1 + leastPosition
	leastContext    = 1 + 1 + 1 + 1
	leastItem       = leastKey + 1 + leastPosition + 1 + 1 + leastRef + leastContext + leastRef + 1
	leastSlots      = 1 + 1
	leastSum        = 1
	leastGroup      = 1 + 1
	leastHeld       = leastSlots + 1 + 1 + 1
	leastKnownView  = leastRef + 1 + 1 + 1 + 1 + 1
	leastNodeBoot   = 1 + 8
	leastGCCounter  = 1 + 1
	leastForgotten  = 1 + leastRef
)

func (d *causalDecoder) position() (Stream, uint64) {
	var at *Position
	if ref := d.enum("reference", 0, streamSlots); ref != 0 {
		at = d.streams.get(ref)
	} else {
		s := Stream{View: d.viewID()}
		o := d.origin()
		s.Node, s.Boot = o.Node, o.Boot
		at = d.streams.add(s)
	}
	return at.Stream, d.withRoom(d.delta(&at.N))
}

func (d *causalDecoder) causalVersion(v *CausalVersion) {
	v.Counter = d.withRoom(d.delta(&d.counter))
	v.Dot.Stream, v.Dot.N = d.position()
}

func (d *causalDecoder) vector() Vector {
	v := list[Position](d.decoder, "positions", leastPosition)
	for i := range v {
		v[i].Stream, v[i].N = d.position()
	}
	return v
}

func (d *causalDecoder) context() Context {
	exact := list[Dependency](d.decoder, "dependencies", leastDependency)
	for i := range exact {
		exact[i].Hash = d.fixed()
		d.causalVersion(&exact[i].Version)
	}
	return Context{
		Exact:   exact,
		Vector:  d.vector(),
		CutRefs: d.viewIDs(),
		Ceil:    d.withRoom(d.delta(&d.ceil)),
	}
}

// item fills an Item in its place: it is large.
func (d *causalDecoder) item(it *Item) {
	it.Key = d.key()
	d.causalVersion(&it.Version)
	it.Deleted = d.bool()
	it.Value = d.bytes()
	it.ContentType = d.contentType()
	it.Deps = d.context()
	it.ID = d.requestID()
}

func (d *causalDecoder) items() []Item {
	items := list[Item](d.decoder, "items", leastItem)
	for i := range items {
		d.item(&items[i])
	}
	return items
}

func (d *causalDecoder) itemIf(it *Item) (present bool) {
	present = d.bool()
	if present {
		d.item(it)
	}
	return present
}

// narrow refuses what a field of 32 bits cannot hold.
func (d *causalDecoder) narrow(v uint64) uint32 {
	if v > math.MaxUint32 {
		d.fail("%d is more than 32 bits hold", v)
		return 0
	}
	return uint32(v)
}

func (d *causalDecoder) slotRange(end *uint64) SlotRange {
	r := SlotRange{
		First: d.narrow(d.delta(end)),
		Count: d.narrow(d.uvarint()),
	}
	*end += uint64(r.Count)
	return r
}

func (d *causalDecoder) slotRanges() []SlotRange {
	ranges := list[SlotRange](d.decoder, "ranges of slots", leastSlots)
	end := uint64(0)
	for i := range ranges {
		ranges[i] = d.slotRange(&end)
	}
	return ranges
}

func (d *causalDecoder) cursor() SlotCursor {
	return SlotCursor{
		Begun: d.bool(),
		Hash:  d.fixed(),
		Key:   d.string(),
	}
}

func (d *causalDecoder) sums() []Sum {
	sums := list[Sum](d.decoder, "sums", leastSum)
	for i := range sums {
		if sums[i].Count = d.uvarint(); sums[i].Count > 0 {
			sums[i].Xor = d.fixed()
			sums[i].Plus = d.fixed()
		}
	}
	return sums
}

func (d *causalDecoder) groups() []GroupSums {
	groups := list[GroupSums](d.decoder, "groups", leastGroup)
	for i := range groups {
		groups[i] = GroupSums{
			Group: d.narrow(d.uvarint()),
			Sums:  d.sums(),
		}
	}
	return groups
}

func (d *causalDecoder) holdings() Holdings {
	h := Holdings{Vectors: list[Vector](d.decoder, "vectors", 1)}
	for i := range h.Vectors {
		h.Vectors[i] = d.vector()
	}
	h.Held = list[HeldSlots](d.decoder, "held ranges", leastHeld)
	end := uint64(0)
	for i := range h.Held {
		h.Held[i] = HeldSlots{
			Slots:     d.slotRange(&end),
			Vector:    d.narrow(d.uvarint()),
			Ready:     d.bool(),
			GCCounter: d.ordinal(),
		}
	}
	return h
}

func (d *causalDecoder) gcCounters() []SlotGCCounter {
	counters := list[SlotGCCounter](d.decoder, "GC counters", leastGCCounter)
	for i := range counters {
		counters[i] = SlotGCCounter{Slot: d.narrow(d.uvarint()), GCCounter: d.ordinal()}
	}
	return counters
}

func (d *causalDecoder) nodeBoots() []NodeBoot {
	boots := list[NodeBoot](d.decoder, "boots", leastNodeBoot)
	for i := range boots {
		boots[i] = NodeBoot{Node: ids.Node(d.uvarint()), Boot: ids.Boot(d.fixed())}
	}
	return boots
}

func (d *causalDecoder) forgotten() []Forgotten {
	nodes := list[Forgotten](d.decoder, "forgotten nodes", leastForgotten)
	for i := range nodes {
		nodes[i] = Forgotten{Node: ids.Node(d.uvarint()), View: d.viewID()}
	}
	return nodes
}

func (d *causalDecoder) knownViews() []KnownView {
	views := list[KnownView](d.decoder, "known views", leastKnownView)
	for i := range views {
		views[i] = KnownView{
			ID:           d.viewID(),
			Layout:       d.layout(),
			HasStableCut: d.bool(),
			Common:       d.bool(),
			StableCut:    d.vector(),
		}
	}
	return views
}
