package slots

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Durable reports that durable K of a slot has a position.
func (t *Table) Durable(s *Slot, stream wire.Stream, n uint64) bool {
	return s.known.At(stream) >= n || s.owned && t.streams.Durable(stream, n, s.ready)
}

// DurableOrPending reports that K of a slot has a position, or will have it when
// everything that is written is durable.
func (t *Table) DurableOrPending(s *Slot, stream wire.Stream, n uint64) bool {
	return t.Durable(s, stream, n) || s.pending.At(stream) >= n || s.Live() && t.streams.Got(stream, n)
}

// Satisfied reports that no request need wait for a position in a slot: durable K has it,
// or it is lost there.
func (t *Table) Satisfied(s *Slot, stream wire.Stream, n uint64) bool {
	return t.Durable(s, stream, n) || s.lost.At(stream) >= n || s.inquired && t.ended(stream)
}

// IsLost reports that a version of a key whose slot is owned is lost: no request waits
// for it, and K does not have it.
func (t *Table) IsLost(hash uint64, v wire.CausalVersion) bool {
	s := t.Of(hash)
	return s.owned && t.Satisfied(s, v.Dot.Stream, v.Dot.N) && !t.Durable(s, v.Dot.Stream, v.Dot.N)
}

// BeginInquiry forgets what is lost: there are nodes that were not asked yet.
func (t *Table) BeginInquiry() {
	for i := range t.slots {
		t.slots[i].inquired, t.slots[i].lost = false, nil
	}
}

// EndInquiry notes that every node was asked for what ended boots have left. In owned
// slots the positions of a vector that are not here are lost as well.
func (t *Table) EndInquiry(lost wire.Vector) {
	j := &version.Joiner{}
	for i := range t.slots {
		if s := &t.slots[i]; s.owned {
			s.inquired = true
			s.lost = j.Join(s.lost, lost)
		}
	}
}

// vector is K of a slot as others are told, when everything that is written is durable.
func (t *Table) vector(s *Slot, j *version.Joiner) wire.Vector {
	if !s.owned {
		return s.known
	}
	return j.Join(s.known, t.streams.Vector(s.ready))
}

// Holdings are K and GC counters of those of some slots that are held, as others are
// told, when everything that is written is durable.
func (t *Table) Holdings(list []wire.SlotRange) wire.Holdings {
	j := &version.Joiner{}
	var w Writer
	for at := range Each(list) {
		if s := &t.slots[at]; s.held {
			w.Add(at, t.vector(s, j), s.ready, s.gcCounter)
		}
	}
	return w.Holdings
}

// Heard has all positions that are known of here, of whichever slot.
func (t *Table) Heard() wire.Vector {
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

// Least is the least position of a stream in durable K of the slots for which tracks
// count. It does not look further than to a position that is not above most; false:
// tracks count for no slot.
func (t *Table) Least(stream wire.Stream, most uint64) (least uint64, live bool) {
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

// EndStreams moves what the streams of this view count for into K of each slot: the view
// ends. Items that were kept aside are not known, and dropped: an exchange brings them.
func (t *Table) EndStreams() {
	j := &version.Joiner{}
	for i := range t.slots {
		s := &t.slots[i]
		if s.held {
			s.known = t.vector(s, j)
		}
		s.aside, s.merging, s.unmerged = nil, nil, 0
	}
	t.asideBytes = 0
}

// Grow notes that K and the GC counter of a slot are to grow. known must have all of K.
// The GC counter counts at once, since items below it may go in this step.
func (t *Table) Grow(at hashing.Slot, known wire.Vector, gcCounter uint64, ready bool) {
	s := &t.slots[at]
	s.gcCounter = max(s.gcCounter, gcCounter)
	s.pending = version.Join(s.pending, known)
	t.growing = append(t.growing, growth{at, s.released, known, s.gcCounter, ready})
}

// Absorb notes that K of a slot is to grow by a vector, if that says anything new. All
// that the vector means must be written. ready says that the vector's node is ready for
// the slot, and has everything. It reports false if K would get more than most
// positions. Then only the GC counter grows.
func (t *Table) Absorb(at hashing.Slot, theirs wire.Vector, gcCounter uint64, ready bool, most int, j *version.Joiner) bool {
	s := &t.slots[at]
	v := j.Join(s.known, theirs)
	if len(v) > most {
		if gcCounter > s.gcCounter {
			t.Grow(at, s.known, gcCounter, false) // writes here must be above what was collected there, whatever K says
		}
		return false
	}
	ready = ready && s.owned && !s.ready
	if ready || gcCounter > s.gcCounter || !version.Same(v, s.known) && !slices.Equal(v, s.known) {
		t.Grow(at, v, gcCounter, ready)
	}
	return true
}

// Growth is what Grow has noted since it was taken last.
type Growth struct {
	list     []growth
	Holdings wire.Holdings // to be written
}

// TakeGrowth returns what Grow has noted; nil: nothing. When its holdings are durable,
// with everything that was written before, Apply lets it count (I15).
func (t *Table) TakeGrowth() *Growth {
	if len(t.growing) == 0 {
		return nil
	}
	g := &Growth{list: t.growing}
	t.growing = nil
	slices.SortFunc(g.list, func(a, b growth) int { return int(a.at) - int(b.at) })
	var w Writer
	for _, l := range g.list {
		w.Add(l.at, l.known, l.ready || t.slots[l.at].ready, l.gcCounter)
	}
	g.Holdings = w.Holdings
	return g
}

// Apply lets K grow, slot after slot, except where the slot was released meanwhile. It
// calls ready for each slot that need wait for no other node any more.
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
