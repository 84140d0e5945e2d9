package footprint

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// Vectors remembers the vectors that were stored last, so that equal ones share their
// memory. A client that writes on under one session, or a message with the items of one,
// brings the same vector again and again.
type Vectors struct {
	last [16]wire.Vector
	next int
}

// worthwhile is the fewest positions of a vector that is worth looking for.
const worthwhile = 4

// Shared is the vector among the last ones that is equal, or else the vector itself.
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
