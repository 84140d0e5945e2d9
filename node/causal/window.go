package causal

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// window has the last writes of the own stream, in pieces: what is dropped at its front
// is given back, and what is added at its end moves nothing.
type window struct {
	pieces [][]wire.Item // each but the last has all its room taken
	gone   int           // items of the first piece that were dropped
	n      int           // items that are left
	bytes  int           // that these hold
}

// pieceItems is the room of a piece: 14 KiB, and so much may be held beyond bytes at
// either end.
const pieceItems = 64

func (w *window) add(item *wire.Item) {
	last := len(w.pieces) - 1
	if last < 0 || len(w.pieces[last]) == pieceItems {
		w.pieces = append(w.pieces, make([]wire.Item, 0, pieceItems))
		last++
	}
	w.pieces[last] = append(w.pieces[last], *item)
	w.n++
	w.bytes += heldBytes(item)
}

// at is an item, by its place from the first that is left.
func (w *window) at(i int) *wire.Item {
	i += w.gone
	return &w.pieces[i/pieceItems][i%pieceItems]
}

// slice copies a run of items.
func (w *window) slice(from, n int) []wire.Item {
	out := make([]wire.Item, n)
	for i := range out {
		out[i] = *w.at(from + i)
	}
	return out
}

// drop gives the first item back.
func (w *window) drop() {
	item := w.at(0)
	w.bytes -= heldBytes(item)
	*item = wire.Item{}
	w.n--
	w.gone++
	switch {
	case w.n == 0: // the last piece is filled anew
		w.pieces, w.gone = [][]wire.Item{w.pieces[len(w.pieces)-1][:0]}, 0
	case w.gone == pieceItems:
		w.pieces[0] = nil
		w.pieces, w.gone = w.pieces[1:], 0
	}
}

// What things take in memory.
const (
	itemSize     = 224
	entrySize    = 64 // of a dependency
	positionSize = 48
	viewIDSize   = 24
	blockSize    = 16 // that an allocation takes beyond what was asked for, on average
)

// heldBytes is what an item that stays takes in memory, with all that hangs on it.
func heldBytes(i *wire.Item) int {
	n := itemSize + blockSize + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + contextBytes(cap(i.Deps.Exact), cap(i.Deps.Vector), cap(i.Deps.CutRefs))
}

// contextBytes is what the lists of a context take.
func contextBytes(exact, positions, names int) int {
	if exact+positions+names == 0 {
		return 0
	}
	return 3*blockSize + entrySize*exact + positionSize*positions + viewIDSize*names
}

// asideBytes is what an item takes that waits in a list of its slot, which has room to
// grow. It is of the copy that is kept, whatever the room of the lists of the other.
func asideBytes(i *wire.Item) int {
	n := 2*itemSize + blockSize + len(i.Key) + len(i.Value) + len(i.ContentType)
	return n + contextBytes(len(i.Deps.Exact), len(i.Deps.Vector), len(i.Deps.CutRefs))
}

// kept is an item that stays for longer than the message that brought it: a key or a
// value that is a part of the message would hold the whole of it.
func kept(i *wire.Item) wire.Item {
	k := *i
	k.Key, k.Value, k.ContentType = strings.Clone(i.Key), bytes.Clone(i.Value), strings.Clone(i.ContentType)
	k.Deps = keptContext(&i.Deps)
	return k
}

// keptContext is a context without room to grow.
func keptContext(c *wire.Context) wire.Context {
	k := *c
	k.Exact, k.Vector, k.CutRefs = tight(c.Exact), tight(c.Vector), tight(c.CutRefs)
	return k
}

// tight is a list without room to grow.
func tight[S ~[]E, E any](list S) S {
	if cap(list) == len(list) {
		return list
	}
	return slices.Clone(list)[:len(list):len(list)]
}

// vectors are those that were stored last: who writes on under one session, or brings the
// items of one, has the same again.
type vectors struct {
	last [16]wire.Vector
	next int
}

// longVector is the fewest positions of one that is worth looking for.
const longVector = 4

// shared is the one of equal vectors that is stored already.
func (v *vectors) shared(a wire.Vector) wire.Vector {
	if len(a) < longVector {
		return a
	}
	for _, o := range v.last {
		if slices.Equal(o, a) {
			return o
		}
	}
	v.last[v.next%len(v.last)] = a
	v.next++
	return a
}
