package store

import (
	"unsafe"

	"github.com/cohortkv/cohort/node/wire"
)

// What a key costs beside its bytes: its cell, its entry in the index and its share
// of the tree, which are the average of what was measured
// (TestTheCountedBytesAreThoseThatAreHeld).
const (
	recordOverhead = 240
	itemOverhead   = 368
)

// What an element of what an item depends on costs.
const (
	dependencySize = int64(unsafe.Sizeof(wire.Dependency{}))
	positionSize   = int64(unsafe.Sizeof(wire.Position{}))
	viewIDSize     = int64(unsafe.Sizeof(wire.ViewID{}))
)

// recordBytes is what a record costs.
func recordBytes(rec *wire.Record) int64 {
	return recordOverhead + int64(len(rec.Key)+len(rec.Value)+len(rec.ContentType))
}

// itemBytes is what an item costs. Items may share the vector and the names of what
// they depend on; each counts them: a client can see to it that none shares.
func itemBytes(it *wire.Item) int64 {
	d := &it.Deps
	deps := int64(len(d.Exact))*dependencySize + int64(len(d.Vector))*positionSize + int64(len(d.CutRefs))*viewIDSize
	return itemOverhead + int64(len(it.Key)+len(it.Value)+len(it.ContentType)) + deps
}

// Bytes is what the store holds: of both buckets and of bases that are on their way.
// What only snapshots keep is not counted (Pinned).
func (m *Memory) Bytes() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.current.bytes + m.mu.staged.bytes + m.mu.building.bytes + m.mu.causal.bytes
}

// Growth is by how much Bytes would grow with a value of so many bytes under a key
// of one of the buckets.
func (m *Memory) Growth(causal bool, key string, value int) int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	size := int64(len(key) + value)
	if causal {
		if it := m.mu.causal.find(key); it != nil {
			return size + itemOverhead - itemBytes(it)
		}
		return size + itemOverhead
	}
	if c := m.mu.current.index[key]; c != nil {
		return size + recordOverhead - recordBytes(&c.value)
	}
	return size + recordOverhead
}

// pins is what a snapshot alone keeps in memory.
type pins struct {
	kept  *kept
	since int64
}

func (t *table[V]) pins() pins { return pins{t.kept, t.kept.bytes.Load()} }

// Pinned is how many bytes have left the table since the snapshot was taken. Any
// goroutine may ask.
func (p pins) Pinned() int64 { return p.kept.bytes.Load() - p.since }
