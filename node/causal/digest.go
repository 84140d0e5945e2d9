package causal

import (
	"bytes"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// A slot's sum is a digest of its items that does not depend on their order: how
// many there are, and xor and sum of a hash of each. It costs O(1) a write, beside a
// look at the bytes that are written, and at those that they take the place of. No two
// versions are equal (I16), so a version could stand for its value; but a node that is
// out of order may give one to two values, and that must not stay hidden
// (docs/causal.md §5).

// itemHash is the hash of an item in sums.
func itemHash(hash uint64, item *wire.Item) uint64 {
	v := &item.Version
	x := mix(hash ^ v.Counter)
	s := v.Dot.Stream
	for _, part := range [...]uint64{v.Dot.N, s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot), content(item)} {
		x = mix(x ^ part)
	}
	return x
}

// content is a hash of what replicas must hold alike under one version of a key: a
// value, or a tombstone, and what it depends on.
func content(item *wire.Item) uint64 {
	x := hashing.HashBytes(item.Value)
	if item.ContentType != "" {
		x = mix(x ^ hashing.Hash(item.ContentType))
	}
	if item.Deleted {
		x = mix(x)
	}
	d := &item.Deps
	for i := range d.Exact {
		v := &d.Exact[i].Version
		x = mix(mix(x^d.Exact[i].Hash) ^ v.Counter ^ word(&v.Dot.Stream, v.Dot.N))
	}
	for i := range d.Vector {
		x = mix(x ^ word(&d.Vector[i].Stream, d.Vector[i].N))
	}
	for i := range d.CutRefs {
		x = mix(x ^ word(&wire.Stream{View: d.CutRefs[i]}, 0))
	}
	if d.Ceil > 0 {
		x = mix(x ^ d.Ceil)
	}
	return x
}

// word folds a position into a number: it is part of a hash, and need not be one itself.
func word(s *wire.Stream, n uint64) uint64 {
	const a, b, c, d, e = 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93, 0xff51afd7ed558ccd
	return n*a + uint64(s.Node)*b + uint64(s.Boot) + s.View.Number*c + uint64(s.View.Author)*d + uint64(s.View.Boot)*e
}

// sameContent reports that two items of one version are one.
func sameContent(a, b *wire.Item) bool {
	return a.Deleted == b.Deleted && a.ContentType == b.ContentType && bytes.Equal(a.Value, b.Value) &&
		a.Deps.Ceil == b.Deps.Ceil && slices.Equal(a.Deps.Exact, b.Deps.Exact) &&
		slices.Equal(a.Deps.Vector, b.Deps.Vector) && slices.Equal(a.Deps.CutRefs, b.Deps.CutRefs)
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014), with its constant added, so that
// zeros do not stay zero.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func plus(s *wire.Sum, d uint64) {
	s.Count++
	s.Xor ^= d
	s.Plus += d
}

func minus(s *wire.Sum, d uint64) {
	s.Count--
	s.Xor ^= d
	s.Plus -= d
}

func plusAll(s *wire.Sum, o wire.Sum) {
	s.Count += o.Count
	s.Xor ^= o.Xor
	s.Plus += o.Plus
}

// maxGroups is how many groups the tree of sums has below its root.
const maxGroups = 128

// groupOf is the group of a slot: groups are runs of equally many slots.
func (r *Replica) groupOf(s hashing.Slot) uint32 { return uint32(s) / r.groupSize() }

func (r *Replica) groupSize() uint32 {
	return uint32(max(1, r.cfg.Limits.Space.Slots()/maxGroups))
}

// groupSums has a sum for each group that slots touch, of those slots.
func (r *Replica) groupSums(ranges []wire.SlotRange) []wire.Sum {
	var sums []wire.Sum
	last := ^uint32(0)
	for s := range each(ranges) {
		if g := r.groupOf(s); g != last {
			sums, last = append(sums, wire.Sum{}), g
		}
		plusAll(&sums[len(sums)-1], r.slots.all[s].sum)
	}
	return sums
}
