package store

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

var everything = []wire.HashRange{{First: 0, Last: math.MaxUint64}}

func item(counter uint64, key, value string) wire.Item {
	return wire.Item{Key: key, Version: wire.CausalVersion{Counter: counter}, Value: []byte(value)}
}

func tombstone(counter uint64, key string) wire.Item {
	return wire.Item{Key: key, Version: wire.CausalVersion{Counter: counter}, Deleted: true}
}

func write(m *Memory, w wire.CausalWrite) {
	m.Write([]wire.Write{{Seq: 1, Kind: wire.WriteCausal, Causal: &w}})
}

// only is the range of the hash of a key.
func only(key string) wire.HashRange {
	h := hashing.Hash(key)
	return wire.HashRange{First: h, Last: h}
}

func itemKeys(m *Memory) []string {
	var keys []string
	for it := range m.CausalSnapshot().Items(everything) {
		keys = append(keys, it.Key)
	}
	slices.Sort(keys)
	return keys
}

func TestACausalWriteIsCarriedOutInTheOrderOfItsFields(t *testing.T) {
	m := NewMemory()
	write(m, wire.CausalWrite{Put: []wire.Item{item(1, "a", "1"), item(1, "b", "1"), tombstone(1, "c")}})
	for _, c := range []struct {
		name  string
		write wire.CausalWrite
		keys  []string
	}{
		{"what is put stays, whatever is freed", wire.CausalWrite{Free: []wire.HashRange{only("a")}, Put: []wire.Item{item(2, "a", "2")}}, []string{"a", "b", "c"}},
		{"what is put as a tombstone may be dropped", wire.CausalWrite{Put: []wire.Item{tombstone(3, "a")}, Drop: []string{"a"}}, []string{"b", "c"}},
		{"a value is dropped as well, and what is not there is not missed", wire.CausalWrite{Drop: []string{"b", "x"}}, []string{"c"}},
		{"freed slots go", wire.CausalWrite{Free: []wire.HashRange{only("c")}}, nil},
		{"what is put into freed slots stays", wire.CausalWrite{Free: []wire.HashRange{only("d")}, Put: []wire.Item{item(1, "d", "1")}}, []string{"d"}},
		{"the rest needs nothing in memory", wire.CausalWrite{Known: &wire.Holdings{}, Live: wire.Vector{{N: 1}}, AlumniSet: true}, []string{"d"}},
	} {
		if write(m, c.write); !slices.Equal(itemKeys(m), c.keys) {
			t.Errorf("%s: the bucket holds %q, want %q", c.name, itemKeys(m), c.keys)
		}
	}
}

func TestAnItemIsACopyAndNeverChanges(t *testing.T) {
	m := NewMemory()
	exact := make([]wire.Dependency, 128)
	exact[127].Hash = 7
	put := item(1, "k\xff", "old")
	put.ContentType, put.Deps.Exact, put.ID.Counter = "text/plain", exact[127:], 5
	write(m, wire.CausalWrite{Put: []wire.Item{put}})
	first := m.Item(put.Key)
	if d := cmp.Diff(&put, first); d != "" {
		t.Fatal(d)
	}
	if &first.Value[0] == &put.Value[0] || &first.Deps.Exact[0] == &exact[127] {
		t.Error("an item shares memory with what it was put from")
	}
	write(m, wire.CausalWrite{Put: []wire.Item{item(2, put.Key, "new")}})
	if d := cmp.Diff(&put, first); d != "" {
		t.Errorf("an item that was handed out changed: %s", d)
	}
	if got := m.Item(put.Key); string(got.Value) != "new" || got.Deps.Exact != nil || got.ContentType != "" {
		t.Errorf("after the second put: %+v", got)
	}
}

func TestLiveKeysAndTombstonesAreCounted(t *testing.T) {
	m := NewMemory()
	for _, c := range []struct {
		write            wire.CausalWrite
		live, tombstones int
	}{
		{wire.CausalWrite{}, 0, 0},
		{wire.CausalWrite{Put: []wire.Item{item(1, "a", ""), item(1, "b", ""), tombstone(1, "c")}}, 2, 1},
		{wire.CausalWrite{Put: []wire.Item{item(2, "c", ""), tombstone(2, "a"), tombstone(2, "b")}}, 1, 2},
		{wire.CausalWrite{Put: []wire.Item{tombstone(3, "b")}, Drop: []string{"a", "c"}}, 0, 1},
		{wire.CausalWrite{Free: []wire.HashRange{only("b")}}, 0, 0},
	} {
		write(m, c.write)
		if live, tombstones := m.CausalLen(); live != c.live || tombstones != c.tombstones {
			t.Errorf("after %+v: %d live, %d tombstones, want %d and %d", c.write, live, tombstones, c.live, c.tombstones)
		}
	}
}

func TestCausalInputsAreAnnotatedWithWhatTheirKeysHold(t *testing.T) {
	m := NewMemory()
	held, gone := item(5, "held", "1"), tombstone(6, "gone")
	write(m, wire.CausalWrite{Put: []wire.Item{held, gone}})
	submit := &core.CausalSubmit{Op: wire.Op{Key: "held"}}
	m.Annotate(submit)
	read := &core.CausalRead{Key: "gone"}
	m.Annotate(read)
	if d := cmp.Diff(&held, submit.Stored) + cmp.Diff(&gone, read.Stored); d != "" {
		t.Error(d)
	}
	three := []wire.Item{{Key: "no"}, {Key: "held"}, {Key: "gone"}}
	for _, c := range []struct {
		message wire.Message
		want    []*wire.Item
	}{
		{&wire.Batch{Items: three}, []*wire.Item{nil, &held, &gone}},
		{&wire.Items{Items: three}, []*wire.Item{nil, &held, &gone}},
		{&wire.Batch{}, nil},
		{&wire.CausalForward{Op: wire.Op{Key: "held"}}, []*wire.Item{&held}},
		{&wire.CausalForward{Read: true, Op: wire.Op{Key: "no"}}, []*wire.Item{nil}},
		{&wire.KeyRequest{Key: "gone"}, []*wire.Item{&gone}},
		{&wire.KeyReply{Key: "held"}, []*wire.Item{&held}},
		{&wire.CausalForwardReply{Item: held}, nil},
	} {
		in := &core.Received{Message: c.message}
		m.Annotate(in)
		if d := cmp.Diff(c.want, in.Items); d != "" {
			t.Errorf("%v: %s", c.message.Kind(), d)
		}
	}
}

func TestAReadOfAKeyNamesItsSession(t *testing.T) {
	m := NewMemory()
	held := item(5, "held", "1")
	write(m, wire.CausalWrite{Put: []wire.Item{held}})
	read := core.Read{Kind: core.ReadKey, Key: "held", Session: 9}
	if d := cmp.Diff(&core.KeyRead{Session: 9, Stored: &held}, m.Key(read)); d != "" {
		t.Error(d)
	}
	read.Key = "no"
	if d := cmp.Diff(&core.KeyRead{Session: 9}, m.Key(read)); d != "" {
		t.Error(d)
	}
}

// A key may begin with another key, and keys with the same hash are ordered by key.
// A place distinguishes them.
func TestPlacesAreOrderedByHashThenKey(t *testing.T) {
	ordered := []string{placeOf(0, ""), placeOf(0, "\x00"), placeOf(0, "a"), placeOf(0, "aa"), placeOf(0, "b"), placeOf(1, ""), placeOf(1<<8, "a"), placeOf(math.MaxUint64, "\x00")}
	if !slices.IsSorted(ordered) {
		t.Errorf("%q", ordered)
	}
}
