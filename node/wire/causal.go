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
	N      uint64 // the write's number in the stream, from 1; below 2^62
}

// CausalVersion is the version of a key in a causal bucket. The zero value stands
// before every version of a key.
type CausalVersion struct {
	Counter uint64 // above the counters of all versions in the write's causal past (I13); below 2^62
	Dot     Dot
}

func (v *CausalVersion) fields(c *causalCodec) {
	c.delta(&c.counter, &v.Counter)
	c.room(v.Counter)
	c.position(&v.Dot.Stream, &v.Dot.N)
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
	N      uint64 // below 2^62
}

// Vector has positions in several streams, ascending by stream, none of them
// zero. It is never written to once it was handed over.
type Vector []Position

func (v *Vector) fields(c *causalCodec) {
	for i := range list(c.codec, v, &positionList) {
		c.position(&(*v)[i].Stream, &(*v)[i].N)
	}
}

var (
	positionList = elements("positions", func(c *causalCodec) { c.position(new(Stream), new(uint64)) })
	vectorList   = elements("vectors", func(c *causalCodec) { new(Vector).fields(c) })
)

// At is the position in a stream; 0 when the vector has none.
func (v Vector) At(s Stream) uint64 {
	i, ok := slices.BinarySearchFunc(v, s, func(p Position, s Stream) int { return p.Stream.Compare(s) })
	if !ok {
		return 0
	}
	return v[i].N
}

// Dependency is a version of the key with a hash that something depends on. Two keys with one
// hash wait for each other's versions.
type Dependency struct {
	Hash    uint64 // of the key
	Version CausalVersion
}

func (d *Dependency) fields(c *causalCodec) {
	c.fixed64(&d.Hash)
	d.Version.fields(c)
}

var dependencyList = elements("dependencies", func(c *causalCodec) { new(Dependency).fields(c) })

// Context is what a client, or a stored version, depends on: transitively closed
// (docs/causal.md §2). Slices are never written to once it was handed over.
type Context struct {
	Exact   []Dependency // oldest first, one a hash; at most 128 of a client, 16 of an item
	Vector  Vector       // older ones, folded; at most 256 positions of a client
	CutRefs []ids.View   // views whose stable cuts it refers to; ascending, at most 64 of a client
	Ceil    uint64       // no counter of what was folded is larger; below 2^62
}

func (x *Context) fields(c *causalCodec) {
	for i := range list(c.codec, &x.Exact, &dependencyList) {
		x.Exact[i].fields(c)
	}
	x.Vector.fields(c)
	c.viewIDs(&x.CutRefs)
	c.delta(&c.ceil, &x.Ceil)
	c.room(x.Ceil)
}

// IsZero reports that nothing is depended on.
func (x *Context) IsZero() bool {
	return len(x.Exact) == 0 && len(x.Vector) == 0 && len(x.CutRefs) == 0 && x.Ceil == 0
}

// Item is a version of a key in a causal bucket: a value, or a tombstone.
type Item struct {
	Key         string // not empty; at most 1 KiB
	Version     CausalVersion
	Deleted     bool   // a tombstone, which has no value
	Value       []byte // at most 512 KiB
	ContentType string
	Deps        Context     // what the write depends on
	ID          ids.Request // of the client's write; zero: it was not forwarded
}

func (it *Item) fields(c *causalCodec) {
	c.key(&it.Key)
	it.Version.fields(c)
	c.bool(&it.Deleted)
	c.bytes(&it.Value)
	c.contentType(&it.ContentType)
	it.Deps.fields(c)
	c.requestID(&it.ID)
}

var itemList = elements("items", func(c *causalCodec) { (&Item{Key: "k"}).fields(c) })

func (c *causalCodec) items(s *[]Item) {
	for i := range list(c.codec, s, &itemList) {
		(*s)[i].fields(c)
	}
}

// ItemSize bounds from above what an item adds to a message. An exchange asks for every item that
// it reads, so this is a sum of bounds that were measured once. Streams that occur several times
// in an item are counted once, as itemBound counts them.
func ItemSize(it Item) int {
	d := &it.Deps
	size := bareItem + len(it.Key) + len(it.Value) + len(it.ContentType)
	if d.IsZero() {
		return size
	}
	size += len(d.Exact)*dependencyBound + len(d.Vector)*positionBound + len(d.CutRefs)*cutRefBound
	var seen recentStreams
	seen.add(&it.Version.Dot.Stream)
	for i := range d.Exact {
		size += newStream(&seen, &d.Exact[i].Version.Dot.Stream)
	}
	for i := range d.Vector {
		size += newStream(&seen, &d.Vector[i].Stream)
	}
	return size
}

// newStream is streamBound if a stream is not among those seen, which it joins.
func newStream(seen *recentStreams, s *Stream) int {
	if seen.find(s) != 0 {
		return 0
	}
	seen.add(s)
	return streamBound
}

// Bounds of an item without strings and dependencies, and of what each part of its dependencies
// adds; streamBound is that of a stream which is not the stream of the version.
var (
	bareItem        = itemBound(new(Item))
	dependencyBound = itemBound(&Item{Deps: Context{Exact: make([]Dependency, 1)}}) - bareItem
	positionBound   = itemBound(&Item{Deps: Context{Vector: make(Vector, 1)}}) - bareItem
	cutRefBound     = itemBound(&Item{Deps: Context{CutRefs: make([]ids.View, 1)}}) - bareItem
	streamBound     = itemBound(&Item{Deps: Context{Vector: Vector{{Stream: Stream{Node: 1}}}}}) - bareItem - positionBound
)

// itemBound is ItemSize by the description of an item.
func itemBound(it *Item) int {
	var c codec
	c.way = bounding
	it.fields(&causalCodec{codec: &c})
	return c.size + maxCountGrowth
}
