// Package footprint says what items take in memory, and makes copies of items that hold
// nothing beside themselves. A node bounds what it keeps by these figures, so an item
// must not hold more than is counted: not the message that it came with, and no room
// to grow. It is pure, and anyone may call it.
package footprint

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// What things take, in bytes on 64-bit machines.
const (
	Position = 48 // of a vector

	item       = 224
	dependency = 64
	viewID     = 24
	block      = 16 // that an allocation takes beyond what was asked for, on average
)

// Item is what an item takes that stays, with all that hangs on it.
func Item(i *wire.Item) int {
	n := item + block + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + Context(cap(i.Deps.Exact), cap(i.Deps.Vector), cap(i.Deps.CutRefs))
}

// Context is what the lists of a context take, by their lengths.
func Context(exact, positions, cutRefs int) int {
	if exact+positions+cutRefs == 0 {
		return 0
	}
	return 3*block + dependency*exact + Position*positions + viewID*cutRefs
}

// Listed is what a detached copy of an item takes in a list that has room to grow,
// whatever room the lists of the original have.
func Listed(i *wire.Item) int {
	n := 2*item + block + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + Context(len(i.Deps.Exact), len(i.Deps.Vector), len(i.Deps.CutRefs))
}

// Detach copies an item that stays for longer than the message that brought it. A key
// or a value that is a part of the message would hold the whole of it.
func Detach(i *wire.Item) wire.Item {
	k := *i
	k.Key, k.Value, k.ContentType = strings.Clone(i.Key), bytes.Clone(i.Value), strings.Clone(i.ContentType)
	k.Deps = Tight(&i.Deps)
	return k
}

// Tight is a context whose lists have no room to grow. Lists that have none are shared.
func Tight(c *wire.Context) wire.Context {
	k := *c
	k.Exact, k.Vector, k.CutRefs = tight(c.Exact), tight(c.Vector), tight(c.CutRefs)
	return k
}

func tight[S ~[]E, E any](list S) S {
	if cap(list) == len(list) {
		return list
	}
	return slices.Clone(list)[:len(list):len(list)]
}
