package version

import (
	"bytes"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// A slot's sum is a digest of its items that does not depend on their order: the number of
// items, and xor and sum of a hash of each (docs/causal.md §1.1). So a write changes the sum
// in O(1), beside reading the bytes that are written and those that they replace. A hash of
// the version alone would do, since no two versions are equal (I16). But a faulty node may
// give two contents one version, and replicas must find that difference (docs/causal.md §5).
// The hash is not cryptographic: a hostile peer may make sums collide.

// ItemHash is the hash of an item in sums. hash is the hash of its key.
func ItemHash(hash uint64, item *wire.Item) uint64 {
	v := &item.Version
	x := Mix(hash ^ v.Counter)
	s := v.Dot.Stream
	for _, part := range [...]uint64{v.Dot.N, s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot), ContentHash(item)} {
		x = Mix(x ^ part)
	}
	return x
}

// ContentHash is a hash of everything that replicas must hold alike under one version of
// a key: value, content type, tombstone flag and dependencies.
func ContentHash(item *wire.Item) uint64 {
	x := hashing.HashBytes(item.Value)
	if item.ContentType != "" {
		x = Mix(x ^ hashing.Hash(item.ContentType))
	}
	if item.Deleted {
		x = Mix(x)
	}
	d := &item.Deps
	for i := range d.Exact {
		v := &d.Exact[i].Version
		x = Mix(Mix(x^d.Exact[i].Hash) ^ v.Counter ^ word(&v.Dot.Stream, v.Dot.N))
	}
	for i := range d.Vector {
		x = Mix(x ^ word(&d.Vector[i].Stream, d.Vector[i].N))
	}
	for i := range d.CutRefs {
		x = Mix(x ^ word(&wire.Stream{View: d.CutRefs[i]}, 0))
	}
	if d.Ceil > 0 {
		x = Mix(x ^ d.Ceil)
	}
	return x
}

// word combines a position into one number, as an input of Mix. Without Mix the number is no
// hash.
func word(s *wire.Stream, n uint64) uint64 {
	const a, b, c, d, e = 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93, 0xff51afd7ed558ccd
	return n*a + uint64(s.Node)*b + uint64(s.Boot) + s.View.Number*c + uint64(s.View.Author)*d + uint64(s.View.Boot)*e
}

// SameContent reports that two items of one version are equal in everything that
// ContentHash covers.
func SameContent(a, b *wire.Item) bool {
	return a.Deleted == b.Deleted && a.ContentType == b.ContentType && bytes.Equal(a.Value, b.Value) &&
		a.Deps.Ceil == b.Deps.Ceil && slices.Equal(a.Deps.Exact, b.Deps.Exact) &&
		slices.Equal(a.Deps.Vector, b.Deps.Vector) && slices.Equal(a.Deps.CutRefs, b.Deps.CutRefs)
}

// Mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014), with its constant added, so that
// zeros do not stay zero.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// AddItem adds an item, by its ItemHash, to a sum.
func AddItem(s *wire.Sum, d uint64) {
	s.Count++
	s.Xor ^= d
	s.Plus += d
}

// RemoveItem takes an item, by its ItemHash, out of a sum. The sum must have the item.
func RemoveItem(s *wire.Sum, d uint64) {
	s.Count--
	s.Xor ^= d
	s.Plus -= d
}

// AddSum adds all items of another sum. The two must have no item in common.
func AddSum(s *wire.Sum, o wire.Sum) {
	s.Count += o.Count
	s.Xor ^= o.Xor
	s.Plus += o.Plus
}
