package slots

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Durable reports that durable K of a slot has a position (I15). For the streams of this view
// the position of the stream stands for the slot.
func (t *Table) Durable(s *Slot, stream wire.Stream, n uint64) bool {
	return s.known.At(stream) >= n || s.owned && t.streams.Durable(stream, n, s.ready)
}

// DurableOrPending reports that K of a slot has a position, or will have it when all writes so
// far are durable. A merge must not take an item whose dot this covers and that is not here.
func (t *Table) DurableOrPending(s *Slot, stream wire.Stream, n uint64) bool {
	return t.Durable(s, stream, n) || s.pending.At(stream) >= n || s.Live() && t.streams.Got(stream, n)
}

// Satisfied reports that no request need wait for a position in a slot: durable K has the
// position, or it is lost in the slot. A lost position is never a reason to refuse an item.
func (t *Table) Satisfied(s *Slot, stream wire.Stream, n uint64) bool {
	return t.Durable(s, stream, n) || s.lost.At(stream) >= n || s.inquired && t.ended(stream)
}

// IsLost reports that a version of a key is lost: its slot is owned, no request waits for its
// dot there, and durable K lacks the dot.
func (t *Table) IsLost(hash uint64, v wire.CausalVersion) bool {
	s := t.Of(hash)
	return s.owned && t.Satisfied(s, v.Dot.Stream, v.Dot.N) && !t.Durable(s, v.Dot.Stream, v.Dot.N)
}

// BeginInquiry forgets in all slots what is lost: some node was not asked yet and may bring
// it (docs/causal.md §10, rule 16).
func (t *Table) BeginInquiry() {
	for i := range t.slots {
		t.slots[i].inquired, t.slots[i].lost = false, nil
	}
}

// EndInquiry notes that every peer has answered an inquiry. In each owned slot the streams of
// ended boots are lost beyond K, and so is what K lacks of the positions of a vector.
func (t *Table) EndInquiry(lost wire.Vector) {
	j := &version.Joiner{}
	for i := range t.slots {
		if s := &t.slots[i]; s.owned {
			s.inquired = true
			s.lost = j.Join(s.lost, lost)
		}
	}
}

// vector is K of a slot with the streams of this view, as it is when all writes so far are
// durable.
func (t *Table) vector(s *Slot, j *version.Joiner) wire.Vector {
	if !s.owned {
		return s.known
	}
	return j.Join(s.known, t.streams.Vector(s.ready))
}

// Holdings are K, readiness and GC counters of the held slots of a list, as they are when all
// writes so far are durable. The caller sends them only then. sameView says that they are for a
// node of the same view.
func (t *Table) Holdings(list []wire.SlotRange, sameView bool) wire.Holdings {
	j := &version.Joiner{}
	var w Writer
	for at := range Each(list) {
		if s := &t.slots[at]; s.held {
			w.Add(at, t.vector(s, j), s.ReadyFor(sameView), s.gcCounter)
		}
	}
	return w.Holdings
}

// Heard is the join of K of all held slots: positions that exist, as far as this node knows. It
// says nothing of what is here in any one slot.
func Heard(t *Table) wire.Vector {
	var heard, last wire.Vector
	for i := range t.slots {
		if s := &t.slots[i]; s.held && !version.Same(s.known, last) { // neighbours are mostly alike
			last = s.known
			heard = version.Join(heard, last)
		}
	}
	if t.owned > 0 {
		heard = version.Join(heard, t.streams.Vector(t.unready < t.owned))
	}
	return heard
}

// Least is the least position of a stream in durable K of the slots for which tracks count. The
// search ends at the first position that is not above most. live is false if tracks count for
// no slot.
func Least(t *Table, stream wire.Stream, most uint64) (least uint64, live bool) {
	least = ^uint64(0)
	for i := range t.slots {
		if s := &t.slots[i]; s.Live() {
			live = true
			if least = min(least, s.known.At(stream)); least <= most {
				break
			}
		}
	}
	return least, live
}

// EndStreams moves the positions of this view's streams into K of each slot for which they
// count, because the view ends. Items that were kept aside are dropped: K does not cover them,
// so an exchange brings them.
func (t *Table) EndStreams() {
	t.Fold(t.streams.Vector(false), t.streams.Vector(true))
	for i := range t.slots {
		s := &t.slots[i]
		s.aside, s.merging, s.unmerged = nil, nil, 0
	}
	t.asideBytes = 0
}

// Fold moves positions of streams into K of each owned slot: all of them if the slot is ready, and
// own otherwise.
func (t *Table) Fold(own, all wire.Vector) {
	j := &version.Joiner{}
	for i := range t.slots {
		s := &t.slots[i]
		switch {
		case s.Live():
			s.known = j.Join(s.known, all)
		case s.owned:
			s.known = j.Join(s.known, own)
		}
		if s.held {
			t.noteUnwritten(hashing.Slot(i))
		}
	}
}

