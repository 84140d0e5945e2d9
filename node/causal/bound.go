package causal

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// What contexts and the dependencies of stored items take at most, about, in bytes of
// their encoding: 4 KiB as the text that clients carry, and 0.4 KiB.
const (
	maxContextBytes = 2900
	maxDepsBytes    = 360
)

// compactor bounds contexts: by folding them, and by referring to the stable cut of a
// view.
type compactor struct {
	limit    int             // positions in a vector, before a reference takes their place
	cut      *wire.KnownView // that may be referred to; nil: none
	subsumed []ids.View      // views whose stable cuts say no more than that
}

func (r *Replica) compactor() *compactor {
	n := &compactor{limit: r.cfg.Limits.Vector}
	if c := r.catalog.newestCut; c != nil {
		n.cut, n.subsumed = &c.KnownView, r.catalog.subsumedBy(c)
	}
	return n
}

// bound folds a context to a number of exact entries, and further as long as it is too
// large: entries of many streams cost most by naming these.
func (n *compactor) bound(c wire.Context, exact, bytes int) wire.Context {
	c = n.referToCut(fold(c, exact))
	for len(c.Exact) > 1 && weight(&c) > bytes {
		c = n.referToCut(fold(c, len(c.Exact)*3/4))
	}
	return c
}

// referToCut puts a reference to a stable cut in the place of the positions that the
// cut has, when the vector of a context gets long. A reference is checked by what it
// stands for (I17).
func (n *compactor) referToCut(c wire.Context) wire.Context {
	if len(c.Vector) <= n.limit || n.cut == nil {
		return c
	}
	rest := make(wire.Vector, 0, len(c.Vector))
	for _, p := range c.Vector {
		if n.cut.StableCut.At(p.Stream) < p.N {
			rest = append(rest, p)
		}
	}
	if len(rest) == len(c.Vector) {
		return c
	}
	c.Vector = rest
	if mutant.On(mutant.CausalPruneStable) {
		return c
	}
	kept := slices.DeleteFunc(slices.Clone(c.CutRefs), func(id ids.View) bool { return slices.Contains(n.subsumed, id) })
	c.CutRefs = unionRefs(kept, []ids.View{n.cut.ID})
	return c
}

// weight is about what a context takes when it is encoded: an entry is a hash, a
// counter and a number; a stream is named once, with its view if that was not named
// before.
func weight(c *wire.Context) int {
	const entry, stream, view = 15, 13, 13
	bytes := entry*len(c.Exact) + 4*len(c.Vector) + view*len(c.CutRefs)
	if bytes+(stream+view)*(len(c.Exact)+len(c.Vector)) <= maxDepsBytes {
		return bytes // however many streams there are
	}
	var streams []wire.Stream
	var views []ids.View
	meet := func(s wire.Stream) {
		if n := len(streams); n > 0 && streams[n-1] == s {
			return
		}
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
