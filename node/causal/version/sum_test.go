package version

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestASumDoesNotDependOnTheOrderOfItsItems(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.SliceOfN(draw.Version, 0, 10).Draw(t, "versions")
		var a, b wire.Sum
		for i, v := range versions {
			AddItem(&a, ItemHash(uint64(i), &wire.Item{Version: v}))
		}
		before := b
		gone := ItemHash(99, &wire.Item{Version: wire.CausalVersion{Counter: 1}})
		AddItem(&b, gone)
		order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(len(versions))
		for _, i := range order {
			AddItem(&b, ItemHash(uint64(i), &wire.Item{Version: versions[i]}))
		}
		RemoveItem(&b, gone)
		if a != b {
			t.Fatalf("%v, and in another order %v", a, b)
		}
		for i, v := range versions {
			RemoveItem(&b, ItemHash(uint64(i), &wire.Item{Version: v}))
		}
		if b != before {
			t.Fatalf("with everything taken out: %v", b)
		}
	})
}

func TestEveryPartOfAnItemIsInItsDigest(t *testing.T) {
	item := &wire.Item{}
	v, deps := &item.Version, &item.Deps
	s := &v.Dot.Stream
	known := map[uint64]bool{ItemHash(0, item): true, ItemHash(1<<63, item): true}
	for i, change := range []func(){
		func() { v.Counter++ }, func() { v.Dot.N++ }, func() { s.Node++ }, func() { s.Boot++ },
		func() { s.View.Number++ }, func() { s.View.Author++ }, func() { s.View.Boot++ },
		func() { item.Value = []byte("v") }, func() { item.Value = []byte("w") }, func() { item.ContentType = "text/plain" },
		func() { item.Deleted, item.Value, item.ContentType = true, nil, "" },
		func() { deps.Exact = []wire.Dependency{{}} }, func() { deps.Exact[0].Hash++ }, func() { deps.Exact[0].Version.Counter++ },
		func() { deps.Exact[0].Version.Dot.N++ }, func() { deps.Exact[0].Version.Dot.Stream.Node++ },
		func() { deps.Vector = wire.Vector{{N: 1}} }, func() { deps.Vector[0].Stream.View.Author++ },
		func() { deps.CutRefs = []ids.View{{Number: 1}} }, func() { deps.CutRefs[0].Boot++ }, func() { deps.Ceil = 1 },
	} {
		change()
		if d := ItemHash(0, item); known[d] {
			t.Errorf("after change %d the digest of %+v is that of another", i, item)
		} else {
			known[d] = true
		}
	}
}
