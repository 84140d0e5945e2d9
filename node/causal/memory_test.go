package causal_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// heap is how many bytes are held after a collection.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// submit writes, or deletes, at node 0.
func (c *cluster) submit(op wire.Op, context wire.Context) {
	c.nodes[0].step(&wire.CausalSubmit{Op: op, Context: context})
	c.deliver()
}

// TestTheWindowHoldsWhatItsBoundSays overwrites few keys while a replica is away, and has
// it come back. Before, items counted as 64 bytes and took several hundred, and went
// only when others took their places.
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
