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
	return newest(around(a, b), saidBy(a), saidBy(b))
}

// around is the union of a and b but for their exact entries.
func around(a, b *wire.Context) wire.Context {
	return wire.Context{Vector: join(a.Vector, b.Vector), Names: names(a.Names, b.Names), Ceil: max(a.Ceil, b.Ceil)}
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
	d := &item.Deps
	if mutant.On(mutant.CausalNotTransitive) {
		d = &wire.Context{}
	}
	own := []wire.Dependency{{Hash: hashing.Hash(item.Key), Version: item.Version}}
	return newest(around(d, c), saidBy(d), saidBy(c), shown(c, own))
}

// ListContext is what a client has seen that was answered a Read of kind ReadItems with
// these items. limits must be those of the replica.
func ListContext(limits Limits, read *wire.Read, items iter.Seq[*wire.Item]) wire.Context {
	limits = limits.withDefaults()
	c := read.Context
	lists := []said{saidBy(&c)}
	var own []wire.Dependency
	reached := map[wire.Stream]uint64{}
	for item := range items {
		own = append(own, wire.Dependency{Hash: hashing.Hash(item.Key), Version: item.Version})
		if mutant.On(mutant.CausalNotTransitive) {
			continue
		}
		d := &item.Deps
		lists = append(lists, saidBy(d))
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
	c = newest(c, append(lists, shown(&read.Context, own))...)
	n := &namer{limits.Vector, read.Floor, read.Outdone}
	return n.bound(c, limits.Exact, maxContextBytes)
}

// said are exact entries, and what was known when they were named.
type said struct {
	exact  []wire.Dependency
	vector wire.Vector
}

func saidBy(c *wire.Context) said { return said{c.Exact, c.Vector} }

// shown is what a client with a context is shown. Where that has more of a key, it is
// lost, or less would not be shown (docs/causal.md §10).
func shown(c *wire.Context, own []wire.Dependency) said {
	s := said{exact: own}
	for _, d := range own {
		if v := named(c, d.Hash); v.Compare(d.Version) > 0 {
			s.vector = reach(s.vector, v.Dot.Stream, v.Dot.N)
		}
	}
	return s
}

// despite reports that what is said was said in the knowledge of a larger version, and
// of its loss.
func (s *said) despite(larger wire.CausalVersion) bool {
	return !mutant.On(mutant.CausalLostStays) && s.vector.At(larger.Dot.Stream) >= larger.Dot.N
}

// newest gives a context the entries of lists, of which the later are newer. Of two
// versions of one hash the larger stays, in the place of the newer; but if the smaller
// was named despite it, that stays, and the larger is folded (I14).
func newest(c wire.Context, lists ...said) wire.Context {
	n := 0
	for i := range lists {
		n += len(lists[i].exact)
	}
	all := make([]wire.Dependency, n)
	var at int
	if n <= wire.MaxIndexed {
		var index wire.HashIndex
		var from [wire.MaxIndexed]uint32
		at = merge(&c, lists, all, from[:n], index.Place)
	} else {
		places := make(map[uint64]int, n)
		at = merge(&c, lists, all, make([]uint32, n), func(hash uint64, at int) (int, bool) {
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

// merge fills all, from the end, with the entries of lists, and from with which list
// each is of. It returns where they begin.
func merge(c *wire.Context, lists []said, all []wire.Dependency, from []uint32, place func(hash uint64, at int) (int, bool)) int {
	at := len(all)
	for i := len(lists) - 1; i >= 0; i-- {
		list := &lists[i]
		for j := len(list.exact) - 1; j >= 0; j-- {
			d := &list.exact[j]
			k, known := place(d.Hash, at-1)
			if !known {
				at--
				all[at], from[at] = *d, uint32(i)
				continue
			}
			have := &all[k]
			switch order := d.Version.Compare(have.Version); {
			case order > 0 && lists[from[k]].despite(d.Version):
				foldVersion(c, d.Version)
				continue
			case order < 0 && list.despite(have.Version):
				foldVersion(c, have.Version)
			case order <= 0:
				continue
			}
			have.Version, from[k] = d.Version, uint32(i)
		}
	}
	return at
}

// foldVersion has a context say of a version what fold leaves of it.
func foldVersion(c *wire.Context, v wire.CausalVersion) {
	c.Vector = reach(c.Vector, v.Dot.Stream, v.Dot.N)
	c.Ceil = max(c.Ceil, v.Counter)
}
