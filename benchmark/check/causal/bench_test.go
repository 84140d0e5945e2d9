package causal

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cohortkv/cohort/benchmark/history"
)

// load makes a long correct history cheaply. There is one register for each key, so every
// context soon has nearly all writes.
type load struct {
	clients, keys, ops int
	fresh              float64 // share of operations with a fresh context
}

func (l load) history() *History {
	rng := rand.New(rand.NewPCG(1, 1))
	h := &History{Ops: make([]Op, 0, l.ops)}
	last := slices.Repeat([]OpID{none}, l.clients)
	newest := slices.Repeat([]OpID{none}, l.keys)
	names := make([]string, l.keys)
	for i := range names {
		names[i] = fmt.Sprint("key-", i)
	}
	for i := range l.ops {
		c, k := rng.IntN(l.clients), rng.IntN(l.keys)
		op := Op{Client: history.ClientID(c), Outcome: history.OK, Status: 200, Key: names[k], Start: int64(2 * i), End: int64(2*i + 1)}
		if w := newest[k]; i%2 == 0 || w == none {
			op.Kind, op.Value = Put, history.Value(i+1)
			op.Version = Version{Counter: uint64(i + 1), Node: 1, Dot: string(binary.BigEndian.AppendUint32(nil, uint32(i)))}
			newest[k] = OpID(i)
		} else {
			op.Kind, op.Value, op.Version = Get, h.Ops[w].Value, h.Ops[w].Version
		}
		var parents []OpID
		if last[c] != none && rng.Float64() >= l.fresh {
			parents = []OpID{last[c]}
		}
		last[c] = h.Add(op, parents...)
	}
	return h
}

func BenchmarkCheck(b *testing.B) {
	for _, l := range []load{
		{clients: 6, keys: 8, ops: 2_000, fresh: 0.1},
		{clients: 8, keys: 1_000, ops: 1_000_000},
		{clients: 64, keys: 10_000, ops: 1_000_000},
		{clients: 256, keys: 1_000, ops: 1_000_000},
		{clients: 256, keys: 100_000, ops: 1_000_000},
		{clients: 256, keys: 10_000, ops: 1_000_000, fresh: 0.02},
	} {
		h := l.history()
		for name, h := range map[string]*History{"versions": h, "values": blind(h)} {
			b.Run(fmt.Sprintf("%s/ops=%d/clients=%d/keys=%d/fresh=%v", name, l.ops, l.clients, l.keys, l.fresh), func(b *testing.B) {
				for b.Loop() {
					if r := Check(h); len(r.Violations) > 0 {
						b.Fatal(r.Violations[0])
					} else {
						b.ReportMetric(float64(r.Lines), "lines")
					}
				}
				b.ReportMetric(float64(len(h.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
