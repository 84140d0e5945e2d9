package forward

import (
	"cmp"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Fate says what a receiver knows of a request.
type Fate uint8

// The fates.
const (
	New      Fate = iota // it was not carried out here
	Done                 // it was carried out, and its result is kept
	Finished             // its forwarder waits for no result any more: it must not be carried out
)

// Table is what a receiver knows of other nodes' requests (docs/forwarding.md §3).
//
// Bounds: a forwarder, which is a node in one boot, has results from its lowest open number
// to its newest one. Beyond the bound on all results, the forwarder with the most of them
// counts as finished with these. Beyond the bound on forwarders, the one that was used least
// recently is forgotten.
type Table[R any] struct {
	mostResults    int
	mostForwarders int
	forwarders     map[wire.NodeBoot]*results[R]
	kept           int    // results of all forwarders
	uses           uint64 // grows with each use of a forwarder
}

// results are those of one forwarder.
type results[R any] struct {
	lowest  uint64       // requests below are finished
	highest uint64       // that was ever kept
	kept    map[uint64]R // none below lowest
	usedAt  uint64       // value of uses; no two forwarders have the same
}

// NewTable returns an empty table. Both bounds are at least 1.
func NewTable[R any](mostResults, mostForwarders int) *Table[R] {
	return &Table[R]{
		mostResults: max(mostResults, 1), mostForwarders: max(mostForwarders, 1),
		forwarders: map[wire.NodeBoot]*results[R]{},
	}
}

// Len is how many results are kept.
func (t *Table[R]) Len() int { return t.kept }

// Heard takes in that a forwarder has finished with all requests below its lowest open one.
// What is heard late and is lower changes nothing.
func (t *Table[R]) Heard(f wire.NodeBoot, lowestOpen uint64) { t.raise(t.of(f), lowestOpen) }

// Find says what is known of a request.
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

// Keep keeps the result of a request, unless the request is finished. If there was no room,
// it says which forwarder lost its results.
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
			return lost, full // it was this forwarder
		}
		t.kept++
	}
	s.kept[id.Counter], s.highest = result, max(s.highest, id.Counter)
	return lost, full
}

// Forget drops the forwarders that a caller knows to have ended. The caller must refuse
// their requests from then on.
func (t *Table[R]) Forget(ended func(node ids.Node, boot ids.Boot) bool) {
	for f, s := range t.forwarders { //maporder:ok each is looked at by itself
		if ended(f.Node, f.Boot) {
			t.drop(f, s)
		}
	}
}

// of is what is known of a forwarder. It makes room if the forwarder is new.
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

func (t *Table[R]) drop(f wire.NodeBoot, s *results[R]) {
	t.kept -= len(s.kept)
	delete(t.forwarders, f)
}

// raise drops the results below a number.
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

// finishLargest makes room: the forwarder with the most results counts as finished with all
// of them.
func (t *Table[R]) finishLargest() wire.NodeBoot {
	f := t.first(func(a, b *results[R]) int {
		return cmp.Or(cmp.Compare(len(b.kept), len(a.kept)), cmp.Compare(a.usedAt, b.usedAt))
	})
	s := t.forwarders[f]
	if mutant.On(mutant.CausalForgetWithoutRoom) {
		t.kept -= len(s.kept)
		clear(s.kept)
		return f
	}
	t.raise(s, s.highest+1)
	return f
}

// first is the forwarder that comes first in an order without ties.
func (t *Table[R]) first(compare func(a, b *results[R]) int) (first wire.NodeBoot) {
	var best *results[R]
	for f, s := range t.forwarders { //maporder:ok the order has no ties
		if best == nil || compare(s, best) < 0 {
			first, best = f, s
		}
	}
	return first
}
