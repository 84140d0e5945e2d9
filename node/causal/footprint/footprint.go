// Package footprint says what items take in memory, and makes copies of items that hold no
// other memory. A node bounds what it keeps by these figures (docs/causal.md §4, §12). The
// bounds hold only if an item keeps no more alive than is counted: neither the message that
// brought it, nor spare capacity of its lists. Callers detach items before they keep them.
//
// All functions are pure.
package footprint

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Sizes in bytes on 64-bit machines. A test compares them with the types.
const (
	Position = 48 // one position of a vector

	item       = 224 // a wire.Item without its strings and lists
	dependency = 64  // one exact entry of a context
	viewID     = 24  // one stable-cut reference
	block      = 16  // average overhead of an allocation
)

// Item is the memory of a kept item, with its strings and the capacity of its lists.
func Item(i *wire.Item) int {
	n := item + block + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + Context(cap(i.Deps.Exact), cap(i.Deps.Vector), cap(i.Deps.CutRefs))
}

// Context is the memory of the lists of a context, by their lengths.
func Context(exact, positions, cutRefs int) int {
	if exact+positions+cutRefs == 0 {
		return 0
	}
	return 3*block + dependency*exact + Position*positions + viewID*cutRefs
}

// Listed is the memory of a detached copy of an item in a list of items that may have doubled
// its capacity. The item need not be detached yet.
func Listed(i *wire.Item) int {
	n := 2*item + block + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + Context(len(i.Deps.Exact), len(i.Deps.Vector), len(i.Deps.CutRefs))
}

// Detach copies an item that is kept for longer than the message that brought it. A key or a
// value that is a part of the message would keep the whole message alive.
func Detach(i *wire.Item) wire.Item {
	k := *i
	k.Key, k.Value, k.ContentType = strings.Clone(i.Key), bytes.Clone(i.Value), strings.Clone(i.ContentType)
	k.Deps = Tight(&i.Deps)
	return k
}

// Tight is a context whose lists have no spare capacity. Lists without any are shared with c.
func Tight(c *wire.Context) wire.Context {
	k := *c
	k.Exact, k.Vector, k.CutRefs = tight(c.Exact), tight(c.Vector), tight(c.CutRefs)
	return k
}

// tight is a list without spare capacity, shared with the argument if possible.
func tight[S ~[]E, E any](list S) S {
	if cap(list) == len(list) {
		return list
	}
	return slices.Clone(list)[:len(list):len(list)]
}
