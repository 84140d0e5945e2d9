package causal

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cohortkv/cohort/benchmark/history"
)

// everything is a rank above all others.
const everything = math.MaxInt32

// rank replaces the versions of a key by ranks, from 1. It also says what each operation on
// the key shows: a write shows itself, and a read shows what it read. A 404 that names no
// delete shows the highest delete that may explain it. One rule then covers all of them: no
// write in the context has a higher rank (I13, I14).
func (j *judge) rank() {
	j.sees = make([]int32, len(j.ops))
	for _, r := range j.registers {
		r.ranked = !slices.ContainsFunc(r.ops, func(id OpID) bool { return j.took[id] && j.version(id).None() })
		if !r.ranked {
			continue
		}
		j.rankWrites(r)
		x := newExcuses(j, r, func(d OpID) (int32, bool) { return j.sees[d], j.took[d] || j.lost(d) })
		for _, id := range r.ops {
			switch o := &j.ops[id]; {
			case o.Write():
			case j.source[id] != none:
				j.sees[id] = j.sees[j.source[id]]
			default:
				j.sees[id] = x.best(id)
			}
		}
	}
}

func (j *judge) rankWrites(r *register) {
	type ranked struct {
		Version
		id OpID
	}
	var writes []ranked
	for _, id := range r.ops {
		switch v := j.version(id); {
		case !j.ops[id].Write():
		case !v.None():
			writes = append(writes, ranked{v, id})
		case !j.spent[id]:
			j.sees[id] = everything // its version is not known, so it may be above all others
		}
	}
	slices.SortFunc(writes, func(a, b ranked) int { return a.Compare(b.Version) })
	for i, w := range writes {
		j.sees[w.id] = int32(i + 1)
	}
}

// excuses are the deletes of a key that may explain a 404 without a version: those that may
// have taken effect before the read ended. Such a delete need not be in the context of the
// read. A replica may have received it and collected its tombstone since.
type excuses struct {
	*judge
	deletes []excuse // by start
	highest []int32  // by number of deletes: the highest rank among the first ones
}

type excuse struct {
	id   OpID
	rank int32
}

// newExcuses takes the deletes of a key for which rank returns true, with the rank that it
// returns.
func newExcuses(j *judge, r *register, rank func(OpID) (int32, bool)) *excuses {
	x := &excuses{judge: j}
	for _, id := range r.ops {
		if j.ops[id].Kind != Delete {
			continue
		}
		if n, ok := rank(id); ok {
			x.deletes = append(x.deletes, excuse{id, n})
		}
	}
	slices.SortStableFunc(x.deletes, func(a, b excuse) int { return cmp.Compare(j.ops[a.id].Start, j.ops[b.id].Start) })
	x.highest = make([]int32, len(x.deletes)+1)
	for i, d := range x.deletes {
		x.highest[i+1] = max(x.highest[i], d.rank)
	}
	return x
}

// best returns the rank of the highest delete that may explain a 404; 0 if there is none. A
// delete that begins at the moment at which the read ends may be a consequence of the read.
func (x *excuses) best(read OpID) int32 {
	end := x.ops[read].End
	n := sort.Search(len(x.deletes), func(i int) bool { return x.ops[x.deletes[i].id].Start >= end })
	best := x.highest[n]
	for _, d := range x.deletes[n:] {
		if x.ops[d.id].Start > end {
			break
		}
		if d.rank > best && !x.follows(d.id, read, end) {
			best = d.rank
		}
	}
	return best
}

// byVersion judges the keys whose writes have ranks. If only a delete with an unknown
// outcome can explain a 404, the 404 is charged first and excused after a second look. That
// look needs costly data, and hardly any 404 needs it.
func (j *judge) byVersion(registers []*register) {
	charges := j.charge(registers)
	var again []*register
	excused := map[*register]bool{}
	for _, c := range charges {
		if j.ops[c.id].Kind == Get && j.source[c.id] == none && !excused[c.of] && j.mayExcuse(c.of) {
			excused[c.of] = true
			again = append(again, c.of)
			j.excuse(c.of)
		}
	}
	if len(again) > 0 {
		charges = slices.DeleteFunc(charges, func(c charge) bool { return excused[c.of] })
		charges = append(charges, j.charge(again)...)
	}
	j.charges = append(j.charges, charges...)
}

// mayExcuse reports whether a key has deletes with an unknown outcome.
func (j *judge) mayExcuse(r *register) bool {
	return slices.ContainsFunc(r.ops, func(id OpID) bool { return j.ops[id].Kind == Delete && !j.took[id] })
}

