package causal

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Of everything that makes a version there are few, so that they meet.
var (
	streamGen = rapid.Custom(func(t *rapid.T) wire.Stream {
		return wire.Stream{
			View: ids.View{Number: rapid.Uint64Range(1, 2).Draw(t, "view")},
			Node: ids.Node(rapid.IntRange(0, 2).Draw(t, "node")),
			Boot: ids.Boot(rapid.IntRange(1, 2).Draw(t, "boot")),
		}
	})
	positionGen = rapid.Custom(func(t *rapid.T) wire.Position {
		return wire.Position{Stream: streamGen.Draw(t, "stream"), N: rapid.Uint64Range(0, 4).Draw(t, "n")}
	})
	vectorGen  = rapid.Map(rapid.SliceOfN(positionGen, 0, 6), gather)
	versionGen = rapid.Custom(func(t *rapid.T) wire.CausalVersion {
		p := positionGen.Draw(t, "dot")
		return wire.CausalVersion{Counter: rapid.Uint64Range(1, 4).Draw(t, "counter"), Dot: wire.Dot{Stream: p.Stream, N: p.N + 1}}
	})
	dependencyGen = rapid.Custom(func(t *rapid.T) wire.Dependency {
		return wire.Dependency{Hash: rapid.Uint64Range(0, 5).Draw(t, "hash"), Version: versionGen.Draw(t, "version")}
	})
	contextGen = rapid.Custom(func(t *rapid.T) wire.Context {
		c := wire.Context{Vector: vectorGen.Draw(t, "vector"), Ceil: rapid.Uint64Range(0, 3).Draw(t, "ceil")}
		for _, d := range rapid.SliceOfN(dependencyGen, 0, 5).Draw(t, "exact") {
			c = with(&c, d.Hash, d.Version)
		}
		for n := range rapid.Uint64Range(0, 2).Draw(t, "names") {
			c.CutRefs = append(c.CutRefs, ids.View{Number: n + 1})
		}
		return c
	})
)

// meaning is a context without the order of its entries, and without the difference
// between nothing and an empty list.
func meaning(c wire.Context) wire.Context {
	c.Exact = append([]wire.Dependency{}, c.Exact...)
	slices.SortFunc(c.Exact, func(a, b wire.Dependency) int { return cmp.Compare(a.Hash, b.Hash) })
	c.Vector, c.CutRefs = append(wire.Vector{}, c.Vector...), append([]ids.View{}, c.CutRefs...)
	return c
}

func sameMeaning(t *rapid.T, what string, a, b wire.Context) {
	if d := gocmp.Diff(meaning(a), meaning(b)); d != "" {
		t.Fatalf("%s: %s", what, d)
	}
}

// union is what depends on all that a or b depends on; b's entries count as newer.
func union(a, b *wire.Context) wire.Context {
	switch {
	case b.IsZero():
		return *a
	case a.IsZero():
		return *b
	}
	return newest(around(a, b), nil, nil, a.Exact, b.Exact)
}

func TestAUnionIsTheSameInAnyOrderAndAnyNumberOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := contextGen.Draw(t, "a"), contextGen.Draw(t, "b"), contextGen.Draw(t, "c")
		ab, bc := union(&a, &b), union(&b, &c)
		sameMeaning(t, "b with a", ab, union(&b, &a))
		sameMeaning(t, "(a, b), c and a, (b, c)", union(&ab, &c), union(&a, &bc))
		sameMeaning(t, "a with itself", union(&a, &a), a)
		sameMeaning(t, "a, b with a", union(&ab, &a), ab)
	})
}

func TestAUnionSaysNoLessThanItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := contextGen.Draw(t, "a"), contextGen.Draw(t, "b")
		u := union(&a, &b)
		for _, part := range []*wire.Context{&a, &b} {
			for _, d := range part.Exact {
				if named(&u, d.Hash).Compare(d.Version) < 0 {
					t.Fatalf("of hash %d the union has %v", d.Hash, named(&u, d.Hash))
				}
			}
			for _, id := range part.CutRefs {
				if !slices.Contains(u.CutRefs, id) {
					t.Fatalf("the name %v is gone", id)
				}
			}
			if !within(part.Vector, u.Vector) || u.Ceil < part.Ceil {
				t.Fatalf("vector %v, ceil %d", u.Vector, u.Ceil)
			}
		}
	})
}

