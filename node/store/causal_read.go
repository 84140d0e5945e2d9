package store

import (
	"iter"

	"github.com/tidwall/btree"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Item returns the item of a key in the causal bucket, a value or a tombstone; nil
// if there is none. The item never changes.
func (m *Memory) Item(key string) *wire.Item {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.causal.find(key)
}

// CausalLen is the number of keys with a value, and of keys with a tombstone.
func (m *Memory) CausalLen() (live, tombstones int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	tombstones = m.mu.causal.tombstones
	return len(m.mu.causal.index) - tombstones, tombstones
}

// Key answers a ReadKey.
func (m *Memory) Key(r core.Read) *core.KeyRead {
	return &core.KeyRead{Session: r.Session, Stored: m.Item(r.Key)}
}

// Slots answers a ReadSlots: the next items behind r.Cursor in r.Ranges, which must
// ascend and must not overlap. A message holds up to r.Limit bytes, but at least
// one item if there is any, so that the reader makes progress.
func (m *Memory) Slots(r core.Read) *core.SlotsRead {
	read := &core.SlotsRead{Session: r.Session, Last: true}
	after := ""
	if r.Cursor.Begun {
		after = placeOf(r.Cursor.Hash, r.Cursor.Key)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	size := 0
	for c := range within(m.mu.causal.tree, r.Ranges, after) {
		it := c.value.item
		size += wire.ItemSize(*it)
		if size > r.Limit && len(read.Items) > 0 {
			read.Last = false
			break
		}
		read.Items = append(read.Items, *it)
	}
	return read
}

// CausalSnapshot freezes the causal bucket, in O(1). Later writes copy the parts of
// the tree that they change.
func (m *Memory) CausalSnapshot() *CausalSnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &CausalSnapshot{tree: m.mu.causal.freeze(), pins: m.mu.causal.pins()}
}

// CausalSnapshot is the causal bucket at one moment. Any goroutine may read it.
type CausalSnapshot struct {
	tree *btree.Map[string, *cell[held]]
	pins
}

// Items yields the items whose hashes are in ranges, values and tombstones, ordered
// by hash, then by key. The ranges must ascend and must not overlap. The items
// never change.
func (s *CausalSnapshot) Items(ranges []wire.HashRange) iter.Seq[*wire.Item] {
	return s.from(ranges, "")
}

// ItemsAfter yields those of Items that come behind a key. The key itself need not
// exist.
func (s *CausalSnapshot) ItemsAfter(ranges []wire.HashRange, key string) iter.Seq[*wire.Item] {
	return s.from(ranges, placeOf(hashing.Hash(key), key))
}

func (s *CausalSnapshot) from(ranges []wire.HashRange, after string) iter.Seq[*wire.Item] {
	return func(yield func(*wire.Item) bool) {
		for c := range within(s.tree, ranges, after) {
			if !yield(c.value.item) {
				return
			}
		}
	}
}
