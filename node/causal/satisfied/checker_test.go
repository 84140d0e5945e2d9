package satisfied

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// noStreams are the streams of a node that has written nothing.
type noStreams struct{}

func (noStreams) Durable(wire.Stream, uint64, bool) bool { return false }
func (noStreams) Got(wire.Stream, uint64) bool           { return false }
func (noStreams) Vector(bool) wire.Vector                { return nil }

// stream is of a view that the node knows, in which node 2 owned all slots.
var stream = wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}

func at(n uint64) wire.Vector { return wire.Vector{{Stream: stream, N: n}} }

func dot(n uint64) wire.Dot { return wire.Dot{Stream: stream, N: n} }

// seen is an exact entry for the write n of a key, which has the counter n.
func seen(key string, n uint64) wire.Dependency {
	return wire.Dependency{Hash: hashing.Hash(key), Version: wire.CausalVersion{Counter: n, Dot: dot(n)}}
}

func item(key string, n uint64) *wire.Item {
	return &wire.Item{Key: key, Version: wire.CausalVersion{Counter: n, Dot: dot(n)}}
}

// checker is a node that owns all slots, and whose durable K has the first five writes of stream.
func checker() *Checker {
	known := catalog.New(3)
	known.Add(wire.KnownView{ID: stream.View, Layout: wire.Layout{Shards: []wire.Shard{{Members: []wire.Member{{ID: 2}}}}}})
	var boots *loss.Boots
	t := slots.New(3, noStreams{}, func(s wire.Stream) bool { return boots.StreamEnded(s) })
	boots = loss.New(step.New(wire.NodeBoot{Node: 1, Boot: 1}, &core.Outbox{}), &t)
	t.Assign(func(hashing.Slot) bool { return true }, false, true, 0)
	for i := range t.Len() {
		t.Grow(hashing.Slot(i), at(5), 0, false)
	}
	t.Apply(t.TakeGrowth(), func(hashing.Slot) {})
	return New(&t, &known, boots, membership.New(1, &known, func() bool { return false }))
}

func TestWhenARequestMustWait(t *testing.T) {
	cut := func(number uint64, n uint64, common bool) wire.KnownView {
		return wire.KnownView{ID: ids.View{Number: number}, HasStableCut: true, StableCut: at(n), Common: common}
	}
	other := wire.Stream{View: ids.View{Number: 77}, Node: 3, Boot: 3}
	for _, c := range []struct {
		name            string
		context         wire.Context
		behind, folded  bool // of the key k
		listable        bool
		suspect, asking bool // the boot of stream; for an unknown view
	}{
		{"nothing seen", wire.Context{}, false, true, true, false, false},
		{"what K has", wire.Context{Exact: []wire.Dependency{seen("k", 5)}, Vector: at(5)}, false, true, true, false, false},
		{"a newer version of the key", wire.Context{Exact: []wire.Dependency{seen("k", 6)}}, true, true, false, true, false},
		{"a newer version of another key", wire.Context{Exact: []wire.Dependency{seen("other", 6)}}, false, true, false, true, false},
		{"a newer position", wire.Context{Vector: at(6)}, false, false, false, true, false},
		{"a position of an unknown view", wire.Context{Vector: wire.Vector{{Stream: other, N: 1}}}, false, false, false, true, true},
		{"a common cut", wire.Context{CutRefs: []ids.View{{Number: 8}}}, false, true, true, false, false},
		{"a common cut that is newer", wire.Context{CutRefs: []ids.View{{Number: 9}}}, false, false, false, true, false},
		{"a cut that not all know", wire.Context{CutRefs: []ids.View{{Number: 10}}}, false, false, false, false, true},
	} {
		k := checker()
		for _, v := range []wire.KnownView{cut(8, 5, true), cut(9, 6, true), cut(10, 5, false)} {
			k.catalog.Add(v)
		}
		hash := hashing.Hash("k")
		if got := k.Behind(&c.context, hash); got != c.behind {
			t.Errorf("%s: behind %t", c.name, got)
		}
		if got := k.Folded(&c.context, k.slots.Space().Slot(hash)); got != c.folded {
			t.Errorf("%s: the folded part is satisfied %t", c.name, got)
		}
		if got := k.Listable(&c.context); got != c.listable {
			t.Errorf("%s: listable %t", c.name, got)
		}
		if k.boots.Suspecting() != c.suspect || len(k.catalog.Unknown()) > 0 != c.asking {
			t.Errorf("%s: suspects %t, unknown views %v", c.name, k.boots.Suspecting(), k.catalog.Unknown())
		}
	}
}

