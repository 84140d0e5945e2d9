package linear

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cohortkv/cohort/benchmark/history"
)

// maxAssignSteps bounds the search for an assignment, in choices tried. Unknown
// writes are few, and the first guess is nearly always right. A search that reaches
// this bound is probably looking for an assignment that does not exist.
const maxAssignSteps = 1 << 20

// assign decides whether the unknown writes can be given to the free numbers, and
// adds a violation if they cannot. An assignment gives each free number to one
// write, and each write at most one number. No write may take effect before its
// start. The last write in every gap must be the one that the gap demands.
//
// The search goes from the highest number down, so the first write that it chooses
// in a gap is the gap's last one.
//
// The search is complete although it does not try every write. Writes to one key
// are alike if they are deletes, or puts whose value no operation read. Of writes
// that are alike, the search tries only the one with the highest lower bound at the
// number at hand. In any solution this write can change places with the one that
// has the number: below, either of the two may be used or unused, and every number
// that suits one suits the other.
func (w *witness) assign(regs []*register, candidates []*candidate) {
	w.bounds(candidates)
	a := assignment{free: w.free}
	for _, r := range regs {
		if len(r.unknown) > 0 {
			a.regs = append(a.regs, newSlots(r, w.free))
		}
	}
	for _, s := range a.regs {
		w.reachable(s)
	}
	if len(w.list) > 0 {
		return
	}
	if !a.fill(len(w.free) - 1) {
		rule, text := Unexplained, "the numbers %v are free, and no choice among the %d unknown writes explains them and every answer"
		if a.steps >= maxAssignSteps {
			rule, text = Undecided, "the numbers %v are free; gave up looking for a choice among the %d unknown writes that explains them"
		}
		w.add(rule, a.evidence(), text, head(w.free), len(candidates))
	}
}

func head(nums []uint64) []uint64 { return nums[:min(len(nums), shown)] }

// bounds finds, for each unknown write, the lowest free number that real time
// allows: no operation at a later position may have ended before the write began.
// The earliest end among the operations behind a number never decreases as the
// number grows, so a binary search finds the bound.
func (w *witness) bounds(candidates []*candidate) {
	ends := make([]int64, len(w.free))
	i, earliest := len(w.line)-1, int64(math.MaxInt64)
	for s := len(w.free) - 1; s >= 0; s-- {
		for ; i >= 0 && w.line[i].pos > 2*w.free[s]; i-- {
			earliest = min(earliest, w.line[i].End)
		}
		ends[s] = earliest
	}
	for _, c := range candidates {
		c.lo = sort.Search(len(ends), func(s int) bool { return ends[s] >= c.Start })
	}
}

// slots is a register as the search sees it: how its gaps lie among the free
// numbers. Free numbers are given by their index in witness.free, gaps by their
// index in register.gaps.
type slots struct {
	*register
	at   []int // free number → index of the gap it lies in
	low  []int // gap → index of its lowest free number
	high []int // gap → index of its highest free number; low > high if the gap has none
}

func newSlots(r *register, free []uint64) *slots {
	s := &slots{register: r, at: make([]int, len(free)), low: make([]int, len(r.gaps)), high: make([]int, len(r.gaps))}
	for g := range r.gaps {
		s.low[g], s.high[g] = 1, 0
	}
	g := 0
	for i, n := range free {
		for r.gaps[g].before != 0 && r.gaps[g].before < 2*n {
			g++
		}
		if s.low[g] > s.high[g] {
			s.low[g] = i
		}
		s.at[i], s.high[g] = g, i
	}
	// Highest lower bound first: fill wants them in this order.
	slices.SortStableFunc(r.unknown, func(a, b *candidate) int { return cmp.Compare(b.lo, a.lo) })
	return s
}

// reachable reports demands that no unknown write can meet, whatever the other
// writes do. Each of these failures can be explained in one sentence, so they are
// reported before the search.
func (w *witness) reachable(s *slots) {
	for i := range s.gaps {
		g := &s.gaps[i]
		meets := func(c *candidate) bool { return g.fits(c) && s.low[i] <= s.high[i] && c.lo <= s.high[i] }
		if !g.must || slices.ContainsFunc(s.unknown, meets) {
			continue
		}
		ops := []history.Op{*g.behind}
		if g.writer != nil {
			ops = append(ops, *g.writer.Op)
		}
		w.add(BadValue, ops, "only a write with an unknown outcome could explain this answer, and none had a free number between the operations before it and this one")
	}
}

// assignment is the state of the search: what is chosen so far, for the free
// numbers above the one at hand.
type assignment struct {
	free  []uint64 // the free numbers, ascending
	regs  []*slots // registers with unknown writes
	steps int      // choices tried so far, at most maxAssignSteps
}

// choice is a write that may take the number at hand.
type choice struct {
	*candidate
	gap      *gap
	deadline int // the lowest number at which this choice is still open
}

// fill gives the free numbers with index i and below to unknown writes. It reports
// whether that is possible.
func (a *assignment) fill(i int) bool {
	if i < 0 {
		return true
	}
	for _, c := range a.choices(i) {
		if a.steps++; a.steps >= maxAssignSteps {
			return false
		}
		sealed := c.gap.sealed
		c.used, c.gap.sealed = true, true
		if a.met(i) && a.fill(i-1) {
			return true
		}
		c.used, c.gap.sealed = false, sealed
	}
	return false
}

// met reports whether every gap whose lowest number is i has had its demand met.
func (a *assignment) met(i int) bool {
	for _, s := range a.regs {
		if g := s.at[i]; s.gaps[g].must && !s.gaps[g].sealed && s.low[g] == i {
			return false
		}
	}
	return true
}

// choices lists the writes that may take number i. Writes that a gap demands come
// first, then the rest. Within both groups, the choice with the highest deadline
// comes first, because the search goes down and that choice becomes impossible
// soonest.
func (a *assignment) choices(i int) []choice {
	var needed, rest []choice
	for _, s := range a.regs {
		g := s.at[i]
		gap := &s.gaps[g]
		var put, del bool // one of each kind is enough
		for _, c := range s.unknown {
			if c.used || c.lo > i || !(gap.fits(c) || gap.sealed && !c.read) {
				continue
			}
			kind := &put
			if c.Kind == history.Delete {
				kind = &del
			}
			if *kind {
				continue
			}
			*kind = true
			if gap.must && !gap.sealed {
				needed = append(needed, choice{c, gap, max(c.lo, s.low[g])})
			} else {
				rest = append(rest, choice{c, gap, c.lo})
			}
		}
	}
	soonest := func(x, y choice) int { return cmp.Compare(y.deadline, x.deadline) }
	slices.SortStableFunc(needed, soonest)
	slices.SortStableFunc(rest, soonest)
	return append(needed, rest...)
}

// evidence lists what a person needs to redo the search by hand: the unknown
// writes, and the answers that only unknown writes can explain.
func (a *assignment) evidence() []history.Op {
	var ops []history.Op
	for _, s := range a.regs {
		for _, g := range s.gaps {
			if g.must {
				ops = append(ops, *g.behind)
			}
		}
		for _, c := range s.unknown {
			ops = append(ops, *c.Op)
		}
	}
	return ops
}
