package causal_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// heap is the live heap in bytes, after a garbage collection.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// submit sends a write or a deletion to node 0.
func (c *cluster) submit(op wire.Op, context wire.Context) {
	c.nodes[0].step(&core.CausalSubmit{Op: op, Context: context})
	c.deliver()
}

// TestTheWindowHoldsWhatItsBoundSays overwrites few keys while a replica is away, until it comes
// back. Once, an item counted as 64 bytes and took several hundred, and its memory was given
// back only when another item took its place.
func TestTheWindowHoldsWhatItsBoundSays(t *testing.T) {
	const bound, writes = 4 << 20, 120_000
	c := newLimited(t, 2, machine.CausalLimits{WindowBytes: bound})
	keys := make([]string, 10)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
		c.submit(wire.Op{Kind: wire.OpPut, Key: keys[i], Value: []byte("v")}, wire.Context{})
	}
	c.pass(wire.Second)
	before := heap()
	c.nodes[1].cut = true
	c.pass(3 * wire.Second)
	for i := range writes {
		c.submit(wire.Op{Kind: wire.OpPut, Key: string([]byte(keys[i%10])), Value: []byte("v")}, wire.Context{})
		if i%1000 == 0 {
			c.pass(40 * wire.Millisecond)
		}
	}
	away := heap() - before
	t.Logf("with one away: %d KiB for a bound of %d KiB", away>>10, bound>>10)
	if away > bound*5/4 {
		t.Errorf("%d bytes are held for a bound of %d", away, bound)
	}
	if away < bound/2 {
		t.Errorf("only %d bytes are held of %d: what counts is not what is held", away, bound)
	}
	c.nodes[1].cut = false
	for range 50 {
		c.pass(200 * wire.Millisecond)
	}
	for _, key := range keys {
		c.submit(wire.Op{Kind: wire.OpDelete, Key: key}, wire.Context{})
	}
	for range 100 {
		c.pass(200 * wire.Millisecond)
	}
	after := heap() - before
	t.Logf("when all have all: %d KiB", after>>10)
	if after > bound/32 {
		t.Errorf("%d bytes are held when everybody has acknowledged and all is deleted", after)
	}
	runtime.KeepAlive(c)
}

// TestWhatStaysOfAMessageHoldsNotTheWhole sends batches of a large value and a deletion. Once, the
// list of tombstones had keys that were parts of the messages, and kept the messages alive.
func TestWhatStaysOfAMessageHoldsNotTheWhole(t *testing.T) {
	const rounds, size = 500, 64 << 10
	c := newCluster(t, 2)
	for range 5 {
		c.pass(wire.Second)
	}
	before := heap()
	for i := range rounds {
		for _, op := range []wire.Op{
			{Kind: wire.OpPut, Key: "first", Value: []byte("v")}, // makes the next two one batch
			{Kind: wire.OpPut, Key: "large", Value: make([]byte, size)},
			{Kind: wire.OpDelete, Key: fmt.Sprint("key ", i)},
		} {
			c.nodes[0].step(&core.CausalSubmit{Op: op})
		}
		c.deliver()
	}
	held := heap() - before
	t.Logf("%d deletions beside %d KiB each: %d KiB are held", rounds, size>>10, held>>10)
	if held > rounds*size/16 {
		t.Errorf("%d bytes are held", held)
	}
	runtime.KeepAlive(c)
}

// TestALongSessionCostsWhatIsCounted writes small values under contexts with as many streams as a
// context may have: a different context for each write, and one context for all. Once, that
// memory was not counted.
func TestALongSessionCostsWhatIsCounted(t *testing.T) {
	const writes, size = 2000, 48 * wire.MaxPositions
	for _, differ := range []bool{true, false} {
		c := newLimited(t, 2, machine.CausalLimits{WindowBytes: 1})
		before := heap()
		counted := c.nodes[0].store.Bytes() + c.nodes[1].store.Bytes()
		for i := range writes {
			var context wire.Context
			for n := range uint64(wire.MaxPositions) {
				stream := wire.Stream{View: ids.View{Number: 1 + n}, Node: 7, Boot: 9}
				if differ {
					stream.Boot += ids.Boot(i)
				}
				context.Vector = append(context.Vector, wire.Position{Stream: stream, N: 1})
			}
			c.submit(wire.Op{Kind: wire.OpPut, Key: fmt.Sprint("key ", i), Value: []byte("v")}, context)
		}
		held := heap() - before
		counted = c.nodes[0].store.Bytes() + c.nodes[1].store.Bytes() - counted
		t.Logf("differ %t: %d bytes a value are held at both, %d are counted", differ, held/writes, counted/writes)
		if ratio := float64(counted) / float64(held); differ && (ratio < 0.8 || ratio > 1.25) {
			t.Errorf("counted are %.2f of what is held", ratio)
		}
		if !differ && held > writes*size/4 {
			t.Errorf("%d bytes are held of one session", held)
		}
		runtime.KeepAlive(c)
	}
}
