package store

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// causal is the state of the causal bucket: the items that this node has of the
// slots that it holds, whether or not it owns them. A stored item is never written
// to again: a newer version is another item in the same cell.
type causal struct {
	table[held]     // a place is the key's hash, big-endian, and the key; exchanges go in this order
	tombstones  int // number of items that are tombstones
}

// held is an item, with the place that contains its key.
type held struct {
	place string
	item  *wire.Item
}

// hashSize is the number of bytes of a hash in a place.
const hashSize = 8

func newCausal() *causal { return &causal{table: newTable[held]()} }

// placeOf is the place of a key. With an empty key, it is the place before all keys
// with this hash.
func placeOf(hash uint64, key string) string {
	var b strings.Builder
	b.Grow(hashSize + len(key))
	var h [hashSize]byte
	binary.BigEndian.PutUint64(h[:], hash)
	b.Write(h[:])
	b.WriteString(key)
	return b.String()
}

// hashAt is the hash at the beginning of a place.
func hashAt(place string) uint64 {
	var h [hashSize]byte
	copy(h[:], place)
	return binary.BigEndian.Uint64(h[:])
}

// write carries out a write. Only items are kept. A process that loses its memory is a new
// incarnation and a stranger (I9), so what the machine knows of views and slots need not be
// stored.
func (a *causal) write(w *wire.CausalWrite) {
	a.free(w.Free)
	for i := range w.Put {
		a.put(&w.Put[i])
	}
	for _, key := range w.Drop {
		if c := a.index[key]; c != nil {
			a.drop(c)
		}
	}
}

// put keeps copies, as area.put does. Vectors and references are shared, because
// they were made for this item or a few items and are not part of a larger
// allocation. The entries are copied: they may be the end of a longer context.
func (a *causal) put(from *wire.Item) {
	it := *from
	it.Value = bytes.Clone(it.Value)
	it.Deps.Exact = slices.Clone(it.Deps.Exact)
	c := a.index[it.Key]
	var place string
	before := int64(0)
	if c == nil {
		place = placeOf(hashing.Hash(it.Key), it.Key)
		it.Key, it.ContentType = place[hashSize:], strings.Clone(it.ContentType)
	} else {
		old := c.value.item
		place = c.value.place
		it.Key, it.ContentType = old.Key, sameString(old.ContentType, it.ContentType)
		a.count(old, -1)
		before = itemBytes(old)
	}
	a.count(&it, +1)
	a.set(c, it.Key, place, held{place, &it}, itemBytes(&it), before)
}

func (a *causal) drop(c *cell[held]) {
	a.count(c.value.item, -1)
	a.remove(c.value.item.Key, c.value.place, c, itemBytes(c.value.item))
}

func (a *causal) count(it *wire.Item, by int) {
	if it.Deleted {
		a.tombstones += by
	}
}

// free removes every item whose hash is in one of these ranges.
func (a *causal) free(ranges []wire.HashRange) {
	var gone []*cell[held]
	for c := range within(a.tree, ranges, "") {
		gone = append(gone, c)
	}
	for _, c := range gone {
		a.drop(c)
	}
}

// find is the item of a key; nil if there is none.
func (a *causal) find(key string) *wire.Item {
	if c := a.index[key]; c != nil {
		return c.value.item
	}
	return nil
}

// within yields the cells of a tree whose hashes are in ranges, from the first cell
// behind the place after. The ranges must ascend and must not overlap. The tree
// must not change meanwhile.
//
// It searches the tree once for each run of ranges that lie in a gap between two
// items. Few items in many ranges therefore cost as little as many items in few
// ranges.
func within(tree *btree.Map[string, *cell[held]], ranges []wire.HashRange, after string) iter.Seq[*cell[held]] {
	return func(yield func(*cell[held]) bool) {
		left := ranges
		for more := true; more && len(left) > 0; {
			more = false // false unless an item lies before the next range
			tree.Ascend(max(after, placeOf(left[0].First, "")), func(at string, c *cell[held]) bool {
				hash := hashAt(at)
				for len(left) > 0 && left[0].Last < hash {
					left = left[1:]
				}
				if len(left) == 0 {
					return false
				}
				if hash < left[0].First {
					more = true
					return false
				}
				return at == after || yield(c)
			})
		}
	}
}