// excuse accepts deletes with an unknown outcome as explanations too. If such a delete took
// effect, the state of replicas at the end must not rank below it.
func (j *judge) excuse(r *register) {
	limit, held := int32(everything), none
	for _, i := range r.finals {
		if s := j.shown[i]; s != none && j.sees[s] < limit {
			limit, held = j.sees[s], s
		}
	}
	x := newExcuses(j, r, func(d OpID) (int32, bool) {
		n := j.sees[d]
		switch {
		case j.took[d] || j.lost(d) || held == none || n < limit:
			return n, true
		case n < everything || j.follows(d, held, j.ops[held].Start):
			return 0, false // it would be above the version that was held
		}
		return limit - 1, true // its version is not known: it may be directly below the version that was held
	})
	for _, id := range r.ops {
		if o := &j.ops[id]; o.Kind == Get && j.source[id] == none {
			j.sees[id] = x.best(id)
		}
	}
}

// charge compares the operations on some keys with their pasts. It goes along lines of
// writes or along keys, whichever are fewer.
func (j *judge) charge(registers []*register) []charge {
	a, byKey := j.axes, len(registers) < j.axes.count
	if byKey {
		a = j.ranksAsAxes(registers)
	}
	keys := make([]*ranks, len(registers))
	for i, r := range registers {
		keys[i] = newRanks(j, r, int32(i))
	}
	j.measure(a, func(b *block) {
		for _, k := range keys {
			if byKey {
				k.compare(b)
			} else {
				k.sweep(b)
			}
		}
	})
	var charges []charge
	for _, k := range keys {
		charges = append(charges, k.charges...)
	}
	return charges
}

// ranksAsAxes makes every key an axis, with its writes by rank.
func (j *judge) ranksAsAxes(registers []*register) axes {
	a := axes{place: slices.Repeat([]place{{axis: -1}}, len(j.ops)), count: len(registers)}
	for i, r := range registers {
		for _, id := range r.ops {
			if j.ops[id].Write() && j.took[id] && !j.lost(id) {
				a.place[id] = place{int32(i), j.sees[id]}
			}
		}
	}
	return a
}

// ranks is one key while the blocks are processed.
type ranks struct {
	*judge
	of      *register
	axis    int32
	writes  []OpID // writes that an operation may miss, highest rank first
	ops     []OpID // operations that may miss a write, highest shown rank first
	charges []charge
	charged map[OpID]bool
}

func newRanks(j *judge, r *register, axis int32) *ranks {
	k := &ranks{judge: j, of: r, axis: axis}
	for _, id := range r.ops {
		write := j.ops[id].Write()
		if write && j.took[id] && !j.lost(id) {
			k.writes = append(k.writes, id)
		}
		if len(j.ops[id].Parents) > 0 && !(write && j.version(id).None()) {
			k.ops = append(k.ops, id)
		}
	}
	highest := func(a, b OpID) int { return cmp.Compare(j.sees[b], j.sees[a]) }
	slices.SortFunc(k.writes, highest)
	slices.SortFunc(k.ops, highest)
	return k
}

// compare checks the axis of the key.
func (k *ranks) compare(b *block) {
	if !b.has(place{axis: k.axis}) {
		return
	}
	for _, id := range k.ops {
		for _, p := range k.context(id) {
			if b.clocks[p][k.axis-b.first] > k.sees[id] {
				k.suspect(id)
			}
		}
	}
}

// sweep goes down the ranks. It keeps, for each line, the earliest write that ranks higher.
// An operation whose past reaches that write shows too little.
func (k *ranks) sweep(b *block) {
	var earliest clock
	var lines []int32 // lines that have a write so far
	w := 0
	for _, id := range k.ops {
		for ; w < len(k.writes) && k.sees[k.writes[w]] > k.sees[id]; w++ {
			p := b.place[k.writes[w]]
			if !b.has(p) {
				continue
			}
			line := p.axis - b.first
			if earliest[line] == 0 {
				earliest[line] = p.n
				lines = append(lines, line)
			}
			earliest[line] = min(earliest[line], p.n)
		}
		for _, p := range k.context(id) {
			for _, line := range lines {
				if b.clocks[p][line] >= earliest[line] {
					k.suspect(id)
				}
			}
		}
	}
}

func (k *ranks) suspect(id OpID) {
	if k.charged[id] {
		return
	}
	if k.charged == nil {
		k.charged = map[OpID]bool{}
	}
	k.charged[id] = true
	k.charges = append(k.charges, charge{id, k.of, func(w OpID) bool { return k.sees[w] > k.sees[id] && !k.lost(w) }})
}

// endByVersion checks the final state of every replica. No owed write may rank above what a
// replica holds (I25). If a replica holds nothing, a delete must rank at least as high as
// every owed write (I19).
func (j *judge) endByVersion(r *register, owed []OpID) {
	winner := slices.MaxFunc(owed, func(a, b OpID) int { return cmp.Compare(j.sees[a], j.sees[b]) })
	gone := slices.ContainsFunc(r.ops, func(d OpID) bool {
		return j.ops[d].Kind == Delete && j.ops[d].Outcome != history.NotApplied && j.sees[d] >= j.sees[winner]
	})
	for _, i := range r.finals {
		if s := j.shown[i]; s == none && !gone || s != none && j.sees[s] < j.sees[winner] {
			j.missing(i, winner)
			return
		}
	}
}
