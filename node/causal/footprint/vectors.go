package footprint

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Vectors remembers the vectors that were stored last, so that equal ones share their memory.
// A client that goes on writing under one session brings the same vector with each write, and
// so does a message with those items. The bound is 16 vectors; a missed match costs only
// memory.
type Vectors struct {
	last [16]wire.Vector // a ring buffer
	next int             // how many were ever added; the place of the next one, modulo 16
}

// worthwhile is the length from which a vector is looked up.
const worthwhile = 4

// Shared is the remembered vector that is equal to a, or else a, which is remembered then.
func (v *Vectors) Shared(a wire.Vector) wire.Vector {
	if len(a) < worthwhile {
		return a
	}
	for _, o := range v.last {
		if slices.Equal(o, a) {
			return o
		}
	}
	v.last[v.next%len(v.last)] = a
	v.next++
	return a
}
