// Package draw has generators of versions, vectors and contexts for property tests. Each
// part of a version has few values, so that equal and concurrent versions are frequent.
package draw

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Stream draws one of twelve streams.
var Stream = rapid.Custom(func(t *rapid.T) wire.Stream {
	return wire.Stream{
		View: ids.View{Number: rapid.Uint64Range(1, 2).Draw(t, "view")},
		Node: ids.Node(rapid.IntRange(0, 2).Draw(t, "node")),
		Boot: ids.Boot(rapid.IntRange(1, 2).Draw(t, "boot")),
	}
})

// Position draws a number in a stream. Zero is possible.
var Position = rapid.Custom(func(t *rapid.T) wire.Position {
	return wire.Position{Stream: Stream.Draw(t, "stream"), N: rapid.Uint64Range(0, 4).Draw(t, "n")}
})

// Vector draws a vector: its streams ascend, and no position is zero.
var Vector = rapid.Custom(func(t *rapid.T) wire.Vector {
	var v wire.Vector
	for _, s := range rapid.SliceOfNDistinct(Stream, 0, 6, rapid.ID).Draw(t, "streams") {
		v = append(v, wire.Position{Stream: s, N: rapid.Uint64Range(1, 4).Draw(t, "n")})
	}
	slices.SortFunc(v, func(a, b wire.Position) int { return a.Stream.Compare(b.Stream) })
	return v
})

// Version draws a version of a key.
var Version = rapid.Custom(func(t *rapid.T) wire.CausalVersion {
	p := Position.Draw(t, "dot")
	return wire.CausalVersion{Counter: rapid.Uint64Range(1, 4).Draw(t, "counter"), Dot: wire.Dot{Stream: p.Stream, N: p.N + 1}}
})

// Dependency draws an exact entry of a context.
var Dependency = rapid.Custom(func(t *rapid.T) wire.Dependency {
	return wire.Dependency{Hash: rapid.Uint64Range(0, 5).Draw(t, "hash"), Version: Version.Draw(t, "version")}
})

// Context draws a context: at most one entry for each hash, and ascending references.
var Context = rapid.Custom(func(t *rapid.T) wire.Context {
	hash := func(d wire.Dependency) uint64 { return d.Hash }
	c := wire.Context{
		Exact:  rapid.SliceOfNDistinct(Dependency, 0, 5, hash).Draw(t, "exact"),
		Vector: Vector.Draw(t, "vector"), Ceil: rapid.Uint64Range(0, 3).Draw(t, "ceil"),
	}
	for n := range rapid.Uint64Range(0, 2).Draw(t, "names") {
		c.CutRefs = append(c.CutRefs, ids.View{Number: n + 1})
	}
	return c
})
