package causal

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cohortkv/cohort/benchmark/history"
)

// everything is the rank that nothing wins over.
const everything = math.MaxInt32

// rank replaces the versions of a key by their ranks, from 1, and says for every
// operation on the key what it shows: a write itself, a read what it read, a 404
// that names no delete the highest one that may explain it. One rule then serves
// them all: nothing in the context ranks above that (I13, I14).
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
			j.sees[id] = everything // nobody was told its version: it can be above all
		}
	}
	slices.SortFunc(writes, func(a, b ranked) int { return a.Compare(b.Version) })
	for i, w := range writes {
		j.sees[w.id] = int32(i + 1)
	}
}

// excuses are the deletes of a key that may explain a 404 without a version: any
// that may have taken effect before the read ended. It need not be in the context
// of the read: a replica may have got it, and dropped its tombstone since.
type excuses struct {
	*judge
	deletes []excuse // by start
	highest []int32  // among the first so many
}

type excuse struct {
	id   OpID
	rank int32
}

// newExcuses takes the deletes of a key that rank accepts, as high as it says.
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

// best is the rank of the highest delete that may explain a 404, or 0. One that
// begins at the very moment at which the read ends may be a consequence of it.
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

// byVersion judges the keys whose writes have ranks. A 404 that only a delete
// with an unknown outcome can explain is charged first, and excused if there is
// such a delete: hardly any is, and what is needed to know costs a second look.
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

// excuse takes deletes with an unknown outcome as explanations as well: if they
// took effect, what replicas held at the end must not rank below them.
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
			return 0, false // it would be above what was held
		}
		return limit - 1, true // its version is free: right below what was held
	})
	for _, id := range r.ops {
		if o := &j.ops[id]; o.Kind == Get && j.source[id] == none {
			j.sees[id] = x.best(id)
		}
	}
}

// charge holds the operations on some keys against their pasts: along lines of
// writes, or along keys, whichever are fewer.
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

// ranksAsAxes makes every key an axis, on which its writes stand by rank.
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

// ranks is one key on its way through the blocks.
type ranks struct {
	*judge
	of      *register
	axis    int32
	writes  []OpID // that may be missed, highest rank first
	ops     []OpID // that may miss them, by what they show, the most first
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

// compare looks at the axis of the key.
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

// sweep goes down the ranks with, for each line, the earliest of the writes that
// rank higher: an operation whose past reaches that far shows too little.
func (k *ranks) sweep(b *block) {
	var earliest clock
	var lines []int32 // with a write seen so far
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

// endByVersion holds every replica against what is owed: nothing may rank above
// what it holds (I25), or, where it holds nothing, above every delete (I19).
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
