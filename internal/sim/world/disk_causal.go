package world

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// causalFold sums up the causal writes of a disk, as plainly as their fields are described. Items
// are in the store.
type causalFold struct {
	space    hashing.Space
	slots    map[uint32]heldSlot
	found    core.RecoveredCausal // but for Known, Applied and Finished
	applied  []wire.AppliedWrite
	finished map[wire.NodeBoot]uint64
}

// heldSlot is a slot that is held.
type heldSlot struct {
	known wire.Vector
	run   wire.HeldSlots // readiness and GC counter
}

func newCausalFold(space hashing.Space) *causalFold {
	return &causalFold{space: space, slots: map[uint32]heldSlot{}, finished: map[wire.NodeBoot]uint64{}}
}

func (f *causalFold) write(c *wire.CausalWrite) {
	if c.NewStreams {
		f.found.Live = nil
	}
	for _, r := range c.Free {
		for at := f.space.Slot(r.First); at <= f.space.Slot(r.Last); at++ {
			delete(f.slots, uint32(at))
		}
	}
	if c.Known != nil {
		for _, run := range c.Known.Held {
			for i := range run.Slots.Count {
				f.slots[run.Slots.First+i] = heldSlot{c.Known.Vectors[run.Vector], run}
			}
		}
	}
	for _, p := range c.Live {
		i := slices.IndexFunc(f.found.Live, func(o wire.Position) bool { return o.Stream == p.Stream })
		if i < 0 {
			i = len(f.found.Live)
			f.found.Live = append(f.found.Live, p)
		}
		f.found.Live[i].N = max(f.found.Live[i].N, p.N)
	}
	if c.AlumniSet {
		f.found.Former = c.Alumni
	}
	for _, v := range c.Views {
		f.found.Views = append(slices.DeleteFunc(f.found.Views, func(o wire.KnownView) bool { return o.ID == v.ID }), v)
	}
	f.found.GCCounter = max(f.found.GCCounter, c.GCCounter)
	f.results(c)
}

// results sums up the results of forwarded writes.
func (f *causalFold) results(c *wire.CausalWrite) {
	f.applied = append(f.applied, c.Applied...)
	for _, d := range c.Finished {
		f.finished[d.Forwarder] = max(f.finished[d.Forwarder], d.Below)
	}
	f.applied = slices.DeleteFunc(f.applied, func(a wire.AppliedWrite) bool {
		return a.ID.Counter < f.finished[wire.NodeBoot{Node: a.ID.Node, Boot: a.ID.Boot}]
	})
	maps.DeleteFunc(f.finished, func(_ wire.NodeBoot, below uint64) bool { return below == math.MaxUint64 })
}

func compareBoots(a, b wire.NodeBoot) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Boot, b.Boot))
}

// recovered is the sum.
func (f *causalFold) recovered() core.RecoveredCausal {
	found := f.found
	for _, at := range slices.Sorted(maps.Keys(f.slots)) {
		s := f.slots[at]
		s.run.Slots, s.run.Vector = wire.SlotRange{First: at, Count: 1}, uint32(len(found.Known.Vectors))
		found.Known.Vectors = append(found.Known.Vectors, s.known)
		found.Known.Held = append(found.Known.Held, s.run)
	}
	found.Applied = f.applied
	for _, forwarder := range slices.SortedFunc(maps.Keys(f.finished), compareBoots) {
		found.Finished = append(found.Finished, wire.FinishedWrites{Forwarder: forwarder, Below: f.finished[forwarder]})
	}
	return found
}
