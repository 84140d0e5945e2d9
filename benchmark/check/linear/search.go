package linear

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// config is one possible state at a cut: the value of the key (0: absent), and the
// set of open operations that have taken effect, as bits. The bit of an optional
// operation says only that it may have taken effect. A configuration in which fewer
// optional operations may have taken effect therefore allows everything that one
// with more of them allows.
type config struct {
	value history.Value
	done  uint64
}

// frontier is everything that a cut hands on to the next slice.
type frontier struct {
	cut     int64    // time of the cut, as in history.Op
	open    []*item  // begun before the cut, and may take effect behind it; at most maxOpen
	configs []config // all that are possible; config.done refers to open. Empty: no order exists
}

// Bounds of one slice. A slice with more open operations, or with more questions to
// Porcupine, is given up as too hard.
const (
	maxOpen = 16
	maxRuns = 4096
)

// slice is the question which configurations follow from those of a frontier after
// some operations.
type slice struct {
	from   *frontier // where the slice begins
	closed []*item   // have taken effect at the end of the slice: before it or in it
	carry  []uint64  // bit of from.open[i] in open; 0: none
	open   []*item   // open at the end of the slice; with more than maxOpen it is given up
	forced uint64    // bits of open operations that are not optional
	cut    int64     // time of the end of the slice
	runs   int       // questions put to Porcupine so far; beyond maxRuns the slice is given up
}

// advance returns the frontier at cut, given the operations that start before it.
// ok is false, and the frontier empty, if that was too much work. At the last cut,
// one configuration stands for all: the only question left is whether there is any
// order.
func (f *frontier) advance(fresh []*item, cut int64) (next frontier, ok bool) {
	s := f.slice(fresh, cut)
	if len(s.open) > maxOpen {
		return frontier{}, false
	}
	next = frontier{cut: cut, open: s.open}
	if cut == never {
		all := uint64(1)<<len(s.open) - 1
		yes, ok := s.reaches(nil, all)
		if yes && ok {
			next.configs = []config{{}}
		}
		return next, ok
	}
	for forced := s.forced; ; forced = (forced - 1) & s.forced {
		for _, value := range s.finals(forced) {
			sets, ok := s.leastSets(value, forced)
			if !ok {
				return frontier{}, false
			}
			for _, set := range sets {
				next.configs = append(next.configs, config{value, set})
			}
		}
		if forced == 0 {
			return next, true
		}
	}
}

func (f *frontier) slice(fresh []*item, cut int64) *slice {
	s := &slice{from: f, cut: cut, carry: make([]uint64, len(f.open))}
	place := func(it *item) uint64 {
		if !it.optional && it.end < cut {
			s.closed = append(s.closed, it)
			return 0
		}
		bit := uint64(1) << len(s.open)
		s.open = append(s.open, it)
		if !it.optional {
			s.forced |= bit
		}
		return bit
	}
	for i, it := range f.open {
		s.carry[i] = place(it)
	}
	for _, it := range fresh {
		place(it)
	}
	return s
}

// leastSets finds the smallest sets of open operations with which the slice can end
// in value. Each set has all of forced, and any of the optional ones.
func (s *slice) leastSets(value history.Value, forced uint64) (least []uint64, ok bool) {
	optional := (uint64(1)<<len(s.open) - 1) &^ s.forced
	if optional != 0 {
		if yes, ok := s.reaches(&value, forced|optional); !ok || !yes {
			return nil, ok
		}
	}
	for _, set := range subsets(optional) {
		covers := func(l uint64) bool { return l&^forced&^set == 0 }
		if slices.ContainsFunc(least, covers) {
			continue
		}
		yes, ok := s.reaches(&value, forced|set)
		if !ok {
			return nil, false
		}
		if yes {
			least = append(least, forced|set)
		}
	}
	return least, true
}

// subsets lists the subsets of a set of bits, smaller ones first.
func subsets(set uint64) []uint64 {
	var all []uint64
	for sub := set; ; sub = (sub - 1) & set {
		all = append(all, sub)
		if sub == 0 {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b uint64) int { return cmp.Compare(bits.OnesCount64(a), bits.OnesCount64(b)) })
	return all
}

// reaches asks Porcupine whether the slice, begun in a configuration of its
// frontier, can end with the given value (nil: any). Before the cut, all operations
// in done that are not optional take effect, and at most those optional ones that
// are in done.
func (s *slice) reaches(value *history.Value, done uint64) (yes, ok bool) {
	for _, c := range s.from.configs {
		before, again := uint64(0), map[*item]bool{}
		for i, it := range s.from.open {
			if c.done&(1<<i) != 0 {
				before |= s.carry[i]
				again[it] = true
			}
		}
		if before&^done != 0 {
			continue // an operation that has taken effect stays so
		}
		if s.runs++; s.runs > maxRuns {
			return false, false
		}
		q := question{initial: c.value, final: value, cut: s.cut}
		for _, it := range s.closed {
			if !again[it] {
				q.items = append(q.items, it)
			}
		}
		for i, it := range s.open {
			if done&^before&(1<<i) != 0 {
				q.items = append(q.items, it)
			}
		}
		if yes, ok := q.ask(); yes || !ok {
			return yes, ok
		}
	}
	return false, true
}

// finals lists the values that the key may have at the cut. It leaves out only
// values that are impossible, or not needed:
//
//  1. A value v is past if an operation that found or left another value began
//     after every operation that could have left v had ended.
//  2. The value of a put with unknown outcome that no operation read is not
//     needed. The put may as well take effect just after the cut, and the
//     configuration without it allows everything that the one with it allows.
func (s *slice) finals(forced uint64) []history.Value {
	var f finalists
	for _, c := range s.from.configs {
		f.leave(c.value, s.from.cut)
	}
	for _, it := range s.closed {
		f.observe(it, it.end)
	}
	for i, it := range s.open {
		switch {
		case it.optional && it.op.Kind == history.Delete:
			f.leave(0, math.MaxInt64)
		case forced&(1<<i) != 0:
			f.observe(it, s.cut)
		}
	}
	return f.remaining()
}

// left is the state of the key just after the operation.
func (it *item) left() history.Value { return left(it.op) }

// finalists gathers, for each value, the last moment at which it may have been
// written. It also has the latest starts of operations that saw two different
// values.
type finalists struct {
	values []history.Value
	last   []int64
	seen   [2]sighting // seen[0] started last; seen[1] started last of the operations with another value
}

// sighting is an operation that saw or left a value.
type sighting struct {
	value history.Value
	start int64
	any   bool
}

func (f *finalists) leave(v history.Value, end int64) {
	i := slices.Index(f.values, v)
	if i < 0 {
		f.values, f.last = append(f.values, v), append(f.last, end)
		return
	}
	f.last[i] = max(f.last[i], end)
}

func (f *finalists) observe(it *item, end int64) {
	if it.op.Write() {
		f.leave(it.left(), end)
	}
	v, start := it.left(), it.op.Start
	top, second := &f.seen[0], &f.seen[1]
	switch {
	case !top.any:
		*top = sighting{v, start, true}
	case top.value == v:
		top.start = max(start, top.start)
	case start > top.start:
		*second, *top = *top, sighting{v, start, true}
	case !second.any || start > second.start:
		*second = sighting{v, start, true}
	}
}

func (f *finalists) remaining() []history.Value {
	var vs []history.Value
	for i, v := range f.values {
		other := f.seen[0]
		if other.any && other.value == v {
			other = f.seen[1]
		}
		if !other.any || other.start <= f.last[i] {
			vs = append(vs, v)
		}
	}
	return vs
}
