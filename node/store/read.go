package store

import (
	"fmt"
	"iter"

	"github.com/tidwall/btree"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Get returns a key's record, and the number of the next write at the same moment.
func (m *Memory) Get(key string) (rec wire.Record, found bool, next uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if c, ok := m.mu.current.index[key]; ok {
		return c.value, true, m.mu.current.next
	}
	return wire.Record{}, false, m.mu.current.next
}

// Len is the number of keys.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.mu.current.index)
}

// Chunk reads the next piece of an area. A message holds up to r.Limit bytes of
// records, but at least one record if there is any, so that the reader makes
// progress.
func (m *Memory) Chunk(r core.Read) *core.ChunkRead {
	chunk := &core.ChunkRead{Area: r.Area, After: r.After, First: r.First, Last: true, Session: r.Session}
	var from *string
	if !r.First {
		from = &r.After
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	size := 0
	for c := range after(m.area(r.Area).tree, from) {
		rec := &c.value
		size += wire.RecordSize(*rec)
		if size > r.Limit && len(chunk.Records) > 0 {
			chunk.Last = false
			break
		}
		chunk.Records = append(chunk.Records, *rec)
	}
	return chunk
}

func (m *Memory) area(a core.Area) *area {
	switch a {
	case core.AreaCurrent:
		return m.mu.current
	case core.AreaStaged:
		return m.mu.staged
	default:
		panic(fmt.Sprintf("store: a chunk is read from the unknown area %d", a))
	}
}

// Snapshot freezes the state, in O(1). Later writes copy the parts of the tree that
// they change.
func (m *Memory) Snapshot() *Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.current.snapshot()
}

// Snapshot is the state at one position. Any goroutine may read it.
type Snapshot struct {
	tree *btree.Map[string, *cell[wire.Record]]
	next uint64
	pins
}

// Next is the number of the next write after the snapshot.
func (s *Snapshot) Next() uint64 { return s.next }

// Len is the number of keys.
func (s *Snapshot) Len() int { return s.tree.Len() }

// From yields the records in the order of key bytes: those with keys greater than
// key, or all if key is nil.
func (s *Snapshot) From(key *string) iter.Seq[wire.Record] {
	return func(yield func(wire.Record) bool) {
		for c := range after(s.tree, key) {
			if !yield(c.value) {
				return
			}
		}
	}
}
