package store

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// causalModel is the simplest possible causal bucket, beside the real one. It also
// holds what was read from the real one and must not change.
type causalModel struct {
	real      *Memory
	items     map[string]wire.Item
	snapshots map[*CausalSnapshot][]wire.Item
	handedOut map[*wire.Item]wire.Item
}

// rangesGen makes ranges that ascend and do not overlap, with ends at the hashes of
// keys and beside them.
var rangesGen = rapid.Custom(func(t *rapid.T) []wire.HashRange {
	var ends []uint64
	for _, key := range rapid.SliceOfN(keyGen, 0, 8).Draw(t, "ends") {
		ends = append(ends, hashing.Hash(key)+rapid.Uint64Range(0, 2).Draw(t, "beside")-1)
	}
	slices.Sort(ends)
	var ranges []wire.HashRange
	for pair := range slices.Chunk(slices.Compact(ends), 2) {
		ranges = append(ranges, wire.HashRange{First: pair[0], Last: pair[len(pair)-1]})
	}
	return ranges
})

func itemGen(t *rapid.T) wire.Item {
	it := item(rapid.Uint64Range(1, 100).Draw(t, "counter"), keyGen.Draw(t, "key"), valueGen.Draw(t, "value"))
	it.Deleted = rapid.Bool().Draw(t, "deleted")
	it.Deps.Exact = make([]wire.Dependency, rapid.IntRange(0, 2).Draw(t, "dependencies"))
	return it
}

// inRanges lists the model's items in ranges, in the order of exchanges.
func (m *causalModel) inRanges(ranges []wire.HashRange) []wire.Item {
	var list []wire.Item
	for key, it := range m.items {
		h := hashing.Hash(key)
		if slices.ContainsFunc(ranges, func(r wire.HashRange) bool { return r.First <= h && h <= r.Last }) {
			list = append(list, it)
		}
	}
	slices.SortFunc(list, func(a, b wire.Item) int {
		return cmp.Or(cmp.Compare(hashing.Hash(a.Key), hashing.Hash(b.Key)), strings.Compare(a.Key, b.Key))
	})
	return list
}

func (m *causalModel) write(t *rapid.T) {
	var w wire.CausalWrite
	if rapid.IntRange(0, 9).Draw(t, "free") == 9 {
		w.Free = rangesGen.Draw(t, "ranges")
	}
	for range rapid.IntRange(0, 8).Draw(t, "puts") {
		w.Put = append(w.Put, itemGen(t))
	}
	w.Drop = rapid.SliceOfN(keyGen, 0, 3).Draw(t, "drop")
	write(m.real, w)
	for _, it := range m.inRanges(w.Free) {
		delete(m.items, it.Key)
	}
	for _, it := range w.Put {
		m.items[it.Key] = it
	}
	for _, key := range w.Drop {
		delete(m.items, key)
	}
}

func (m *causalModel) snapshot(*rapid.T) {
	if len(m.snapshots) < 8 {
		m.snapshots[m.real.CausalSnapshot()] = m.inRanges(everything)
	}
}

// walk reads a part of the bucket piece by piece, as an exchange does.
func (m *causalModel) walk(t *rapid.T) {
	r := core.Read{Kind: core.ReadSlots, Ranges: rangesGen.Draw(t, "ranges"), Limit: rapid.IntRange(0, 1000).Draw(t, "limit"), Session: 7}
	want := m.inRanges(r.Ranges)
	if rapid.Bool().Draw(t, "from the middle") {
		key := keyGen.Draw(t, "after")
		r.Cursor = wire.SlotCursor{Begun: true, Hash: hashing.Hash(key), Key: key}
		want = slices.DeleteFunc(want, func(it wire.Item) bool {
			h := hashing.Hash(it.Key)
			return h < r.Cursor.Hash || h == r.Cursor.Hash && it.Key <= key
		})
	}
	var got []wire.Item
	for last := false; !last; {
		read := m.real.Slots(r)
		size := 0
		for _, it := range read.Items {
			size += wire.ItemSize(it)
		}
		if read.Session != 7 || len(read.Items) == 0 && !read.Last || len(read.Items) > 1 && size > r.Limit {
			t.Fatalf("asked for %+v, got %d items of %d bytes, last %v, session %d", r, len(read.Items), size, read.Last, read.Session)
		}
		got = append(got, read.Items...)
		if last = read.Last; !last {
			key := read.Items[len(read.Items)-1].Key
			r.Cursor = wire.SlotCursor{Begun: true, Hash: hashing.Hash(key), Key: key}
		}
	}
	mustBeSame(t, "walked", want, got)
}

func (m *causalModel) check(t *rapid.T) {
	key := keyGen.Draw(t, "look up")
	got := m.real.Item(key)
	want, exists := m.items[key]
	if exists != (got != nil) {
		t.Fatalf("%q: got %+v, want %+v", key, got, want)
	}
	if exists {
		mustBeSame(t, "looked up", want, *got)
		if len(m.handedOut) < 8 {
			m.handedOut[got] = want
		}
	}
	for it, was := range m.handedOut {
		mustBeSame(t, "handed out", was, *it)
	}
	for s, was := range m.snapshots {
		mustBeSame(t, "snapshot", was, itemsOf(s, everything))
	}
	s, ranges := m.real.CausalSnapshot(), rangesGen.Draw(t, "ranges")
	mustBeSame(t, "now", m.inRanges(ranges), itemsOf(s, ranges))
	live, tombstones := m.real.CausalLen()
	deleted := len(slices.DeleteFunc(slices.Collect(maps.Values(m.items)), func(it wire.Item) bool { return !it.Deleted }))
	if live+tombstones != len(m.items) || tombstones != deleted {
		t.Fatalf("%d live and %d tombstones, want %d with %d", live, tombstones, len(m.items), deleted)
	}
}

func itemsOf(s *CausalSnapshot, ranges []wire.HashRange) []wire.Item {
	var list []wire.Item
	for it := range s.Items(ranges) {
		list = append(list, *it)
	}
	return list
}

func mustBeSame(t *rapid.T, what string, want, got any) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return // comparing with a full explanation takes long
	}
	if d := gocmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func TestACausalBucketBehavesLikeAMapAndWhatWasTakenOutStaysAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &causalModel{
			real: NewMemory(), items: map[string]wire.Item{},
			snapshots: map[*CausalSnapshot][]wire.Item{}, handedOut: map[*wire.Item]wire.Item{},
		}
		t.Repeat(map[string]func(*rapid.T){"write": m.write, "snapshot": m.snapshot, "walk": m.walk, "": m.check})
	})
}

// Every write puts one value under two keys, and removes a third key.
func TestReadersSeeWholeCausalWritesOnly(t *testing.T) {
	m := NewMemory()
	const writes = 2000
	put := func(n uint64) {
		write(m, wire.CausalWrite{Put: []wire.Item{item(n, "left", ""), item(n, "right", ""), tombstone(n, "third")}, Drop: []string{"third"}})
	}
	put(1)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for last := uint64(0); last < writes; {
				found := itemsOf(m.CausalSnapshot(), everything)
				if len(found) != 2 || found[0].Version != found[1].Version || found[0].Version.Counter < last {
					t.Errorf("saw %+v after %d", found, last)
					return
				}
				last = found[0].Version.Counter
				if it := m.Item("left"); it.Version.Counter < last {
					t.Errorf("saw %d after %d", it.Version.Counter, last)
					return
				}
			}
		})
	}
	for n := uint64(2); n <= writes; n++ {
		put(n)
		m.Slots(core.Read{Ranges: everything, Limit: 100})
	}
	readers.Wait()
}
