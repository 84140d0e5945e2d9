package store

import (
	"unsafe"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bytes that a key costs besides its key and value: its cell, its entry in the
// index, and its share of the tree. They are measured averages
// (TestTheCountedBytesAreThoseThatAreHeld).
const (
	recordOverhead = 240
	itemOverhead   = 368
)

// Bytes that each element of an item's dependencies costs.
const (
	dependencySize = int64(unsafe.Sizeof(wire.Dependency{}))
	positionSize   = int64(unsafe.Sizeof(wire.Position{}))
	viewIDSize     = int64(unsafe.Sizeof(ids.View{}))
)

// recordBytes is the number of bytes that a record costs.
func recordBytes(rec *wire.Record) int64 {
	return recordOverhead + int64(len(rec.Key)+len(rec.Value)+len(rec.ContentType))
}

// itemBytes is the number of bytes that an item costs. Items may share the vector
// and the references of their dependencies, but each item counts them: a client can
// arrange that no two items share.
func itemBytes(it *wire.Item) int64 {
	d := &it.Deps
	deps := int64(len(d.Exact))*dependencySize + int64(len(d.Vector))*positionSize + int64(len(d.CutRefs))*viewIDSize
	return itemOverhead + int64(len(it.Key)+len(it.Value)+len(it.ContentType)) + deps
}

// Bytes is the number of bytes that the store holds: of both buckets, and of bases
// that are being received. Bytes that only snapshots keep are not counted (Pinned).
// Any goroutine may call it.
func (m *Memory) Bytes() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.current.bytes + m.mu.staged.bytes + m.mu.building.bytes + m.mu.causal.bytes
}

// Growth is the number of bytes by which Bytes would change with a value of that
// many bytes under a key of one of the buckets.
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

// pins tells how many bytes a snapshot keeps in memory after they left the table.
type pins struct {
	kept  *kept
	since int64
}

func (t *table[V]) pins() pins { return pins{t.kept, t.kept.bytes.Load()} }

// Pinned is the number of bytes that have left the table since the snapshot was
// taken. Any goroutine may call it.
func (p pins) Pinned() int64 { return p.kept.bytes.Load() - p.since }
