package causal

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// union is what depends on all that a or b depends on; b's entries count as newer.
func union(a, b *wire.Context) wire.Context {
	switch {
	case b.IsZero():
		return *a
	case a.IsZero():
		return *b
	}
	c := wire.Context{Vector: join(a.Vector, b.Vector), Names: names(a.Names, b.Names), Ceil: max(a.Ceil, b.Ceil)}
	c.Exact = slices.Clone(a.Exact)
	for _, d := range b.Exact {
		c.Exact = add(c.Exact, d)
	}
	return c
}

// add puts a dependency at the end of a list that may be written to. Of two versions
// of one hash the larger stays.
func add(list []wire.Dependency, d wire.Dependency) []wire.Dependency {
	if i := slices.IndexFunc(list, func(o wire.Dependency) bool { return o.Hash == d.Hash }); i >= 0 {
		if list[i].Version.Compare(d.Version) > 0 {
			d = list[i]
		}
		list = slices.Delete(list, i, i+1)
	}
	return append(list, d)
}

// with is c and one version more, the newest.
func with(c *wire.Context, hash uint64, v wire.CausalVersion) wire.Context {
	d := *c
	d.Exact = add(slices.Clone(c.Exact), wire.Dependency{Hash: hash, Version: v})
	return d
}

// without is c but for what it says of one key.
func without(c *wire.Context, hash uint64) wire.Context {
	d := *c
	if i := index(c, hash); i >= 0 {
		d.Exact = slices.Delete(slices.Clone(c.Exact), i, i+1)
	}
	return d
}

func index(c *wire.Context, hash uint64) int {
	return slices.IndexFunc(c.Exact, func(d wire.Dependency) bool { return d.Hash == hash })
}

// named is the version of a key that a context names exactly; zero: none.
func named(c *wire.Context, hash uint64) wire.CausalVersion {
	if i := index(c, hash); i >= 0 {
		return c.Exact[i].Version
	}
	return wire.CausalVersion{}
}

// fold leaves the newest entries exact and puts the dots of the others into the
// vector, their counters under the ceil: nothing leaves a context but for a vector
// that says at least as much (I17).
func fold(c wire.Context, limit int) wire.Context {
	n := len(c.Exact) - limit
	if n <= 0 {
		return c
	}
	old := make(wire.Vector, 0, n)
	for _, d := range c.Exact[:n] {
		old = append(old, wire.Position{Stream: d.Version.Dot.Stream, N: d.Version.Dot.N})
		if !mutant.On(mutant.CausalNoCeil) {
			c.Ceil = max(c.Ceil, d.Version.Counter)
		}
	}
	c.Vector = join(c.Vector, gather(old))
	c.Exact = c.Exact[n:]
	return c
}

// gather makes a vector of positions in any order.
func gather(list []wire.Position) wire.Vector {
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

// names is the union of two ascending lists of view ids.
func names(a, b []wire.ViewID) []wire.ViewID {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, wire.ViewID.Compare)
	return slices.Compact(all)
}

// seen is the context of who had c and has read an item.
func seen(c *wire.Context, item *wire.Item) wire.Context {
	m := *c
	if !mutant.On(mutant.CausalNotTransitive) {
		m = union(&item.Deps, c)
	}
	return with(&m, hashing.Hash(item.Key), item.Version)
}

// ListContext is what a client has seen that was answered a Read of kind ReadItems with
// these items. limits must be those of the replica.
func ListContext(limits Limits, read *wire.Read, items iter.Seq[*wire.Item]) wire.Context {
	limits = limits.withDefaults()
	c := read.Context
	var deps, own []wire.Dependency
	reached := map[wire.Stream]uint64{}
	for item := range items {
		own = append(own, wire.Dependency{Hash: hashing.Hash(item.Key), Version: item.Version})
		if mutant.On(mutant.CausalNotTransitive) {
			continue
		}
		d := &item.Deps
		deps = append(deps, d.Exact...)
		for _, p := range d.Vector {
			reached[p.Stream] = max(reached[p.Stream], p.N)
		}
		c.Names, c.Ceil = names(c.Names, d.Names), max(c.Ceil, d.Ceil)
	}
	vector := make(wire.Vector, 0, len(reached))
	for stream, n := range reached { //maporder:ok gather sorts
		vector = append(vector, wire.Position{Stream: stream, N: n})
	}
	c.Vector = join(c.Vector, gather(vector))
	c.Exact = newest(c.Exact, deps, own)
	n := &namer{limits.Vector, read.Floor, read.Outdone}
	return n.bound(c, limits.Exact, maxContextBytes)
}

// newest puts lists of dependencies together, of which the later are newer. Of two
// versions of one hash the larger stays, in the place of the newer.
func newest(lists ...[]wire.Dependency) []wire.Dependency {
	place := map[uint64]int{}
	var all []wire.Dependency
	for _, list := range slices.Backward(lists) {
		for _, d := range slices.Backward(list) {
			i, known := place[d.Hash]
			switch {
			case !known:
				place[d.Hash] = len(all)
				all = append(all, d)
			case d.Version.Compare(all[i].Version) > 0:
				all[i].Version = d.Version
			}
		}
	}
	slices.Reverse(all)
	return all
}
