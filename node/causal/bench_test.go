package causal_test

import (
	"fmt"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// The figures of these benchmarks must not depend on the number of keys, except for the caches of
// the processor:
//
//	go test -run '^$' -bench . ./node/causal
//
// Machines and stores are driven as node does it, in one goroutine; every message goes
// through the codec. 16,384 slots, values of 128 bytes.
var keyCounts = []int{10_000, 100_000, 1_000_000}

// perCount runs a benchmark for each number of keys, on nodes that all have the keys.
func perCount(b *testing.B, nodes int, run func(b *testing.B, c *cluster, keys []string)) {
	for _, n := range keyCounts {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			c := newCluster(b, nodes)
			keys := c.fill(n)
			for range 30 {
				c.pass(100 * wire.Millisecond)
			}
			run(b, c, keys)
		})
	}
}

// stride is coprime to every count, so it gives an order of all keys that no cache can predict.
const stride = 7919

// each runs a benchmark of one operation on one key after the other.
func each(b *testing.B, name string, keys []string, do func(key string)) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		at := 0
		for b.Loop() {
			at = (at + stride) % len(keys)
			do(keys[at])
		}
	})
}

// BenchmarkAlone is one node without others. The benchmarks of a session use a full context, with
// as many exact entries as a client's context may have.
func BenchmarkAlone(b *testing.B) {
	perCount(b, 1, func(b *testing.B, c *cluster, keys []string) {
		each(b, "step", keys, func(string) { c.nodes[0].m.Step(c.now, &core.RequestFailed{}) }) // an input that has no effect
		each(b, "write", keys, func(key string) { c.write(key, wire.Context{}) })
		each(b, "read", keys, func(key string) { c.read(key, wire.Context{}) })
		each(b, "write of a session", keys, func(key string) { c.write(key, c.last) })
		each(b, "read of a session", keys, func(key string) { c.read(key, c.last) })
	})
}

// BenchmarkThree is everything that three replicas do for one write: the broadcast, the merges at
// the other two, and their acknowledgements.
func BenchmarkThree(b *testing.B) {
	perCount(b, 3, func(b *testing.B, c *cluster, keys []string) {
		each(b, "write", keys, func(key string) { c.write(key, wire.Context{}) })
	})
}

// BenchmarkPair is one second of two idle replicas that hold the same items: one exchange of
// digests by each, and the hellos.
func BenchmarkPair(b *testing.B) {
	perCount(b, 2, func(b *testing.B, c *cluster, keys []string) {
		each(b, "idle second", keys, func(string) {
			for range 3 {
				c.pass(wire.Second / 3)
			}
		})
	})
}
