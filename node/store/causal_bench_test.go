package store

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// sizes are numbers of keys. From the smallest to the largest, a look-up and a
// write must not become slower, except for the processor's caches.
var sizes = []int{10_000, 100_000, 1_000_000}

// causalOf returns a bucket of n keys, with 128 bytes and 16 dependencies each, and
// the keys in the order of the writes. The order differs from that of the hashes.
func causalOf(n int) (*Memory, []string) {
	m := NewMemory()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%08d", i)
	}
	for batch := 0; batch < n; batch += 1000 {
		w := wire.CausalWrite{}
		for _, key := range keys[batch : batch+1000] {
			w.Put = append(w.Put, benchItem(key))
		}
		write(m, w)
	}
	return m, keys
}

func benchItem(key string) wire.Item {
	it := item(1, key, string(make([]byte, 128)))
	it.Deps.Exact = make([]wire.Dependency, 16)
	return it
}

func perSize(b *testing.B, run func(b *testing.B, m *Memory, keys []string)) {
	for _, n := range sizes {
		m, keys := causalOf(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, m, keys)
		})
	}
}

// step is prime to every size, so it visits all keys in an order that caches cannot
// predict.
const step = 7919

func BenchmarkCausalGet(b *testing.B) {
	perSize(b, func(b *testing.B, m *Memory, keys []string) {
		at := 0
		for b.Loop() {
			at = (at + step) % len(keys)
			m.Item(keys[at])
		}
	})
}

func BenchmarkCausalReplace(b *testing.B) {
	perSize(b, func(b *testing.B, m *Memory, keys []string) {
		w := []wire.Write{{Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{benchItem("")}}}}
		at := 0
		for b.Loop() {
			at = (at + step) % len(keys)
			w[0].Causal.Put[0].Key = keys[at]
			m.Write(w)
		}
	})
}

func BenchmarkCausalPutAndDropOfANewKey(b *testing.B) {
	perSize(b, func(b *testing.B, m *Memory, _ []string) {
		put := wire.CausalWrite{Put: []wire.Item{tombstone(1, "")}, Drop: []string{""}}
		w := []wire.Write{{Kind: wire.WriteCausal, Causal: &put}}
		at := 0
		for b.Loop() {
			at++
			key := fmt.Sprintf("new-%08d", at)
			put.Put[0].Key, put.Drop[0] = key, key
			m.Write(w)
		}
	})
}

func BenchmarkCausalSnapshotThenOneWrite(b *testing.B) {
	perSize(b, func(b *testing.B, m *Memory, keys []string) {
		w := []wire.Write{{Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{benchItem("")}}}}
		at := 0
		for b.Loop() {
			at = (at + step) % len(keys)
			w[0].Causal.Put[0].Key = keys[at]
			m.CausalSnapshot()
			m.Write(w)
		}
	})
}

// An exchange reads pieces of 256 KiB.
func BenchmarkCausalReadOf256KiB(b *testing.B) {
	perSize(b, func(b *testing.B, m *Memory, keys []string) {
		r := core.Read{Kind: core.ReadSlots, Ranges: everything, Limit: 256 << 10}
		at, items := 0, 0
		for b.Loop() {
			at = (at + step) % len(keys)
			r.Cursor = wire.SlotCursor{Begun: true, Hash: hashing.Hash(keys[at]), Key: keys[at]}
			items = len(m.Slots(r).Items)
		}
		b.ReportMetric(float64(items), "items")
	})
}

// BenchmarkCausalFreeHalf measures how long it takes to release half of all slots
// at once, because the store is locked meanwhile.
func BenchmarkCausalFreeHalf(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m, _ := causalOf(n)
				b.StartTimer()
				write(m, wire.CausalWrite{Free: []wire.HashRange{{First: 0, Last: 1<<63 - 1}}})
			}
		})
	}
}

// BenchmarkCausalMemory measures memory, not time: the bytes that a key takes
// besides its 12 bytes of key and 128 of value.
func BenchmarkCausalMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		m, keys := causalOf(100_000)
		b.ReportMetric(float64(heap()-before)/float64(len(keys))-2*12-128, "B/key")
		runtime.KeepAlive(m)
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
