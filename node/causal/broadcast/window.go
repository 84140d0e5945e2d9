package broadcast

import (
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/wire"
)

// window has the last writes of the own stream, as a queue of pieces. So memory is given back
// piece by piece at the front, and adding at the end copies nothing.
type window struct {
	pieces [][]wire.Item // each but the last is full
	gone   int           // items of the first piece that were dropped; below pieceItems
	n      int           // items that are left
	bytes  int           // memory of these, by footprint.Item
}

// pieceItems is the capacity of a piece: 14 KiB without what the items refer to. The window may
// take so much beyond bytes at either end.
const pieceItems = 64

// add adds an item at the end.
func (w *window) add(item *wire.Item) {
	last := len(w.pieces) - 1
	if last < 0 || len(w.pieces[last]) == pieceItems {
		w.pieces = append(w.pieces, make([]wire.Item, 0, pieceItems))
		last++
	}
	w.pieces[last] = append(w.pieces[last], *item)
	w.n++
	w.bytes += footprint.Item(item)
}

// at is the item at a place; 0 is the first one that is left.
func (w *window) at(i int) *wire.Item {
	i += w.gone
	return &w.pieces[i/pieceItems][i%pieceItems]
}

// slice copies n items, from a place on.
func (w *window) slice(from, n int) []wire.Item {
	out := make([]wire.Item, n)
	for i := range out {
		out[i] = *w.at(from + i)
	}
	return out
}

// drop drops the first item. The window must not be empty.
func (w *window) drop() {
	item := w.at(0)
	w.bytes -= footprint.Item(item)
	*item = wire.Item{}
	w.n--
	w.gone++
	switch {
	case w.n == 0: // the last piece is used again
		w.pieces, w.gone = [][]wire.Item{w.pieces[len(w.pieces)-1][:0]}, 0
	case w.gone == pieceItems:
		w.pieces[0] = nil
		w.pieces, w.gone = w.pieces[1:], 0
	}
}
