package causal

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// around is the union of two contexts but for their exact entries.
func around(a, b *wire.Context) wire.Context {
	return wire.Context{Vector: join(a.Vector, b.Vector), CutRefs: unionRefs(a.CutRefs, b.CutRefs), Ceil: max(a.Ceil, b.Ceil)}
}

// with is c and one version more, the newest.
func with(c *wire.Context, hash uint64, v wire.CausalVersion) wire.Context {
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
	var old []wire.Position
	for i := range c.Exact[:n] {
		v := &c.Exact[i].Version
		old = further(old, v.Dot)
		if !mutant.On(mutant.CausalNoCeil) {
			c.Ceil = max(c.Ceil, v.Counter)
		}
	}
	c.Vector = join(c.Vector, gather(old))
	c.Exact = c.Exact[n:]
	return c
}

// further is a list of positions with one dot more, still one a stream as long as there
// are few.
func further(list []wire.Position, dot wire.Dot) []wire.Position {
	for i := range list[max(0, len(list)-16):] {
		if p := &list[len(list)-1-i]; p.Stream == dot.Stream {
			p.N = max(p.N, dot.N)
			return list
		}
	}
	return append(list, wire.Position(dot))
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

// isLost reports that a version of the key with this hash is not here, and that nobody
// has it (docs/causal.md §10).
type isLost func(hash uint64, v wire.CausalVersion) bool

// seen is the context of who had c and has read an item.
func seen(c *wire.Context, item *wire.Item, lost isLost) wire.Context {
	d := &item.Deps
	if mutant.On(mutant.CausalNotTransitive) {
		d = &wire.Context{}
	}
	shown := []wire.Dependency{{Hash: hashing.Hash(item.Key), Version: item.Version}}
	return newest(around(d, c), lost, shown, d.Exact, c.Exact)
}

// ListContext is what a client has seen that was answered a Read of kind ReadItems with
// these items. limits must be those of the replica.
func ListContext(limits Limits, read *core.Read, items iter.Seq[*wire.Item]) wire.Context {
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
		c.CutRefs, c.Ceil = unionRefs(c.CutRefs, d.CutRefs), max(c.Ceil, d.Ceil)
	}
	vector := make(wire.Vector, 0, len(reached))
	for stream, n := range reached { //maporder:ok gather sorts
		vector = append(vector, wire.Position{Stream: stream, N: n})
	}
	c.Vector = join(c.Vector, gather(vector))
	c = newest(c, outlived(&read.Context, own), own, read.Context.Exact, deps)
	n := &compactor{limits.Vector, read.StableCut, read.Subsumed}
	return n.bound(c, limits.Exact, maxContextBytes)
}

// outlived is what a context names of keys of which a listing shows less: it is lost, or
// that would not be shown.
func outlived(c *wire.Context, shown []wire.Dependency) isLost {
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

// newest gives a context the entries of lists, of which the later are newer, and of what
// is shown, which is the newest. Of two versions of one hash the larger stays, in the
// place of the newer; but what is lost takes no smaller one's place: it is folded (I14).
func newest(c wire.Context, lost isLost, shown []wire.Dependency, lists ...[]wire.Dependency) wire.Context {
	n := len(shown)
	for _, list := range lists {
		n += len(list)
	}
	if lost == nil || mutant.On(mutant.CausalLostStaysInContext) {
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
				c.Vector = reach(c.Vector, larger.Dot.Stream, larger.Dot.N)
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
