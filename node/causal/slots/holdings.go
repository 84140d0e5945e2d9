package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Writer makes holdings, the form of K in messages and log writes. Slots must come in ascending
// order. Slots that share a vector in memory share it in the holdings, and equal neighbours are
// one run, so thousands of slots take little room.
type Writer struct {
	Holdings wire.Holdings
	index    map[*wire.Position]uint32 // by the head of a vector: its place in Holdings.Vectors
}

// Add adds a slot that is held, with its K, readiness and GC counter.
func (w *Writer) Add(at hashing.Slot, v wire.Vector, ready bool, gcCounter uint64) {
	if w.index == nil {
		w.index = map[*wire.Position]uint32{}
	}
	i, ok := w.index[version.Head(v)]
	if !ok || len(w.Holdings.Vectors[i]) != len(v) {
		i = uint32(len(w.Holdings.Vectors))
		w.Holdings.Vectors = append(w.Holdings.Vectors, v)
		w.index[version.Head(v)] = i
	}
	held := w.Holdings.Held
	if n := len(held) - 1; n >= 0 && held[n].Slots.First+held[n].Slots.Count == uint32(at) &&
		held[n].Vector == i && held[n].Ready == ready && held[n].GCCounter == gcCounter {
		held[n].Slots.Count++
		return
	}
	w.Holdings.Held = append(held, wire.HeldSlots{
		Slots: wire.SlotRange{First: uint32(at), Count: 1}, Vector: i, Ready: ready, GCCounter: gcCounter,
	})
}

// Reader reads holdings, for slots that are asked for in ascending order. Then it takes one pass
// over the runs, where Holdings.Of searches each time.
type Reader struct {
	Held *wire.Holdings
	i    int // the run that was looked at last
}

// Next is what the holdings say of a slot; nil: the slot is not held, or its vector is missing.
func (h *Reader) Next(at hashing.Slot) *wire.HeldSlots {
	for h.i < len(h.Held.Held) && h.Held.Held[h.i].Slots.First+h.Held.Held[h.i].Slots.Count <= uint32(at) {
		h.i++
	}
	if h.i == len(h.Held.Held) {
		return nil
	}
	if run := &h.Held.Held[h.i]; run.Slots.First <= uint32(at) && int(run.Vector) < len(h.Held.Vectors) {
		return run
	}
	return nil
}
