// Package store holds what a node keeps: the state that committed entries made,
// beside it the base of a round that is whole and not swapped in, and the one that
// is being built (I10); and, apart from these, the items of the causal bucket.
// Memory is the store of a node that keeps nothing when its process ends.
//
// One goroutine at a time changes a Memory: the one that carries out a
// machine's outputs, in their order. Any goroutine may read it at any time and
// sees whole batches of entries, and whole writes, only. The store copies what it
// is given; values that are read are shared and never written to.
//
// Finding a record or an item costs O(1), and so does a snapshot.
package store

import (
	"fmt"
	"sync"

	"github.com/cohortkv/cohort/node/wire"
)

// Memory is a store in memory.
type Memory struct {
	mu struct {
		sync.RWMutex
		current  *area
		staged   *area        // of the whole base, if that is a fresh one
		tail     []wire.Entry // of the whole base
		building *area        // of the base of a ballot that is on its way here
		ballot   wire.Ballot  // that building is for
		causal   *causal
	}
}

// NewMemory returns a store with the empty history: no keys, and 1 is the number
// of the first write.
func NewMemory() *Memory {
	m := &Memory{}
	m.mu.current = newArea(wire.Ledger{})
	m.mu.staged, m.mu.building = newArea(wire.Ledger{}), newArea(wire.Ledger{})
	m.mu.causal = newCausal()
	return m
}

// Write carries out writes in their order. They are as durable as memory is as
// soon as Write returns, so Durable may follow at once. The log and the node's
// meta data need nothing here: a process that loses its memory is a stranger
// anyway (I9).
//
// A fresh base is swapped in with its tail, although the entries of the tail come
// again by way of Apply, and change nothing then. A read that was allowed before the
// swap must not find a base that lacks entries which it was promised.
func (m *Memory) Write(writes []wire.Write) {
	for i := range writes {
		if w := &writes[i]; w.Kind != wire.WriteMeta && w.Kind != wire.WriteAppend {
			m.writeArea(w)
		}
	}
}

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
			m.build(newArea(wire.Ledger{}), wire.Ballot{})
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
		m.build(newArea(wire.Ledger{}), wire.Ballot{})
	case wire.WriteCausal:
		m.mu.causal.write(w.Causal)
	default:
		panic(fmt.Sprintf("store: write %d has the unknown kind %d", w.Seq, w.Kind))
	}
}

// build begins to build a base anew.
func (m *Memory) build(a *area, b wire.Ballot) { m.mu.building, m.mu.ballot = a, b }

// Apply brings committed entries into the state, blindly: their results were
// decided when they were ordered. Readers see all of them or none.
func (m *Memory) Apply(entries []wire.Entry) {
	if len(entries) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.current.apply(entries)
}
