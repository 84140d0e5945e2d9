package broadcast

import (
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/wire"
)

// window has the last writes of the own stream, in pieces. So what is dropped at its
// front is given back, and adding at its end moves nothing.
type window struct {
	pieces [][]wire.Item // each but the last has all its room taken
	gone   int           // items of the first piece that were dropped
	n      int           // items that are left
	bytes  int           // that these hold
}

// pieceItems is the room of a piece: 14 KiB. The window may hold so much beyond bytes
// at either end.
const pieceItems = 64

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
	w.bytes -= footprint.Item(item)
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