// folded reports that a context says of a version what is left when it is not exact.
func folded(c *wire.Context, v wire.CausalVersion) bool {
	return c.Vector.At(v.Dot.Stream) >= v.Dot.N && c.Ceil >= v.Counter
}

// TestFoldKeepsWhatAContextMeans is I17 at the place where entries leave.
func TestFoldKeepsWhatAContextMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, limit := contextGen.Draw(t, "context"), rapid.IntRange(0, 5).Draw(t, "limit")
		f := fold(c, limit)
		left := max(0, len(c.Exact)-limit)
		for _, d := range c.Exact[:left] {
			if !folded(&f, d.Version) {
				t.Fatalf("%v is lost: vector %v, ceil %d", d, f.Vector, f.Ceil)
			}
		}
		if !slices.Equal(f.Exact, c.Exact[left:]) {
			t.Fatalf("the newest %d of %v should stay, not %v", limit, c.Exact, f.Exact)
		}
		if !within(c.Vector, f.Vector) || f.Ceil < c.Ceil || !slices.Equal(f.CutRefs, c.CutRefs) {
			t.Fatalf("what had been folded before is lost: %+v", f)
		}
	})
}

func TestNothingThatWasHandedOverIsWrittenTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, d := contextGen.Draw(t, "a"), contextGen.Draw(t, "b"), dependencyGen.Draw(t, "d")
		before, beforeB := clone(a), clone(b)
		union(&a, &b)
		fold(a, 1)
		with(&a, d.Hash, d.Version)
		without(&a, d.Hash)
		seen(&a, &wire.Item{Key: "k", Version: d.Version, Deps: b}, func(uint64, wire.CausalVersion) bool { return true })
		if diff := gocmp.Diff(before, a) + gocmp.Diff(beforeB, b); diff != "" {
			t.Fatal(diff)
		}
	})
}

func clone(c wire.Context) wire.Context {
	c.Exact, c.Vector, c.CutRefs = slices.Clone(c.Exact), slices.Clone(c.Vector), slices.Clone(c.CutRefs)
	return c
}

func TestWhoReadsAnItemDependsOnItAndOnWhatItDependedOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, deps, v := contextGen.Draw(t, "context"), contextGen.Draw(t, "deps"), versionGen.Draw(t, "version")
		deps = without(&deps, hashing.Hash("k")) // it is above that
		if last := named(&c, hashing.Hash("k")); last.Compare(v) > 0 {
			c = without(&c, hashing.Hash("k"))
		}
		got := seen(&c, &wire.Item{Key: "k", Version: v, Deps: deps}, nil)
		both := union(&deps, &c)
		sameMeaning(t, "but for the item", without(&got, hashing.Hash("k")), without(&both, hashing.Hash("k")))
		if newest := got.Exact[len(got.Exact)-1]; newest != (wire.Dependency{Hash: hashing.Hash("k"), Version: v}) {
			t.Fatalf("the newest entry is %v", newest)
		}
	})
}

