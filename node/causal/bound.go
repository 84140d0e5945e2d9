package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// What contexts and the dependencies of stored items take at most, about, in bytes of
// their encoding: 4 KiB as the text that clients carry, and 0.4 KiB.
const (
	maxContextBytes = 2900
	maxDepsBytes    = 390
)

// bound folds a context to a number of exact entries, and further as long as it is too
// large: entries of many streams cost most by naming these.
func (r *Replica) bound(c wire.Context, exact, bytes int) wire.Context {
	c = r.tidy(fold(c, exact))
	for len(c.Exact) > 1 && weight(&c) > bytes {
		c = r.tidy(fold(c, len(c.Exact)*3/4))
	}
	return c
}

// weight is about what a context takes when it is encoded: an entry is a hash, a
// counter and a number; a stream is named once, with its view if that was not named
// before.
func weight(c *wire.Context) int {
	const entry, stream, view = 15, 13, 13
	bytes := entry*len(c.Exact) + 4*len(c.Vector) + view*len(c.Names)
	if bytes+(stream+view)*(len(c.Exact)+len(c.Vector)) <= maxDepsBytes {
		return bytes // however many streams there are
	}
	var streams []wire.Stream
	var views []wire.ViewID
	meet := func(s wire.Stream) {
		if !slices.Contains(streams, s) {
			streams = append(streams, s)
			if !slices.Contains(views, s.View) {
				views = append(views, s.View)
			}
		}
	}
	for i := range c.Exact {
		meet(c.Exact[i].Version.Dot.Stream)
	}
	for i := range c.Vector {
		meet(c.Vector[i].Stream)
	}
	return bytes + stream*len(streams) + view*len(views)
}
