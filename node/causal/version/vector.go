package version

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Join is the union of two vectors: per stream the larger number. If a or b covers both, Join
// returns that one itself, so equal vectors stay one in memory. Vectors ascend by stream, each
// stream at most once, and no number is zero; so does the result.
func Join(a, b wire.Vector) wire.Vector {
	switch {
	case Within(b, a):
		return a
	case Within(a, b):
		return b
	}
	out := make(wire.Vector, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].Stream.Compare(b[0].Stream); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, wire.Position{Stream: a[0].Stream, N: max(a[0].N, b[0].N)})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Within reports that vector a covers no more than vector b.
func Within(a, b wire.Vector) bool {
	if len(a) > len(b) {
		return false
	}
	if Same(a, b) {
		return true
	}
	for i := range a {
		for len(b) > 0 && b[0].Stream != a[i].Stream {
			b = b[1:]
		}
		if len(b) == 0 || b[0].N < a[i].N {
			return false
		}
		b = b[1:]
	}
	return true
}

// Extend is the join of v and one position. v is not changed.
func Extend(v wire.Vector, s wire.Stream, n uint64) wire.Vector {
	i, ok := slices.BinarySearchFunc(v, s, func(p wire.Position, s wire.Stream) int { return p.Stream.Compare(s) })
	switch {
	case n == 0 || ok && v[i].N >= n:
		return v
	case ok:
		v = slices.Clone(v)
		v[i].N = n
		return v
	default:
		return slices.Insert(slices.Clip(v), i, wire.Position{Stream: s, N: n})
	}
}

// Same reports that two vectors are one in memory: a cheap test for equality that misses equal
// copies.
func Same(a, b wire.Vector) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// further adds a dot to a list of positions, which is in any order and may be changed. Only
// the last 16 positions are searched for the dot's stream, so a list may have a stream twice;
// FromPositions joins those.
func further(list []wire.Position, dot wire.Dot) []wire.Position {
	for i := range list[max(0, len(list)-16):] {
		if p := &list[len(list)-1-i]; p.Stream == dot.Stream {
			p.N = max(p.N, dot.N)
			return list
		}
	}
	return append(list, wire.Position(dot))
}

// FromPositions makes a vector of positions in any order, in the memory of the list. The
// caller must not use the list any more. A position of zero means nothing and is left out.
func FromPositions(list []wire.Position) wire.Vector {
	slices.SortFunc(list, func(a, b wire.Position) int { return a.Stream.Compare(b.Stream) })
	out := list[:0]
	for _, p := range list {
		switch last := len(out) - 1; {
		case p.N == 0:
		case last >= 0 && out[last].Stream == p.Stream:
			out[last].N = max(out[last].N, p.N)
		default:
			out = append(out, p)
		}
	}
	return out
}

// Joiner joins the vectors of many slots in one pass. There are thousands of slots and few
// distinct vectors, and K stays small in memory only while slots share them. A Joiner returns
// one result for one pair of vectors, and one of several equal results. It names vectors by
// address and keeps them alive, so it must not outlive the pass.
type Joiner struct {
	done map[[2]*wire.Position]wire.Vector // by the heads of both vectors: their join
	same []wire.Vector                     // distinct results; at most 64, beyond which equal results are not found
	key  [2]*wire.Position                 // heads of the last join; neighbouring slots are mostly alike
	last wire.Vector                       // result of the last join
}

// Head is the address of a vector's first position; nil: the vector is empty. Two vectors of
// one length and one head are one.
func Head(v wire.Vector) *wire.Position {
	if len(v) == 0 {
		return nil
	}
	return &v[0]
}

// Join is Join(a, b). An equal earlier result is returned in its place.
func (j *Joiner) Join(a, b wire.Vector) wire.Vector {
	key := [2]*wire.Position{Head(a), Head(b)}
	if key != j.key {
		j.key, j.last = key, j.find(key, a, b)
	}
	return j.last
}

// find looks the join of two vectors up, or makes it.
func (j *Joiner) find(key [2]*wire.Position, a, b wire.Vector) wire.Vector {
	if v, ok := j.done[key]; ok {
		return v
	}
	if j.done == nil {
		j.done = map[[2]*wire.Position]wire.Vector{}
	}
	v := j.shared(Join(a, b))
	j.done[key] = v
	return v
}

// shared is the first of the joins so far that equals v, or else v.
func (j *Joiner) shared(v wire.Vector) wire.Vector {
	for _, o := range j.same {
		if slices.Equal(o, v) {
			return o
		}
	}
	if len(j.same) < 64 {
		j.same = append(j.same, v)
	}
	return v
}