// TestWhatWasReadAfterALossIsNamed: who names what is lost, and is shown less, must not
// be shown less than that elsewhere, whatever else it reads.
func TestWhatWasReadAfterALossIsNamed(t *testing.T) {
	version := func(counter uint64, node ids.Node, n uint64) wire.CausalVersion {
		return wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: wire.Stream{Node: node, Boot: 1}, N: n}}
	}
	gone, shown, later := version(10, 1, 5), version(8, 2, 3), version(11, 2, 4)
	lost := func(hash uint64, v wire.CausalVersion) bool { return hash == hashOf("k") && v == gone }
	before := wire.Context{Exact: []wire.Dependency{{Hash: hashOf("k"), Version: gone}}}
	item := &wire.Item{Key: "k", Version: shown}
	other := &wire.Item{Key: "o", Version: version(1, 3, 1), Deps: before} // was written when what is lost was there
	read := seen(&before, item, lost)
	unaware := seen(&wire.Context{}, item, lost)
	for what, c := range map[string]wire.Context{
		"a read":             read,
		"a listing":          ListContext(Limits{}, &core.Read{Context: before}, slices.Values([]*wire.Item{item, other})),
		"then another key":   seen(&read, other, lost),
		"another key, later": seen(&unaware, other, lost),
	} {
		if named(&c, hashOf("k")) != shown || !folded(&c, gone) {
			t.Errorf("%s: %+v, want %v to be named and %v to be folded", what, c, shown, gone)
		}
	}
	again := seen(&read, &wire.Item{Key: "k", Version: later}, lost)
	if v := named(&again, hashOf("k")); v != later {
		t.Errorf("a later read leaves %v named", v)
	}
	// What the items of a list depend on may be under way: it is waited for by its key.
	behind := ListContext(Limits{}, &core.Read{}, slices.Values([]*wire.Item{item, other}))
	if v := named(&behind, hashOf("k")); v != gone || len(behind.Vector) > 0 {
		t.Errorf("a listing leaves %v named, vector %v, of what another of its items depends on", v, behind.Vector)
	}
	// What is shown is here, whatever is said of its stream.
	mine := seen(&before, &wire.Item{Key: "k", Version: later}, func(uint64, wire.CausalVersion) bool { return true })
	if v := named(&mine, hashOf("k")); v != later || len(mine.Vector) > 0 {
		t.Errorf("what is shown leaves %v named, vector %v", v, mine.Vector)
	}
}

func TestAListingAddsAllItsItemsWithinTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, limit := contextGen.Draw(t, "context"), rapid.IntRange(1, 4).Draw(t, "limit")
		var items []*wire.Item
		for i, v := range rapid.SliceOfN(versionGen, 0, 8).Draw(t, "versions") {
			items = append(items, &wire.Item{Key: string(rune('a' + i)), Version: v, Deps: contextGen.Draw(t, "deps")})
		}
		got := ListContext(Limits{Exact: limit}, &core.Read{Context: c}, slices.Values(items))
		for _, item := range items {
			v := item.Version
			exact := named(&got, hashing.Hash(item.Key)) == v
			if !exact && !folded(&got, v) {
				t.Fatalf("%s %v is lost in %+v", item.Key, v, got)
			}
		}
		if len(items) > 0 && len(got.Exact) > limit {
			t.Fatalf("%d entries, at most %d are allowed", len(got.Exact), limit)
		}
	})
}

// TestAListingIsNoLessThanItsClientHasSeen: what K has and is more than an item was
// deleted, whatever the item is; what only is lost is not.
func TestAListingIsNoLessThanItsClientHasSeen(t *testing.T) {
	r := bare()
	stream := wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}
	seen := func(key string, n uint64) wire.Dependency {
		at := r.slots.space.Slot(hashOf(key))
		r.hold(at)
		s := &r.slots.all[at]
		s.owned, s.known = true, wire.Vector{{Stream: stream, N: 5}}
		return wire.Dependency{Hash: hashOf(key), Version: wire.CausalVersion{Counter: n, Dot: wire.Dot{Stream: stream, N: n}}}
	}
	c := wire.Context{Exact: []wire.Dependency{seen("deleted", 4), seen("newer", 3), seen("equal", 2), seen("lost", 9)}}
	item := func(key string, counter uint64) *wire.Item {
		return &wire.Item{Key: key, Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: stream, N: counter}}}
	}
	items := []*wire.Item{item("deleted", 3), item("newer", 6), item("equal", 2), item("lost", 8), item("never seen", 1)}
	read := &core.Read{Kind: core.ReadItems, Context: c, Known: r.knownOf(&c)}
	var keys []string
	for it := range Listed(read, slices.Values(items)) {
		keys = append(keys, it.Key)
	}
	if want := []string{"newer", "equal", "lost", "never seen"}; !slices.Equal(keys, want) {
		t.Errorf("lists %q, want %q", keys, want)
	}
}
