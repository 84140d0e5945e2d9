package version

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of contexts, in bytes of their encoding as weight estimates it.
const (
	MaxContextBytes = 2900 // of a client's context: 4 KiB as text
	MaxDepsBytes    = 360  // of the dependencies of a stored item
)

// Compactor bounds contexts (docs/causal.md §2, rule 4; docs/causal.md §9.2). Entries are folded
// into the vector. Where the vector gets long, a reference to a stable cut takes the
// place of the positions that the cut has.
type Compactor struct {
	Limit    int             // positions in a vector before a reference takes their place
	Cut      *wire.KnownView // the view whose stable cut may be referred to: all members know it; nil: none
	Subsumed []ids.View      // views whose stable cuts say no more than that of Cut
}

// weight estimates the bytes of a context's encoding. An entry is a hash, a counter and a
// number. A stream is named once, with its view if that was not named before.
func weight(c *wire.Context) int {
	const entry, stream, view = 15, 13, 13
	bytes := entry*len(c.Exact) + 4*len(c.Vector) + view*len(c.CutRefs)
	if bytes+(stream+view)*(len(c.Exact)+len(c.Vector)) <= MaxDepsBytes {
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

// Bound folds a context to a number of exact entries. As long as the context is heavier
// than the given bytes, it folds a quarter of the entries, down to one: with many streams
// the names of the streams cost most.
func (n *Compactor) Bound(c wire.Context, exact, bytes int) wire.Context {
	c = n.referToCut(fold(c, exact))
	for len(c.Exact) > 1 && weight(&c) > bytes {
		c = n.referToCut(fold(c, len(c.Exact)*3/4))
	}
	return c
}

// referToCut puts a reference to the stable cut in the place of the positions that the
// cut has, if the vector is longer than the limit. A node checks the reference by the
// positions of the cut, so nothing is lost (I17).
func (n *Compactor) referToCut(c wire.Context) wire.Context {
	if len(c.Vector) <= n.Limit || n.Cut == nil {
		return c
	}
	rest := make(wire.Vector, 0, len(c.Vector))
	for _, p := range c.Vector {
		if n.Cut.StableCut.At(p.Stream) < p.N {
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
	kept := slices.DeleteFunc(slices.Clone(c.CutRefs), func(id ids.View) bool { return slices.Contains(n.Subsumed, id) })
	c.CutRefs = unionRefs(kept, []ids.View{n.Cut.ID})
	return c
}