// Recover holds slots as the log has them. No slot is held yet. Assign, with keepReady, says which
// of them are owned, and Fold adds the positions of streams. Readiness is as in the present view,
// so Assign must not drop that of slots held for others: until then all count as owned.
func (t *Table) Recover(h *wire.Holdings) {
	for _, run := range h.Held {
		for at := range Each([]wire.SlotRange{run.Slots}) {
			t.Hold(at)
			s := &t.slots[at]
			s.known, s.owned, s.ready, s.gcCounter = h.Vectors[run.Vector], true, run.Ready, run.GCCounter
			t.changed(s)
		}
	}
}

// RecoverItem accounts for an item that the log has, and returns its slot. If K of the slot is not
// in the log, the slot is held with an empty K.
func (t *Table) RecoverItem(hash uint64, item *wire.Item) hashing.Slot {
	at := t.space.Slot(hash)
	t.Hold(at)
	t.Put(hash, item, nil, 0)
	return at
}

// Grow notes pending knowledge: K of a slot is to become known, which must cover the present K.
// ready says that the slot need wait for no other node then. The GC counter grows at once, since
// items below it may be removed in this step, and writes must be above them (I13).
func (t *Table) Grow(at hashing.Slot, known wire.Vector, gcCounter uint64, ready bool) {
	s := &t.slots[at]
	s.gcCounter = max(s.gcCounter, gcCounter)
	s.pending = version.Join(s.pending, known)
	t.noteUnwritten(at)
	t.growing = append(t.growing, growth{at, s.released, known, s.gcCounter, ready})
}

// Absorb notes that K of a slot is to grow by a peer's K, if that is news. The caller has
// persisted, or will persist before, every item that the peer's K covers (I15). ready says that
// the peer is a ready holder that lacks nothing. Absorb reports false if K would get more than
// most positions; then only the GC counter grows (docs/causal.md §12, rule 7).
func (t *Table) Absorb(at hashing.Slot, theirs wire.Vector, gcCounter uint64, ready bool, most int, j *version.Joiner) bool {
	s := &t.slots[at]
	v := j.Join(s.known, theirs)
	if len(v) > most {
		if gcCounter > s.gcCounter {
			t.Grow(at, s.known, gcCounter, false) // a write must be above what the peer has collected, even if K does not grow
		}
		return false
	}
	ready = ready && s.owned && !s.ready
	if ready || gcCounter > s.gcCounter || !version.Same(v, s.known) && !slices.Equal(v, s.known) {
		t.Grow(at, v, gcCounter, ready)
	}
	return true
}

// noteUnwritten notes that K, readiness or the GC counter of a slot has changed.
func (t *Table) noteUnwritten(at hashing.Slot) {
	if s := &t.slots[at]; !s.unwritten {
		s.unwritten = true
		t.unwritten = append(t.unwritten, at)
	}
}

// TakeUnwritten takes the holdings of the slots that have changed since it was called last; nil:
// none have. K has the pending knowledge and not the streams of this view. The caller persists
// the holdings in the write that has the changes of the same step, so never before the items that
// K covers (I15). Slots become ready later than their K grows: readiness lets the tracks count,
// and they cover items that are still kept aside then.
func (t *Table) TakeUnwritten() *wire.Holdings {
	if len(t.unwritten) == 0 {
		return nil
	}
	slices.Sort(t.unwritten)
	var w Writer
	j := &version.Joiner{}
	for _, at := range slices.Compact(t.unwritten) {
		s := &t.slots[at]
		s.unwritten = false
		if s.held {
			w.Add(at, j.Join(s.known, s.pending), s.ready, s.gcCounter)
		}
	}
	t.unwritten = nil
	return &w.Holdings
}

// Growth is pending knowledge that is taken to be persisted.
type Growth struct{ list []growth }

// TakeGrowth takes what Grow has noted; nil: nothing. The caller calls Apply when the holdings of
// TakeUnwritten are durable (I15).
func (t *Table) TakeGrowth() *Growth {
	if len(t.growing) == 0 {
		return nil
	}
	g := &Growth{list: t.growing}
	t.growing = nil
	slices.SortFunc(g.list, func(a, b growth) int { return int(a.at) - int(b.at) })
	return g
}

// Apply raises durable K of each slot, except where the slot was released meanwhile. It calls
// ready for each slot that need wait for no other node any more.
func (t *Table) Apply(g *Growth, ready func(hashing.Slot)) {
	j := &version.Joiner{}
	for _, l := range g.list {
		s := &t.slots[l.at]
		if !s.held || s.released != l.released {
			continue
		}
		s.known = j.Join(s.known, l.known)
		t.changed(s)
		if l.ready {
			ready(l.at)
		}
	}
}
