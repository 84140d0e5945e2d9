// Package store holds the data of a node (docs/strong.md §2). A base is built aside and swapped in
// as a whole (I10), so the store has these parts:
//
//   - the state that committed entries have produced;
//   - the staged base: complete, and not swapped in yet;
//   - the base that is being built, from pieces that arrive;
//   - the items of the causal bucket, which are independent of the other parts.
//
// Memory is the store of a node that keeps nothing when its process ends.
//
// One goroutine at a time may change a Memory: the one that carries out a machine's
// outputs, in their order. Any goroutine may read it at any time, and sees only
// whole batches of entries and whole writes. The store copies what it is given.
// Values that are read are shared, and must not be written to.
//
// Finding a record or an item costs O(1), and so does a snapshot.
package store

import (
	"fmt"
	"sync"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Memory is a store in memory. See the package comment for the goroutines that may
// use it.
type Memory struct {
	mu struct {
		sync.RWMutex
		current  *area
		staged   *area        // state of the staged base, if that base is fresh; otherwise empty
		tail     []wire.Entry // tail of the staged base: entries to be applied at the swap
		building *area        // state of the base that is being received
		ballot   ids.Ballot   // ballot of the base in building; zero: none is being built
		causal   *causal      // items of the causal bucket
	}
}

// NewMemory returns a store with the empty history: it has no keys, and the first
// write gets number 1.
func NewMemory() *Memory {
	m := &Memory{}
	m.mu.current = newArea(wire.Ledger{})
	m.mu.staged, m.mu.building = newArea(wire.Ledger{}), newArea(wire.Ledger{})
	m.mu.causal = newCausal()
	return m
}

// Write carries out writes in their order. When it returns, they are as durable as
// memory is, so Durable may follow at once. The log and the node's metadata are not
// kept: a process that loses its memory is a new incarnation and a stranger (I9).
//
// A fresh base is swapped in together with its tail. The entries of the tail come
// again through Apply, and change nothing then. They are needed at the swap: a
// client that was allowed to read before the swap must not read from a base
// without them.
func (m *Memory) Write(writes []wire.Write) {
	for i := range writes {
		if w := &writes[i]; w.Kind != wire.WriteMeta && w.Kind != wire.WriteAppend {
			m.writeArea(w)
		}
	}
}

// writeArea carries out one write. Readers see all of it or none.
func (m *Memory) writeArea(w *wire.Write) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch w.Kind {
	case wire.WriteStageHead:
		m.build(newArea(wire.Ledger{}), w.Ballot)
	case wire.WriteStageRecords:
		for _, rec := range w.Records {
			m.mu.building.put(rec)
		}
	case wire.WriteStaged:
		m.mu.tail = w.Entries
		if w.Fresh && m.mu.ballot == w.Ballot {
			m.mu.staged = m.mu.building
			m.build(newArea(wire.Ledger{}), ids.Ballot{})
		}
	case wire.WriteSwap:
		if w.Fresh {
			m.mu.current.abandon()
			m.mu.current = m.mu.staged
			m.mu.current.next = nextNumber(w.Ledger)
			m.mu.current.apply(m.mu.tail)
		}
		m.mu.staged, m.mu.tail = newArea(wire.Ledger{}), nil
	case wire.WriteStageDrop:
		m.build(newArea(wire.Ledger{}), ids.Ballot{})
	case wire.WriteCausal:
		m.mu.causal.write(w.Causal)
	default:
		panic(fmt.Sprintf("store: write %d has the unknown kind %d", w.Seq, w.Kind))
	}
}

// build begins to build the base of a ballot in an empty area.
func (m *Memory) build(a *area, b ids.Ballot) { m.mu.building, m.mu.ballot = a, b }

// Apply applies committed entries to the state. It checks no conditions, because
// the results were decided when the entries were ordered. Readers see all of the
// entries or none.
func (m *Memory) Apply(entries []wire.Entry) {
	if len(entries) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.current.apply(entries)
}
