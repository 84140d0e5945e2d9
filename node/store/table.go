package store

import (
	"iter"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// table holds a value a key. The values stand in cells that two structures share:
// the index finds one in O(1), the tree has them in order and can be frozen in
// O(1). The order is that of places, which are keys or begin with something else.
//
// A write to a key that exists changes its cell in place and leaves the tree
// alone, unless a snapshot was taken since the cell was made: then the cell
// belongs to the snapshot, and a new one takes its place. (A tree of 100,000
// keys costs a dozen cache misses a look-up, the index two; with a tree alone
// the state cost a tenth of a PUT.)
type table[V any] struct {
	index  map[string]*cell[V]
	tree   *btree.Map[string, *cell[V]]
	frozen uint64 // snapshots that were taken
	bytes  int64  // what the cells cost, as Memory.Bytes counts
	kept   *kept  // what snapshots alone keep
}

// kept counts the bytes of cells that left the table after a snapshot was taken: as
// long as that is read, they stay. It only grows; a snapshot knows where it began.
type kept struct{ bytes atomic.Int64 }

type cell[V any] struct {
	value  V
	frozen uint64 // of the table, when the cell was made
}

func newTable[V any]() table[V] {
	return table[V]{index: map[string]*cell[V]{}, tree: btree.NewMap[string, *cell[V]](0), kept: &kept{}}
}

// set puts a value of so many bytes; c is what the index has for its key, with the
// bytes that this cost.
func (t *table[V]) set(c *cell[V], key, place string, v V, bytes, before int64) {
	t.bytes += bytes
	if c != nil {
		t.leave(c, before)
	}
	if c != nil && c.frozen == t.frozen {
		c.value = v
		return
	}
	c = &cell[V]{value: v, frozen: t.frozen}
	t.index[key] = c
	t.tree.Set(place, c)
}

// leave counts off what a cell held.
func (t *table[V]) leave(c *cell[V], bytes int64) {
	t.bytes -= bytes
	if c.frozen != t.frozen {
		t.kept.bytes.Add(bytes)
	}
}

// abandon is called when the table makes room for another as a whole.
func (t *table[V]) abandon() { t.kept.bytes.Add(t.bytes) }

func (t *table[V]) remove(key, place string, c *cell[V], bytes int64) {
	t.leave(c, bytes)
	delete(t.index, key)
	t.tree.Delete(place)
}

// freeze returns the tree as it is now: nothing that follows changes it, and any
// goroutine may read it.
func (t *table[V]) freeze() *btree.Map[string, *cell[V]] {
	t.frozen++
	return t.tree.IsoCopy()
}

// after yields the cells of a tree whose places are greater than one, or all when
// it is nil. The tree must not change meanwhile.
func after[V any](tree *btree.Map[string, *cell[V]], place *string) iter.Seq[*cell[V]] {
	return func(yield func(*cell[V]) bool) {
		if place == nil {
			tree.Scan(func(_ string, c *cell[V]) bool { return yield(c) })
			return
		}
		tree.Ascend(*place, func(at string, c *cell[V]) bool { return at == *place || yield(c) })
	}
}
