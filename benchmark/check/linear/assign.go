package linear

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cohortkv/cohort/benchmark/history"
)

// maxAssignSteps bounds the search for an assignment. Unknown writes are few
// and the first guess is nearly always right, so that a search which gets this
// far is looking for an explanation that does not exist.
const maxAssignSteps = 1 << 20

// assign decides whether unknown writes can be given to the free numbers: each
// number to one write, each write at most once, no write before its start, and
// the last one in every gap as the gap wants it.
//
// The search goes from the highest number down, so that the first write chosen
// in a gap is its last one. It is complete: of the writes to one key that are
// alike (deletes, or puts that nobody read) only the one with the highest lower
// bound is tried, because in any solution it can change places with another of
// its kind that stands at this number: it is itself unused below, or used at a
// number that suits the other too.
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

// bounds finds the lowest number that real time allows each unknown write: no
// operation behind it may have ended before it began. How early the operations
// behind a number end grows with the number, so a binary search finds it.
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

// slots is a register as the search sees it.
type slots struct {
	*register
	at   []int // free number → index of the gap it lies in
	low  []int // gap → its lowest free number, and
	high []int // its highest; low > high when it has none
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
	// Highest lower bound first: the order in which fill wants them.
	slices.SortStableFunc(r.unknown, func(a, b *candidate) int { return cmp.Compare(b.lo, a.lo) })
	return s
}

// reachable reports demands that no unknown write can meet, whatever the others
// do: these are the failures that people can be told about in one sentence.
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

// assignment is the state of the search.
type assignment struct {
	free  []uint64
	regs  []*slots
	steps int
}

// choice is a write that may take the number at hand.
type choice struct {
	*candidate
	gap      *gap
	deadline int // the lowest number at which this choice is still open
}

// fill gives the free numbers up to index i to unknown writes.
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

// met reports whether no gap that ends at number i is left with a demand.
func (a *assignment) met(i int) bool {
	for _, s := range a.regs {
		if g := s.at[i]; s.gaps[g].must && !s.gaps[g].sealed && s.low[g] == i {
			return false
		}
	}
	return true
}

// choices lists who may take number i: first those that a gap waits for, then
// the rest, and in both groups the ones that will be impossible soonest.
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

// evidence is what a person needs to redo the search by hand: the unknown
// writes, and the answers that only they can explain.
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
