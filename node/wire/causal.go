package wire

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// Stream names the writes that one boot of a node makes in one view. They are
// numbered from 1 without gaps. A node that starts again, or adopts another view,
// begins another stream.
type Stream struct {
	View ids.View
	Node ids.Node
	Boot ids.Boot
}

// Compare orders streams: view id, node, boot.
func (s Stream) Compare(o Stream) int {
	return cmp.Or(s.View.Compare(o.View), cmp.Compare(s.Node, o.Node), cmp.Compare(s.Boot, o.Boot))
}

// Dot names one write, for ever (I16).
type Dot struct {
	Stream Stream
	N      uint64
}

// CausalVersion is the version of a key in a causal bucket. The zero value stands
// before every version of a key.
type CausalVersion struct {
	Counter uint64
	Dot     Dot
}

// Compare orders the versions of one key: the larger counter wins, then the lower
// node id, then the rest of the dot, so that no two are equal (I16).
func (v CausalVersion) Compare(o CausalVersion) int {
	return cmp.Or(
		cmp.Compare(v.Counter, o.Counter),
		cmp.Compare(o.Dot.Stream.Node, v.Dot.Stream.Node),
		v.Dot.Stream.Compare(o.Dot.Stream),
		cmp.Compare(v.Dot.N, o.Dot.N),
	)
}

// IsZero reports "no version".
func (v CausalVersion) IsZero() bool { return v == CausalVersion{} }

// Position is a place in a stream: all its writes up to N.
type Position struct {
	Stream Stream
	N      uint64
}

// Vector has positions in several streams, ascending by stream, none of them
// zero. It is never written to once it was handed over.
type Vector []Position

// At is the position in a stream; 0 when the vector has none.
func (v Vector) At(s Stream) uint64 {
	i, ok := slices.BinarySearchFunc(v, s, func(p Position, s Stream) int { return p.Stream.Compare(s) })
	if !ok {
		return 0
	}
	return v[i].N
}

// Dependency is a version of the key with a hash that something depends on.
type Dependency struct {
	Hash    uint64
	Version CausalVersion
}

// Context is what a client, or a stored version, depends on: transitively closed
// (docs/causal.md §2). Slices are never written to once it was handed over.
type Context struct {
	Exact   []Dependency // oldest first, one a hash
	Vector  Vector       // older ones, folded
	CutRefs []ids.View   // ascending: views whose stable cuts it refers to
	Ceil    uint64       // no counter of what was folded is larger
}

// IsZero reports that nothing is depended on.
func (c *Context) IsZero() bool {
	return len(c.Exact) == 0 && len(c.Vector) == 0 && len(c.CutRefs) == 0 && c.Ceil == 0
}

// Item is a version of a key in a causal bucket: a value, or a tombstone.
type Item struct {
	Key         string
	Version     CausalVersion
	Deleted     bool
	Value       []byte
	ContentType string
	Deps        Context
	ID          ids.Request // of the client's write; zero: it was not forwarded
}

// SlotRange is a run of slots.
type SlotRange struct {
	First uint32
	Count uint32
}

// Sum is a digest of the items of one slot, or of several: equal for equal items,
// in whatever order they came.
type Sum struct {
	Count uint64
	Xor   uint64
	Plus  uint64
}

// HeldSlots is a run of slots that a node holds alike.
type HeldSlots struct {
	Slots     SlotRange
	Vector    uint32 // index in the table beside it: what is known of each of them
	Ready     bool   // the node would serve them, as far as it knows
	GCCounter uint64 // no counter of a collected tombstone in them is larger
}

// Holdings says which slots a node holds, and what it knows of each.
type Holdings struct {
	Vectors []Vector
	Held    []HeldSlots // ascending, apart
}

// KnownView is what a node needs to know of a view whose id it meets in a vector: its
// members by shard, and its stable cut, if one was published.
type KnownView struct {
	ID           ids.View
	Layout       Layout
	HasStableCut bool
	Common       bool // all members knew the stable cut at a time: contexts may refer to it
	StableCut    Vector
}

// HashRange is a range of key hashes, both ends included.
type HashRange struct {
	First, Last uint64
}

// SlotCursor is a place in the order of items: by hash, then by key. Everything
// greater is still to come.
type SlotCursor struct {
	Begun bool // false: before the first item
	Hash  uint64
	Key   string
}
