package truth

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// toldSlot is what an incarnation has told other nodes of a slot that it still holds. They build
// on it: an item whose dot K has is not sent again, and a tombstone above it may be collected. So
// the incarnation must know it in its later boots, too (docs/causal.md §11.3, rule 10).
type toldSlot struct {
	known     map[wire.Stream]uint64
	gcCounter uint64
}

// tell records what a Digest tells.
func (l *Incarnation) tell(h *wire.Holdings) {
	for _, run := range h.Held {
		if int(run.Vector) >= len(h.Vectors) || int(run.Slots.First+run.Slots.Count) > len(l.told) {
			return // the holdings make no sense, which claims has reported
		}
		for i := range run.Slots.Count {
			at := run.Slots.First + i
			if l.written.slots[at].freed {
				continue // given up since the answer was made
			}
			x := &l.told[at]
			x.gcCounter = max(x.gcCounter, run.GCCounter)
			if x.known == nil {
				x.known = map[wire.Stream]uint64{}
			}
			for _, p := range h.Vectors[run.Vector] {
				x.known[p.Stream] = max(x.known[p.Stream], p.N)
			}
		}
	}
}

// untell records that slots are given up.
func (l *Incarnation) untell(r wire.HashRange) {
	for at := l.t.cfg.Space.Slot(r.First); at <= l.t.cfg.Space.Slot(r.Last); at++ {
		l.told[at] = toldSlot{}
	}
}

// recovered checks what an incarnation has taken up in a new boot, as it writes it down. It knows
// no less than it has told, and it knows the former members that the log has (I25).
func (t *Truth) recovered(l *Incarnation) {
	for at := range l.told {
		told, x := &l.told[at], &l.written.slots[at]
		for stream, n := range told.known { //maporder:ok the first failure ends the run
			if x.known.At(stream) < n {
				t.fail("I15", "node %d has told that it has everything up to %d of stream %v in slot %d, and knows %d after its restart", l.Node, n, stream, at, x.known.At(stream))
				return
			}
		}
		if x.gcCounter < told.gcCounter {
			t.fail("I13", "node %d has told the GC counter %d of slot %d, and knows %d after its restart", l.Node, told.gcCounter, at, x.gcCounter)
			return
		}
	}
	for _, m := range l.durable.former {
		if !l.view.has(m.ID) && !slices.ContainsFunc(l.written.former, func(o wire.Member) bool { return o.ID == m.ID }) {
			t.fail("I25", "node %d forgets the former member %d in its restart", l.Node, m.ID)
			return
		}
	}
	t.world.Saw("restarted with its data")
	if slices.ContainsFunc(l.written.items, func(w *Write) bool { return w != nil }) {
		t.world.Saw("restarted with items")
	}
}
