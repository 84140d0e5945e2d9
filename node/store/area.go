package store

import (
	"bytes"
	"iter"
	"strings"

	"github.com/tidwall/btree"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// area is one state. Its records stand in cells that two structures share: the
// index finds one in O(1), the tree has them in order and can be frozen in O(1).
//
// A write to a key that exists changes its cell in place and leaves the tree
// alone, unless a snapshot was taken since the cell was made: then the cell
// belongs to the snapshot, and a new one takes its place. (A tree of 100,000
// keys costs a dozen cache misses a look-up, the index two; with a tree alone
// the state cost a tenth of a PUT.)
type area struct {
	index  map[string]*cell
	tree   *btree.Map[string, *cell]
	next   uint64 // number of the next write
	frozen uint64 // snapshots that were taken
}

type cell struct {
	record wire.Record
	frozen uint64 // of the area, when the cell was made
}

// newArea returns an area without keys, at the counter of a ledger.
func newArea(l wire.Ledger) *area {
	return &area{index: map[string]*cell{}, tree: btree.NewMap[string, *cell](0), next: nextNumber(l)}
}

// nextNumber is the number of the next write after a history with this ledger.
func nextNumber(l wire.Ledger) uint64 { return max(l.MsgNum, 1) }

// apply brings in committed entries. The same ones a second time change nothing.
func (a *area) apply(entries []wire.Entry) {
	for i := range entries {
		a.applyOne(&entries[i])
	}
}

func (a *area) applyOne(e *wire.Entry) {
	if kv.Changes(e.Result.Status) {
		if rec := kv.RecordOf(e); rec != nil {
			a.put(*rec)
		} else {
			delete(a.index, e.Op.Key)
			a.tree.Delete(e.Op.Key)
		}
	}
	if kv.TakesNumber(e.Result.Status) {
		a.next = e.Result.MsgNum + 1
	}
}

// put keeps copies: what it is given shares memory with the whole batch that it
// came in, which one record that lives on would keep alive.
func (a *area) put(rec wire.Record) {
	rec.Value = bytes.Clone(rec.Value)
	c, exists := a.index[rec.Key]
	if !exists {
		rec.Key, rec.ContentType = strings.Clone(rec.Key), strings.Clone(rec.ContentType)
	} else {
		rec.Key = c.record.Key
		rec.ContentType = sameString(c.record.ContentType, rec.ContentType)
	}
	if exists && c.frozen == a.frozen {
		c.record = rec
		return
	}
	c = &cell{record: rec, frozen: a.frozen}
	a.index[rec.Key] = c
	a.tree.Set(rec.Key, c)
}

// sameString is a copy of the new string, or the old one if they are equal.
func sameString(old, fresh string) string {
	if old == fresh {
		return old
	}
	return strings.Clone(fresh)
}

// meta is what a write to a key must know of it.
func (a *area) meta(key string) wire.Meta {
	c, found := a.index[key]
	if !found {
		return wire.Meta{}
	}
	return wire.Meta{Exists: true, Version: c.record.Version}
}

func (a *area) snapshot() *Snapshot {
	a.frozen++
	return &Snapshot{tree: a.tree.IsoCopy(), next: a.next}
}

// after yields the cells of a tree whose keys are greater than a key, or all
// when it is nil. The tree must not change meanwhile.
func after(tree *btree.Map[string, *cell], key *string) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		if key == nil {
			tree.Scan(func(_ string, c *cell) bool { return yield(c) })
			return
		}
		tree.Ascend(*key, func(k string, c *cell) bool { return k == *key || yield(c) })
	}
}