// TestWhatIsLostIsNotWaitedForAndSparesNoCeil: a lost version may turn up again.
func TestWhatIsLostIsNotWaitedForAndSparesNoCeil(t *testing.T) {
	k := checker()
	k.slots.EndInquiry(at(9))
	c := wire.Context{Exact: []wire.Dependency{seen("k", 8)}, Vector: at(9), Ceil: 30}
	if k.Behind(&c, hashing.Hash("k")) || !k.Folded(&c, k.slots.Space().Slot(hashing.Hash("k"))) || !k.Listable(&c) {
		t.Error("a lost version is waited for")
	}
	if got := k.CounterBelow(&c, "k", nil); got != 30 {
		t.Errorf("a write is above %d", got)
	}
	if got := k.Known(&wire.Context{Exact: []wire.Dependency{seen("k", 8), seen("z", 5), seen("a", 4)}}); len(got) != 2 || got[0].Hash > got[1].Hash {
		t.Errorf("known are %v", got)
	}
}

func TestWhatAWriteMustBeAbove(t *testing.T) {
	for _, c := range []struct {
		name     string
		context  wire.Context
		old      *wire.Item
		gc, want uint64
	}{
		{"nothing", wire.Context{}, nil, 0, 0},
		{"what is stored", wire.Context{}, item("k", 3), 0, 3},
		{"what the client has seen of the key", wire.Context{Exact: []wire.Dependency{seen("k", 7), seen("other", 9)}}, item("k", 3), 0, 7},
		{"what was collected", wire.Context{}, item("k", 3), 8, 8},
		{"what was folded and is not here", wire.Context{Vector: at(6), Ceil: 20}, nil, 0, 20},
		{"what was folded and is here", wire.Context{Vector: at(5), Ceil: 20}, item("k", 3), 0, 3},
	} {
		k := checker()
		k.slots.RaiseGCCounter(k.slots.Space().Slot(hashing.Hash("k")), c.gc)
		if got := k.CounterBelow(&c.context, "k", c.old); got != c.want {
			t.Errorf("%s: above %d, want %d", c.name, got, c.want)
		}
	}
}

// TestAWriteIsAboveWhatIsKeptAside writes a key of a slot that is not ready, while some of its items
// are kept aside (I13).
func TestAWriteIsAboveWhatIsKeptAside(t *testing.T) {
	k := checker()
	k.slots.Assign(func(hashing.Slot) bool { return true }, false, false, 0)
	for _, i := range []*wire.Item{item("k", 3), item("other", 9), item("k", 4), item("k", 2)} {
		k.slots.Keep(hashing.Hash("k"), i)
	}
	if got := k.CounterBelow(&wire.Context{}, "k", item("k", 1)); got != 4 {
		t.Errorf("above %d, want 4", got)
	}
	k.slots.Serve(k.slots.Space().Slot(hashing.Hash("k")))
	if got := k.CounterBelow(&wire.Context{}, "k", item("k", 1)); got != 1 {
		t.Errorf("above %d once the slot is ready, want 1", got)
	}
}

// TestAWriteNamesTheVersionOfItsKeyThatKLacks is docs/causal.md §9.3, rule 7.
func TestAWriteNamesTheVersionOfItsKeyThatKLacks(t *testing.T) {
	over := func(n uint64) *wire.Item {
		i := item("k", 3)
		i.Deps.Exact = []wire.Dependency{seen("k", n)}
		return i
	}
	for _, c := range []struct {
		name   string
		exact  []wire.Dependency
		old    *wire.Item
		own    uint64 // the counter of the entry for k; 0: none
		vector uint64 // the position of stream
	}{
		{"nothing", nil, nil, 0, 0},
		{"K has what the client has seen", []wire.Dependency{seen("k", 5), seen("z", 1)}, item("k", 5), 0, 0},
		{"K lacks what the client has seen", []wire.Dependency{seen("k", 6)}, item("k", 5), 6, 0},
		{"K lacks what the stored item names", nil, over(7), 7, 0},
		{"both, the latter larger", []wire.Dependency{seen("k", 6)}, over(7), 7, 6},
		{"both, the former larger", []wire.Dependency{seen("k", 8)}, over(7), 8, 7},
	} {
		k := checker()
		deps := k.Deps(&wire.Context{Exact: c.exact}, hashing.Hash("k"), c.old)
		if got := version.Named(&deps, hashing.Hash("k")).Counter; got != c.own || deps.Vector.At(stream) != c.vector {
			t.Errorf("%s: names %d, and has %v", c.name, got, deps.Vector)
		}
		if z := seen("z", 1); slices.ContainsFunc(c.exact, func(d wire.Dependency) bool { return d.Hash == z.Hash }) && version.Named(&deps, z.Hash).IsZero() {
			t.Errorf("%s: another key is not named", c.name)
		}
	}
}
