package version

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of contexts, in bytes of their encoding as weight estimates it.
const (
	MaxContextBytes = 2900 // of a client's context; 4 KiB as text, in a header
	MaxDepsBytes    = 360  // of the dependencies of a stored item
)

// Compactor bounds contexts (docs/causal.md §2, rule 4; docs/causal.md §9.2). Old entries are
// folded into the vector. Where the vector gets long, a reference to a stable cut takes the
// place of the positions that the cut covers. Nothing leaves a context but in exchange for a
// vector or a reference that a node checks to the same effect (I17).
type Compactor struct {
	Limit    int             // positions in a vector; beyond it a reference takes the place of those that Cut covers
	Cut      *wire.KnownView // a view whose stable cut all members know; nil: there is none to refer to
	Subsumed []ids.View      // views whose stable cuts say no more than that of Cut: their references are dropped
}

// weight estimates the bytes of a context's encoding. An entry has a hash, a counter and a
// number. The encoding names each stream once, and each view once.
func weight(c *wire.Context) int {
	const entry, stream, view = 15, 13, 13
	bytes := entry*len(c.Exact) + 4*len(c.Vector) + view*len(c.CutRefs)
	if bytes+(stream+view)*(len(c.Exact)+len(c.Vector)) <= MaxDepsBytes {
		return bytes // within the smallest bound even if each stream were named anew
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

// Bound folds a context to at most exact entries. While the context is heavier than the given
// bytes, a quarter of the entries is folded, down to one entry. The bytes are no hard bound:
// the vector may exceed them by itself.
func (n *Compactor) Bound(c wire.Context, exact, bytes int) wire.Context {
	c = n.referToCut(fold(c, exact))
	for len(c.Exact) > 1 && weight(&c) > bytes {
		c = n.referToCut(fold(c, len(c.Exact)*3/4))
	}
	return c
}

// referToCut puts a reference to Cut in the place of the positions that the cut covers, if the
// vector is longer than Limit. A node checks a reference by the positions of its cut, so the
// context means no less than before (I17).
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
	kept := slices.DeleteFunc(slices.Clone(c.CutRefs), func(id ids.View) bool { return slices.Contains(n.Subsumed, id) })
	c.CutRefs = unionRefs(kept, []ids.View{n.Cut.ID})
	return c
}
