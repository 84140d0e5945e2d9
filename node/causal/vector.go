package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// join is the union of two vectors: per stream the larger number. Neither is written
// to.
func join(a, b wire.Vector) wire.Vector {
	switch {
	case within(b, a):
		return a
	case within(a, b):
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

// within reports that a vector says no more than another.
func within(a, b wire.Vector) bool {
	if len(a) > len(b) {
		return false
	}
	if sameVector(a, b) {
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

// reach is the vector with one position more.
func reach(v wire.Vector, s wire.Stream, n uint64) wire.Vector {
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

// sameVector reports that two vectors are one in memory.
func sameVector(a, b wire.Vector) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// joiner joins vectors and remembers what came of it: slots share few vectors, and
// what was one before is one after.
type joiner struct {
	done map[[2]*wire.Position]wire.Vector
	same []wire.Vector
	key  [2]*wire.Position // of the last join: slots that lie together are alike
	last wire.Vector
}

func head(v wire.Vector) *wire.Position {
	if len(v) == 0 {
		return nil
	}
	return &v[0]
}

func (j *joiner) join(a, b wire.Vector) wire.Vector {
	key := [2]*wire.Position{head(a), head(b)}
	if key != j.key {
		j.key, j.last = key, j.find(key, a, b)
	}
	return j.last
}

func (j *joiner) find(key [2]*wire.Position, a, b wire.Vector) wire.Vector {
	if v, ok := j.done[key]; ok {
		return v
	}
	if j.done == nil {
		j.done = map[[2]*wire.Position]wire.Vector{}
	}
	v := j.shared(join(a, b))
	j.done[key] = v
	return v
}

// shared is the one of equal vectors that came first.
func (j *joiner) shared(v wire.Vector) wire.Vector {
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
