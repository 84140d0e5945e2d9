package footprint_test

import (
	"testing"
	"unsafe"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// itemGen makes items whose lists may have spare capacity.
var itemGen = rapid.Custom(func(t *rapid.T) wire.Item {
	n := rapid.SliceOfN(rapid.IntRange(0, 5), 6, 6).Draw(t, "lengths")
	return wire.Item{
		Key: rapid.StringN(0, 9, 9).Draw(t, "key"), Value: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "value"),
		Deps: wire.Context{
			Exact:   make([]wire.Dependency, n[0], n[0]+n[1]),
			Vector:  make(wire.Vector, n[2], n[2]+n[3]),
			CutRefs: make([]ids.View, n[4], n[4]+n[5]),
		},
	}
})

func TestADetachedItemIsEqualAndTakesNoMoreThanTheOriginal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := itemGen.Draw(t, "item")
		copied := footprint.Detach(&item)
		if d := gocmp.Diff(item, copied); d != "" {
			t.Fatal(d)
		}
		tight := footprint.Context(len(item.Deps.Exact), len(item.Deps.Vector), len(item.Deps.CutRefs))
		bare := copied
		bare.Deps = wire.Context{}
		if got, want := footprint.Item(&copied), footprint.Item(&bare)+tight; got != want {
			t.Fatalf("a detached item takes %d, want %d", got, want)
		}
		if footprint.Item(&copied) > footprint.Item(&item) {
			t.Fatalf("a detached item takes %d, the original %d", footprint.Item(&copied), footprint.Item(&item))
		}
	})
}

func TestADetachedItemHoldsNothingOfTheMessage(t *testing.T) {
	message := []byte("a key and a value, and much else")
	item := wire.Item{Key: unsafe.String(&message[2], 3), Value: message[10:15]}
	copied := footprint.Detach(&item)
	clear(message)
	if copied.Key != "key" || string(copied.Value) != "a val" {
		t.Errorf("key %q, value %q", copied.Key, copied.Value)
	}
}

// TestTheFiguresAreNotBelowTheSizes fails when a struct grows and its figure does not.
func TestTheFiguresAreNotBelowTheSizes(t *testing.T) {
	for _, c := range []struct {
		name   string
		figure int
		size   uintptr
	}{
		{"item", footprint.Item(&wire.Item{}), unsafe.Sizeof(wire.Item{})},
		{"dependency", footprint.Context(2, 0, 0) - footprint.Context(1, 0, 0), unsafe.Sizeof(wire.Dependency{})},
		{"position", footprint.Position, unsafe.Sizeof(wire.Position{})},
		{"stable-cut reference", footprint.Context(0, 0, 2) - footprint.Context(0, 0, 1), unsafe.Sizeof(ids.View{})},
	} {
		if c.figure < int(c.size) {
			t.Errorf("%s: %d bytes are counted, it has %d", c.name, c.figure, c.size)
		}
	}
}

func TestEqualVectorsShareTheirMemory(t *testing.T) {
	vector := func(n uint64, length int) wire.Vector {
		v := make(wire.Vector, length)
		for i := range v {
			v[i].N = n
		}
		return v
	}
	var v footprint.Vectors
	first := v.Shared(vector(1, 4))
	for n := range uint64(16) { // as many vectors as are remembered
		if got := v.Shared(vector(1, 4)); n == 0 && &got[0] != &first[0] {
			t.Error("an equal vector is stored twice")
		}
		v.Shared(vector(2+n, 4))
	}
	if got := v.Shared(vector(1, 4)); &got[0] == &first[0] {
		t.Error("a vector is remembered for ever")
	}
	short := v.Shared(vector(1, 3))
	if got := v.Shared(vector(1, 3)); &got[0] == &short[0] {
		t.Error("a short vector is looked for")
	}
}
