package version

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// meaning is a context in a form for comparison: the order of entries does not count, and nil and an
// empty list are equal.
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

// union is the union of two contexts (docs/causal.md §2, rule 1). The entries of b are newer.
func union(a, b *wire.Context) wire.Context {
	switch {
	case b.IsZero():
		return *a
	case a.IsZero():
		return *b
	}
	return newest(UnionFolded(a, b), nil, nil, a.Exact, b.Exact)
}

func TestAUnionIsTheSameInAnyOrderAndAnyNumberOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Context.Draw(t, "a"), draw.Context.Draw(t, "b"), draw.Context.Draw(t, "c")
		ab, bc := union(&a, &b), union(&b, &c)
		sameMeaning(t, "b with a", ab, union(&b, &a))
		sameMeaning(t, "(a, b), c and a, (b, c)", union(&ab, &c), union(&a, &bc))
		sameMeaning(t, "a with itself", union(&a, &a), a)
		sameMeaning(t, "a, b with a", union(&ab, &a), ab)
	})
}

func TestAUnionSaysNoLessThanItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Context.Draw(t, "a"), draw.Context.Draw(t, "b")
		u := union(&a, &b)
		for _, part := range []*wire.Context{&a, &b} {
			for _, d := range part.Exact {
				if Named(&u, d.Hash).Compare(d.Version) < 0 {
					t.Fatalf("of hash %d the union has %v", d.Hash, Named(&u, d.Hash))
				}
			}
			for _, id := range part.CutRefs {
				if !slices.Contains(u.CutRefs, id) {
					t.Fatalf("the name %v is gone", id)
				}
			}
			if !Within(part.Vector, u.Vector) || u.Ceil < part.Ceil {
				t.Fatalf("vector %v, ceil %d", u.Vector, u.Ceil)
			}
		}
	})
}

// folded reports that a context has a version in its folded part: dot in the vector, counter below
// the ceil.
func folded(c *wire.Context, v wire.CausalVersion) bool {
	return c.Vector.At(v.Dot.Stream) >= v.Dot.N && c.Ceil >= v.Counter
}

// TestFoldKeepsWhatAContextMeans is I17 where entries leave a context.
func TestFoldKeepsWhatAContextMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, limit := draw.Context.Draw(t, "context"), rapid.IntRange(0, 5).Draw(t, "limit")
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
		if !Within(c.Vector, f.Vector) || f.Ceil < c.Ceil || !slices.Equal(f.CutRefs, c.CutRefs) {
			t.Fatalf("what had been folded before is lost: %+v", f)
		}
	})
}

func TestNothingThatWasHandedOverIsWrittenTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, d := draw.Context.Draw(t, "a"), draw.Context.Draw(t, "b"), draw.Dependency.Draw(t, "d")
		before, beforeB := clone(a), clone(b)
		union(&a, &b)
		fold(a, 1)
		With(&a, d.Hash, d.Version)
		Without(&a, d.Hash)
		Seen(&a, &wire.Item{Key: "k", Version: d.Version, Deps: b}, func(uint64, wire.CausalVersion) bool { return true })
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
		c, deps, v := draw.Context.Draw(t, "context"), draw.Context.Draw(t, "deps"), draw.Version.Draw(t, "version")
		deps = Without(&deps, hashing.Hash("k")) // it is above that
		if last := Named(&c, hashing.Hash("k")); last.Compare(v) > 0 {
			c = Without(&c, hashing.Hash("k"))
		}
		got := Seen(&c, &wire.Item{Key: "k", Version: v, Deps: deps}, nil)
		both := union(&deps, &c)
		sameMeaning(t, "but for the item", Without(&got, hashing.Hash("k")), Without(&both, hashing.Hash("k")))
		if newest := got.Exact[len(got.Exact)-1]; newest != (wire.Dependency{Hash: hashing.Hash("k"), Version: v}) {
			t.Fatalf("the newest entry is %v", newest)
		}
	})
}

// TestWhatWasReadAfterALossIsNamed: a client names a lost version and is shown a smaller one. Later
// reads of any keys must not let it be shown less than that (I14).
func TestWhatWasReadAfterALossIsNamed(t *testing.T) {
	version := func(counter uint64, node ids.Node, n uint64) wire.CausalVersion {
		return wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: wire.Stream{Node: node, Boot: 1}, N: n}}
	}
	gone, shown, later := version(10, 1, 5), version(8, 2, 3), version(11, 2, 4)
	lost := func(hash uint64, v wire.CausalVersion) bool { return hash == hashing.Hash("k") && v == gone }
	before := wire.Context{Exact: []wire.Dependency{{Hash: hashing.Hash("k"), Version: gone}}}
	item := &wire.Item{Key: "k", Version: shown}
	other := &wire.Item{Key: "o", Version: version(1, 3, 1), Deps: before} // written before the loss, by a client that had seen the lost version
	read := Seen(&before, item, lost)
	unaware := Seen(&wire.Context{}, item, lost)
	for what, c := range map[string]wire.Context{
		"a read":             read,
		"a listing":          SeenList(&before, slices.Values([]*wire.Item{item, other})),
		"then another key":   Seen(&read, other, lost),
		"another key, later": Seen(&unaware, other, lost),
	} {
		if Named(&c, hashing.Hash("k")) != shown || !folded(&c, gone) {
			t.Errorf("%s: %+v, want %v to be named and %v to be folded", what, c, shown, gone)
		}
	}
	again := Seen(&read, &wire.Item{Key: "k", Version: later}, lost)
	if v := Named(&again, hashing.Hash("k")); v != later {
		t.Errorf("a later read leaves %v named", v)
	}
	// A dependency of a listed item may still arrive, so it stays exact, and a read of its key waits.
	behind := SeenList(&wire.Context{}, slices.Values([]*wire.Item{item, other}))
	if v := Named(&behind, hashing.Hash("k")); v != gone || len(behind.Vector) > 0 {
		t.Errorf("a listing leaves %v named, vector %v, of what another of its items depends on", v, behind.Vector)
	}
	// A shown version is here, even if its stream counts as lost.
	mine := Seen(&before, &wire.Item{Key: "k", Version: later}, func(uint64, wire.CausalVersion) bool { return true })
	if v := Named(&mine, hashing.Hash("k")); v != later || len(mine.Vector) > 0 {
		t.Errorf("what is shown leaves %v named, vector %v", v, mine.Vector)
	}
}

func TestAListingAddsAllItsItemsWithinTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, limit := draw.Context.Draw(t, "context"), rapid.IntRange(1, 4).Draw(t, "limit")
		var items []*wire.Item
		for i, v := range rapid.SliceOfN(draw.Version, 0, 8).Draw(t, "versions") {
			items = append(items, &wire.Item{Key: string(rune('a' + i)), Version: v, Deps: draw.Context.Draw(t, "deps")})
		}
		got := (&Compactor{}).Bound(SeenList(&c, slices.Values(items)), limit, MaxContextBytes)
		for _, item := range items {
			v := item.Version
			exact := Named(&got, hashing.Hash(item.Key)) == v
			if !exact && !folded(&got, v) {
				t.Fatalf("%s %v is lost in %+v", item.Key, v, got)
			}
		}
		if len(items) > 0 && len(got.Exact) > limit {
			t.Fatalf("%d entries, at most %d are allowed", len(got.Exact), limit)
		}
	})
}
