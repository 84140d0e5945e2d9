package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

// streams are of the nodes of one view, each in one boot.
func streams(n int) []Stream {
	view := ids.View{Number: 7, Author: 2, Boot: 0x2222222222222222}
	random := rand.New(rand.NewPCG(1, 2))
	var streams []Stream
	for i := range n {
		streams = append(streams, Stream{View: view, Node: ids.Node(i + 1), Boot: ids.Boot(random.Uint64())})
	}
	return streams
}

// session is the context of a client that has touched many keys of late, in the order of
// its requests. Entries are in streams at around position a million. Counters are those of
// keys that are written up to a thousand times. Vectors stand for what was folded.
func session(entries, exactStreams, vectorStreams int) Context {
	random := rand.New(rand.NewPCG(3, 4))
	all := streams(exactStreams + vectorStreams)
	var c Context
	for i := range entries {
		c.Exact = append(c.Exact, Dependency{Hash: random.Uint64(), Version: CausalVersion{
			Counter: 1 + random.Uint64N(1000),
			Dot:     Dot{Stream: all[random.IntN(exactStreams)], N: 1_000_000 + uint64(i)*50 + random.Uint64N(50)},
		}})
	}
	for _, s := range all[exactStreams:] {
		c.Vector = append(c.Vector, Position{Stream: s, N: 500_000 + random.Uint64N(500_000)})
	}
	if vectorStreams > 0 {
		c.Ceil = 1000
	}
	return c
}

// contextBytes is what a context takes in a message beside an empty one.
func contextBytes(c Context) int {
	forward := &CausalForward{Read: true, Op: Op{Key: "k"}}
	without := len(AppendMessage(nil, Header{}, forward))
	forward.Context = c
	return len(AppendMessage(nil, Header{}, forward)) - without
}

// The aims of docs/causal.md: what a stored version depends on takes less than
// 0.3 KiB, the largest context of a client in a cluster of 25 nodes 2.3 KiB.
func TestContextsTakeFewBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		ctx  Context
		most int
	}{
		{"16 entries of 5 streams", session(16, 5, 0), 307},
		{"16 entries of 3 streams, and 2 folded ones", session(16, 3, 2), 307},
		{"128 entries of 4 streams", session(128, 4, 0), 2355},
		{"128 entries of 25 streams", session(128, 25, 0), 2355},
		{"128 entries of 4 streams, and 21 folded ones", session(128, 4, 21), 2355},
	} {
		got := contextBytes(c.ctx)
		t.Logf("%s: %d bytes", c.name, got)
		if got > c.most {
			t.Errorf("%s: %d bytes, want at most %d", c.name, got, c.most)
		}
	}
}

// batchOf is a batch of writes without dependencies, by clients of three nodes.
func batchOf(items int) (Header, *Batch) {
	s := streams(1)[0]
	m := &Batch{View: s.View, First: 1_000_000}
	for i := range uint64(items) {
		m.Items = append(m.Items, Item{
			Key:         fmt.Sprintf("key-%05d", i*7919%100_000),
			Version:     CausalVersion{Counter: 1 + i*7919%1000, Dot: Dot{Stream: s, N: m.First + i}},
			Value:       make([]byte, 128),
			ContentType: "application/octet-stream",
			ID:          ids.Request{Node: ids.Node(1 + i%3), Boot: ids.Boot(1 + i%3), Counter: 300_000 + i/3},
		})
	}
	return Header{From: s.Node, Inc: 1, Boot: s.Boot, View: s.View}, m
}

// An item of a batch costs 2 bytes for its dot, 2 for its counter, 2 for its
// request id, 4 for an empty context, and 5 for the rest but key and value.
func TestAnItemOfABatchCostsAFewBytes(t *testing.T) {
	const perItem = 2 + 2 + 2 + 4 + 5
	h, m := batchOf(64)
	added := len(AppendMessage(nil, h, m))
	half := *m
	half.Items = m.Items[:32]
	added -= len(AppendMessage(nil, h, &half))
	for i := range m.Items[32:] {
		added -= len(m.Items[32+i].Key) + len(m.Items[32+i].Value)
	}
	t.Logf("an item costs %.1f bytes beside key, value and dependencies", float64(added)/32)
	if added > 32*perItem {
		t.Errorf("32 more items add %d bytes beside keys and values, want at most %d each", added, perItem)
	}
}

func TestMoreStreamsThanTheCodecRemembersArrive(t *testing.T) {
	const distinct = 2*streamSlots + 1
	all := streams(distinct)
	m := &Items{}
	for i := range 4 * distinct {
		s := all[i*7%distinct]
		m.Items = append(m.Items, Item{
			Key:     "k",
			Version: CausalVersion{Counter: uint64(i), Dot: Dot{Stream: s, N: uint64(1000 - i)}},
			Deps:    Context{Vector: Vector{{Stream: all[i%distinct], N: uint64(i)}}},
		})
	}
	checkRoundTrip(t, Header{}, m)
	whole := Vector{}
	for _, s := range all {
		whole = append(whole, Position{Stream: s, N: 1})
	}
	checkRoundTrip(t, Header{}, &ViewInfo{Views: []KnownView{{StableCut: whole}, {StableCut: whole}}})
}

// No number, id or string here is short, and nothing repeats within the first item;
// the second finds nothing of it remembered.
func checkBoundOfTheLongestItem(t *testing.T) {
	const far = 1 << 61
	long := func(i int) Item {
		stream := func(n int) Stream {
			view := ids.View{Number: far + uint64(n), Author: math.MaxUint64 - ids.Node(n), Boot: ids.Boot(i)}
			return Stream{View: view, Node: math.MaxUint64 - ids.Node(n), Boot: ids.Boot(i)}
		}
		text := func(c string) string { return strings.Repeat(c, 1<<15+i) }
		it := Item{
			Key:         text("k"),
			Version:     CausalVersion{Counter: far, Dot: Dot{Stream: stream(0), N: far}},
			Value:       []byte(text("v")),
			ContentType: text("t"),
			Deps:        Context{Ceil: uint64(i) * far},
			ID:          ids.Request{Node: math.MaxUint64, Boot: ids.Boot(i), Counter: 1 << 63},
		}
		for n := range 2 * streamSlots {
			counter := uint64(n % 2 * far)
			it.Deps.Exact = append(it.Deps.Exact, Dependency{Version: CausalVersion{Counter: counter, Dot: Dot{Stream: stream(n), N: far}}})
			it.Deps.Vector = append(it.Deps.Vector, Position{Stream: stream(2*streamSlots + n), N: far})
			it.Deps.CutRefs = append(it.Deps.CutRefs, stream(8*streamSlots+n).View)
		}
		return it
	}
	m := &Items{Items: []Item{long(1), long(2)}}
	checkBound(t, m, &m.Items, ItemSize)
}

func BenchmarkEncodeBatch64x128With16Dependencies(b *testing.B) {
	h, m := batchWithDependencies()
	dst := AppendMessage(nil, h, m)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMessage(dst[:0], h, m)
	}
}

func BenchmarkDecodeBatch64x128With16Dependencies(b *testing.B) {
	h, m := batchWithDependencies()
	payload := AppendMessage(nil, h, m)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeMessage(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkItemSizeWith16Dependencies(b *testing.B) {
	_, m := batchWithDependencies()
	b.ReportAllocs()
	for b.Loop() {
		ItemSize(m.Items[0])
	}
}

func batchWithDependencies() (Header, *Batch) {
	h, m := batchOf(64)
	for i := range m.Items {
		m.Items[i].Deps = session(16, 3, 2)
	}
	return h, m
}
