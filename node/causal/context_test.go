package causal

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestAListingIsNoLessThanItsClientHasSeen: if K has a version that the client names and that is
// above the stored one, the key was deleted and is not listed. A lost version deletes nothing.
func TestAListingIsNoLessThanItsClientHasSeen(t *testing.T) {
	r := bare()
	r.slots.Assign(func(hashing.Slot) bool { return true }, false, true, 0)
	stream := wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}
	seen := func(key string, n uint64) wire.Dependency {
		r.know(r.slots.Space().Slot(hashing.Hash(key)), wire.Vector{{Stream: stream, N: 5}})
		return wire.Dependency{Hash: hashing.Hash(key), Version: wire.CausalVersion{Counter: n, Dot: wire.Dot{Stream: stream, N: n}}}
	}
	c := wire.Context{Exact: []wire.Dependency{seen("deleted", 4), seen("newer", 3), seen("equal", 2), seen("lost", 9)}}
	item := func(key string, counter uint64) *wire.Item {
		return &wire.Item{Key: key, Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: stream, N: counter}}}
	}
	items := []*wire.Item{item("deleted", 3), item("newer", 6), item("equal", 2), item("lost", 8), item("never seen", 1)}
	read := &core.Read{Kind: core.ReadItems, Context: c, Known: r.satisfied.Known(&c)}
	var keys []string
	for it := range Listed(read, slices.Values(items)) {
		keys = append(keys, it.Key)
	}
	if want := []string{"newer", "equal", "lost", "never seen"}; !slices.Equal(keys, want) {
		t.Errorf("lists %q, want %q", keys, want)
	}
}
