package world

import (
	"runtime/metrics"

	"github.com/cohortkv/cohort/internal/sim/trace"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of one step.
const (
	maxOutputs = 3_000   // messages, events and reads of one step
	maxChained = 10_000  // steps that a node's own inputs lead to, without an input from outside
	maxBytes   = 8 << 20 // bytes allocated, beside maxPerByte
	maxPerByte = 512     // bytes allocated for each byte of the message that arrived
)

// gauge checks the bounds of steps. It measures memory only in the fuzzer, where nothing
// else runs in the process.
type gauge struct {
	sample []metrics.Sample
	before uint64
}

const allocated = "/gc/heap/allocs:bytes"

func (g *gauge) begin(n *Node) {
	if n.w.Sched.Garbling.Script == nil {
		return
	}
	if g.sample == nil {
		g.sample = []metrics.Sample{{Name: allocated}}
	}
	g.before = g.read()
}

func (g *gauge) read() uint64 {
	metrics.Read(g.sample)
	return g.sample[0].Value.Uint64()
}

func (g *gauge) end(n *Node, in core.Input, out *core.Output) {
	if n.chain > maxChained {
		n.w.Fail("spin", "node %d leads itself from step to step, %d times; now to %s", n.ID, n.chain, trace.Describe(in))
	}
	if m, e, r := len(out.Messages), len(out.Events), len(out.Reads); max(m, e, r) > maxOutputs {
		n.w.Fail("bound", "one step of node %d gives %d messages, %d events, %d reads; it was told %s", n.ID, m, e, r, trace.Describe(in))
	}
	if g.sample == nil {
		return
	}
	size := 0
	if rec, ok := in.(*core.Received); ok {
		size = len(wire.AppendMessage(nil, rec.Header, rec.Message))
	}
	if took := g.read() - g.before; took > maxBytes+maxPerByte*uint64(size) {
		n.w.Fail("bound", "one step of node %d allocates %d bytes; it was told %d bytes: %.200s", n.ID, took, size, trace.Describe(in))
	}
}
