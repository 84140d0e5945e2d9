package causal

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// everything is the rank of what nothing wins over.
const everything = math.MaxInt32

// rank replaces versions by their ranks within a key, from 1, and says for every
// operation on the key what it shows: a write itself, a read what it read, and a
// 404 that names no delete the highest delete that may explain it. From then on
// one rule serves them all: nothing in the context may rank above that.
func (j *judge) rank() {
	j.sees = make([]int32, len(j.ops))
	for _, r := range j.registers {
		if r.ranked = j.versioned(r); !r.ranked {
			continue
		}
		j.rankWrites(r)
		x := newExcuses(j, r)
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

// versioned reports whether all writes to a key that took effect have versions.
func (j *judge) versioned(r *register) bool {
	return !slices.ContainsFunc(r.ops, func(id OpID) bool { return j.took[id] && j.version(id).None() })
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
		case v.None():
			j.sees[id] = everything // nobody read it: it can be above all
		default:
			writes = append(writes, ranked{v, id})
		}
	}
	slices.SortFunc(writes, func(a, b ranked) int { return a.Compare(b.Version) })
	for i, w := range writes {
		j.sees[w.id] = int32(i + 1)
	}
}

// excuses are the deletes of a key that a 404 without a version may be down to:
// any that may have taken effect before the read ended. It need not be in the
// context of the read: a replica may have got it, and dropped its tombstone.
type excuses struct {
	*judge
	deletes []OpID  // by start
	best_   []int32 // the highest rank among the first so many
}

func newExcuses(j *judge, r *register) *excuses {
	x := &excuses{judge: j}
	for _, id := range r.ops {
		if j.ops[id].Kind == Delete {
			x.deletes = append(x.deletes, id)
		}
	}
	slices.SortStableFunc(x.deletes, func(a, b OpID) int { return cmp.Compare(j.ops[a].Start, j.ops[b].Start) })
	x.best_ = make([]int32, len(x.deletes)+1)
	for i, id := range x.deletes {
		x.best_[i+1] = max(x.best_[i], j.sees[id])
	}
	return x
}

// best is the rank of the highest delete that may explain a 404, or 0. One that
// begins at the very moment at which the read ends may be a consequence of it.
func (x *excuses) best(read OpID) int32 {
	end := x.ops[read].End
	n := sort.Search(len(x.deletes), func(i int) bool { return x.ops[x.deletes[i]].Start >= end })
	best := x.best_[n]
	for _, d := range x.deletes[n:] {
		if x.ops[d].Start > end {
			break
		}
		if x.sees[d] > best && !x.follows(d, read) {
			best = x.sees[d]
		}
	}
	return best
}

// follows reports whether a write comes after a read in causal order. Whatever
// lies between them ended no earlier than the read, which bounds the search.
func (j *judge) follows(write, read OpID) bool {
	seen := map[OpID]bool{write: true}
	for todo := []OpID{write}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == read {
			return true
		}
		for before := range j.before(id) {
			if o := &j.ops[before]; !seen[before] && o.End >= j.ops[read].End {
				seen[before] = true
				todo = append(todo, before)
			}
		}
	}
	return false
}
