package forward

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Fate says what a receiver knows of a forwarded write (docs/forwarding.md §3).
type Fate uint8

// The fates.
const (
	New      Fate = iota // not carried out here, as far as is known: carry the write out
	Done                 // carried out, and the result is kept: answer with the result
	Finished             // below the lowest open counter: do not carry the write out
)

// Table is what a receiver knows of forwarded writes (docs/forwarding.md §3). A write that was
// carried out is Done or Finished from then on, and never New again: that is I11 at one
// receiver. The one exception is the bound on forwarders.
//
// Bounds: beyond mostResults, the forwarder with the most results loses them, and its writes up
// to the newest of these count as finished. Beyond mostForwarders, the forwarder that was used
// least recently is forgotten, and a repetition of its writes is New.
type Table[R any] struct {
	mostResults    int
	mostForwarders int
	forwarders     map[wire.NodeBoot]*results[R] // a forwarder is a node in one boot
	kept           int                           // results of all forwarders; at most mostResults
	uses           uint64                        // counts the uses of forwarders; a logical clock
}

// results are the results of one forwarder.
type results[R any] struct {
	lowest  uint64       // the lowest open counter that was heard, or more for want of room; never falls
	highest uint64       // the highest counter whose result was ever kept
	kept    map[uint64]R // by counter, each from lowest to highest
	usedAt  uint64       // Table.uses at the last use; no two forwarders have the same
}

// NewTable returns an empty table. A bound below 1 counts as 1.
func NewTable[R any](mostResults, mostForwarders int) *Table[R] {
	return &Table[R]{
		mostResults: max(mostResults, 1), mostForwarders: max(mostForwarders, 1),
		forwarders: map[wire.NodeBoot]*results[R]{},
	}
}

// Len is how many results are kept.
func (t *Table[R]) Len() int { return t.kept }

// Heard takes in the lowest open counter of a forwarder, and drops the results below. A lower
// counter than before comes from a late message and changes nothing.
func (t *Table[R]) Heard(f wire.NodeBoot, lowestOpen uint64) { t.raise(t.of(f), lowestOpen) }

// Find says what is known of a write, and its result if that is Done.
func (t *Table[R]) Find(id ids.Request) (result R, fate Fate) {
	s := t.forwarders[wire.NodeBoot{Node: id.Node, Boot: id.Boot}]
	switch {
	case s == nil:
		return result, New
	case id.Counter < s.lowest:
		return result, Finished
	}
	result, done := s.kept[id.Counter]
	if !done {
		return result, New
	}
	return result, Done
}

// Keep keeps the result of a write, unless the write is finished. If there was no room, Keep
// reports full, and which forwarder lost its results: clients of that forwarder may be
// answered *unknown*.
func (t *Table[R]) Keep(id ids.Request, result R) (lost wire.NodeBoot, full bool) {
	s := t.of(wire.NodeBoot{Node: id.Node, Boot: id.Boot})
	if id.Counter < s.lowest {
		return lost, false
	}
	if _, again := s.kept[id.Counter]; !again {
		if t.kept >= t.mostResults {
			lost, full = t.finishLargest(), true
		}
		if id.Counter < s.lowest {
			return lost, full // this very forwarder lost its results
		}
		t.kept++
	}
	s.kept[id.Counter], s.highest = result, max(s.highest, id.Counter)
	return lost, full
}

// Lowest is the counter below which all writes of a forwarder are finished.
func (t *Table[R]) Lowest(f wire.NodeBoot) uint64 {
	if s := t.forwarders[f]; s != nil {
		return s.lowest
	}
	return 0
}

// Forwarders lists the forwarders, the least recently used one first.
func (t *Table[R]) Forwarders() []wire.NodeBoot {
	return slices.SortedFunc(maps.Keys(t.forwarders), func(a, b wire.NodeBoot) int {
		return cmp.Compare(t.forwarders[a].usedAt, t.forwarders[b].usedAt)
	})
}

// Results lists the results that are kept of a forwarder, ascending by counter.
func (t *Table[R]) Results(f wire.NodeBoot) (list []R) {
	if s := t.forwarders[f]; s != nil {
		for _, n := range slices.Sorted(maps.Keys(s.kept)) {
			list = append(list, s.kept[n])
		}
	}
	return list
}

// Forget drops the forwarders whose boots have ended, and lists them in ascending order. The
// table does not remember them: the caller must refuse their writes from then on
// (docs/forwarding.md §3, rule 8).
func (t *Table[R]) Forget(ended func(node ids.Node, boot ids.Boot) bool) (forgotten []wire.NodeBoot) {
	for f, s := range t.forwarders { //maporder:ok put in order below
		if ended(f.Node, f.Boot) {
			t.drop(f, s)
			forgotten = append(forgotten, f)
		}
	}
	slices.SortFunc(forgotten, func(a, b wire.NodeBoot) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Boot, b.Boot))
	})
	return forgotten
}

// of is what is known of a forwarder, as used now. For a new forwarder beyond the bound the
// one that was used least recently goes.
func (t *Table[R]) of(f wire.NodeBoot) *results[R] {
	s := t.forwarders[f]
	if s == nil {
		if len(t.forwarders) >= t.mostForwarders {
			oldest := t.first(func(a, b *results[R]) int { return cmp.Compare(a.usedAt, b.usedAt) })
			t.drop(oldest, t.forwarders[oldest])
		}
		s = &results[R]{kept: map[uint64]R{}}
		t.forwarders[f] = s
	}
	t.uses++
	s.usedAt = t.uses
	return s
}

// drop forgets a forwarder with its results.
func (t *Table[R]) drop(f wire.NodeBoot, s *results[R]) {
	t.kept -= len(s.kept)
	delete(t.forwarders, f)
}

// raise raises the lowest open counter and drops the results below, in time proportional to
// the smaller of the results and the counters that are passed.
func (t *Table[R]) raise(s *results[R], lowest uint64) {
	if lowest <= s.lowest {
		return
	}
	before := len(s.kept)
	switch {
	case lowest > s.highest:
		clear(s.kept)
	case lowest-s.lowest <= uint64(before):
		for n := s.lowest; n < lowest; n++ {
			delete(s.kept, n)
		}
	default:
		for n := range s.kept { //maporder:ok each is looked at by itself
			if n < lowest {
				delete(s.kept, n)
			}
		}
	}
	s.lowest = lowest
	t.kept -= before - len(s.kept)
}

// finishLargest makes room: the writes of the forwarder with the most results count as finished
// up to its newest result. To forget the results alone would let repetitions be carried out
// again (mutant CausalForgetWithoutRoom).
func (t *Table[R]) finishLargest() wire.NodeBoot {
	f := t.first(func(a, b *results[R]) int {
		return cmp.Or(cmp.Compare(len(b.kept), len(a.kept)), cmp.Compare(a.usedAt, b.usedAt))
	})
	s := t.forwarders[f]
	t.raise(s, s.highest+1)
	return f
}

// first is the forwarder that comes first in an order without ties. Ties would make the
// outcome depend on the order of a map.
func (t *Table[R]) first(compare func(a, b *results[R]) int) (first wire.NodeBoot) {
	var best *results[R]
	for f, s := range t.forwarders { //maporder:ok the order has no ties
		if best == nil || compare(s, best) < 0 {
			first, best = f, s
		}
	}
	return first
}
