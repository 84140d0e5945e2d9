package version

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// UnionFolded is the union of the folded parts of two contexts: vector, references and ceil
// (docs/causal.md §2, rule 1). The result has no exact entries.
func UnionFolded(a, b *wire.Context) wire.Context {
	return wire.Context{Vector: Join(a.Vector, b.Vector), CutRefs: unionRefs(a.CutRefs, b.CutRefs), Ceil: max(a.Ceil, b.Ceil)}
}

// With is c with one more version, as the newest entry. If c names a larger version of the
// hash, that larger version becomes the newest entry. c is not changed.
func With(c *wire.Context, hash uint64, v wire.CausalVersion) wire.Context {
	d := *c
	d.Exact = make([]wire.Dependency, 0, len(c.Exact)+1)
	for i := range c.Exact {
		switch o := &c.Exact[i]; {
		case o.Hash != hash:
			d.Exact = append(d.Exact, *o)
		case o.Version.Compare(v) > 0:
			v = o.Version
		}
	}
	d.Exact = append(d.Exact, wire.Dependency{Hash: hash, Version: v})
	return d
}

// Without is c without its exact entry for a hash. c is not changed.
func Without(c *wire.Context, hash uint64) wire.Context {
	d := *c
	if i := index(c, hash); i >= 0 {
		d.Exact = slices.Delete(slices.Clone(c.Exact), i, i+1)
	}
	return d
}

// index is the place of the entry for a hash; -1: there is none.
func index(c *wire.Context, hash uint64) int {
	return slices.IndexFunc(c.Exact, func(d wire.Dependency) bool { return d.Hash == hash })
}

// Named is the version that a context names exactly for a hash; zero: none.
func Named(c *wire.Context, hash uint64) wire.CausalVersion {
	if i := index(c, hash); i >= 0 {
		return c.Exact[i].Version
	}
	return wire.CausalVersion{}
}

// fold keeps the newest entries exact, at most limit. The dots of the others enter the vector,
// and the ceil becomes at least their counters. So an entry leaves a context only in exchange
// for a vector that a node checks (I17), and a write under the context is still above the
// entry's version (I13).
func fold(c wire.Context, limit int) wire.Context {
	n := len(c.Exact) - limit
	if n <= 0 {
		return c
	}
	var old []wire.Position
	for i := range c.Exact[:n] {
		v := &c.Exact[i].Version
		old = further(old, v.Dot)
		c.Ceil = max(c.Ceil, v.Counter)
	}
	c.Vector = Join(c.Vector, FromPositions(old))
	c.Exact = c.Exact[n:]
	return c
}

// unionRefs is the union of two ascending lists of view ids.
func unionRefs(a, b []ids.View) []ids.View {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, ids.View.Compare)
	return slices.Compact(all)
}

// IsLost reports that a version of the key with a hash is lost at this node: K lacks its dot,
// and no node will bring it (docs/causal.md §10).
type IsLost func(hash uint64, v wire.CausalVersion) bool

// Seen is the context of a client that had c and was shown an item. Contexts are transitively
// closed: the client depends on the item and on everything that the item depends on. A nil
// lost means that nothing is lost. The result is not bounded.
func Seen(c *wire.Context, item *wire.Item, lost IsLost) wire.Context {
	d := &item.Deps
	shown := []wire.Dependency{{Hash: hashing.Hash(item.Key), Version: item.Version}}
	return newest(UnionFolded(d, c), lost, shown, d.Exact, c.Exact)
}

// SeenList is the context of a client that had c and was shown a list of items. The result is
// not bounded.
func SeenList(c *wire.Context, items iter.Seq[*wire.Item]) wire.Context {
	d := *c
	var deps, shown []wire.Dependency
	reached := map[wire.Stream]uint64{}
	for item := range items {
		shown = append(shown, wire.Dependency{Hash: hashing.Hash(item.Key), Version: item.Version})
		deps = append(deps, item.Deps.Exact...)
		for _, p := range item.Deps.Vector {
			reached[p.Stream] = max(reached[p.Stream], p.N)
		}
		d.CutRefs, d.Ceil = unionRefs(d.CutRefs, item.Deps.CutRefs), max(d.Ceil, item.Deps.Ceil)
	}
	vector := make(wire.Vector, 0, len(reached))
	for stream, n := range reached { //maporder:ok FromPositions sorts
		vector = append(vector, wire.Position{Stream: stream, N: n})
	}
	d.Vector = Join(d.Vector, FromPositions(vector))
	return newest(d, outlived(c, shown), shown, c.Exact, deps)
}

// outlived finds the versions that a context names and of whose keys a list shows a smaller
// version. Such a version is lost, because otherwise the list would have waited for it
// (docs/causal.md §3.3, rule 2).
func outlived(c *wire.Context, shown []wire.Dependency) IsLost {
	named := make(map[uint64]wire.CausalVersion, len(c.Exact))
	for _, d := range c.Exact {
		named[d.Hash] = d.Version
	}
	lost := map[uint64]wire.CausalVersion{}
	for _, d := range shown {
		if v := named[d.Hash]; v.Compare(d.Version) > 0 {
			lost[d.Hash] = v
		}
	}
	return func(hash uint64, v wire.CausalVersion) bool { return lost[hash] == v }
}

// newest gives a context the exact entries of several lists, the oldest first. Entries of later
// lists are newer, and those of shown are the newest. Of two versions of one hash the larger
// one stays, at the place of the newer one.
//
// A lost version does not take the place of a smaller one: the lost one is folded, and the
// smaller one stays exact. Otherwise later reads could show the client less than this one,
// because no node waits for a lost version (I14; docs/causal.md §2, rule 2).
func newest(c wire.Context, lost IsLost, shown []wire.Dependency, lists ...[]wire.Dependency) wire.Context {
	n := len(shown)
	for _, list := range lists {
		n += len(list)
	}
	if lost == nil {
		lost = func(uint64, wire.CausalVersion) bool { return false }
	}
	all, at := make([]wire.Dependency, n), n // filled from the end
	add := func(list []wire.Dependency, place func(hash uint64, at int) (int, bool)) {
		for i := range slices.Backward(list) {
			d := &list[i]
			i, known := place(d.Hash, at-1)
			if !known {
				at--
				all[at] = *d
				continue
			}
			have := &all[i].Version
			larger, smaller := *have, d.Version
			if larger.Compare(smaller) < 0 {
				larger, smaller = smaller, larger
			}
			isShown := i >= n-len(shown) && larger == *have
			*have = larger
			if larger != smaller && !isShown && lost(d.Hash, larger) {
				*have = smaller
				c.Vector = Extend(c.Vector, larger.Dot.Stream, larger.Dot.N)
				c.Ceil = max(c.Ceil, larger.Counter)
			}
		}
	}
	merge := func(place func(hash uint64, at int) (int, bool)) {
		add(shown, place)
		for _, list := range slices.Backward(lists) {
			add(list, place)
		}
	}
	if n <= wire.MaxIndexed {
		var index wire.HashIndex
		merge(index.Place)
	} else {
		places := make(map[uint64]int, n)
		merge(func(hash uint64, at int) (int, bool) {
			i, known := places[hash]
			if !known {
				places[hash] = at
			}
			return i, known
		})
	}
	c.Exact = all[at:]
	return c
}
