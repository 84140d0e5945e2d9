package truth

import "slices"

// Past is a causal past: by key, the largest version in it. It is kept in pieces that pasts
// share. A piece is never written to after it was handed over.
type Past [][]*Write

// width is the number of keys in a piece of a past.
const width = 64

// At returns the version of a key; nil: none.
func (p Past) At(key int) *Write {
	if i := key / width; i < len(p) && p[i] != nil {
		return p[i][key%width]
	}
	return nil
}

// Join returns the past of a client that has both.
func (p Past) Join(o Past) Past {
	out, own := p, false
	for i, piece := range o {
		var mine []*Write
		if i < len(p) {
			mine = p[i]
		}
		both := joinPieces(mine, piece)
		if samePiece(both, mine) {
			continue
		}
		if !own {
			out, own = make(Past, max(len(p), len(o))), true
			copy(out, p)
		}
		out[i] = both
	}
	return out
}

// samePiece reports that two pieces are one in memory.
func samePiece(a, b []*Write) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// joinPieces returns the larger version of each key. If one of the pieces has them all, it
// returns that piece.
func joinPieces(a, b []*Write) []*Write {
	if len(b) == 0 || samePiece(a, b) {
		return a
	}
	if len(a) == 0 {
		return b
	}
	out := a
	for i, w := range b {
		if w == nil || !exceeds(w, out[i]) {
			continue
		}
		if samePiece(out, a) {
			out = slices.Clone(a)
		}
		out[i] = w
	}
	return out
}

// With returns the past of a client that has also read a write.
func (p Past) With(w *Write) Past {
	p = p.Join(w.Past)
	if !exceeds(w, p.At(w.Key)) {
		return p
	}
	out := make(Past, max(len(p), w.Key/width+1))
	copy(out, p)
	piece := make([]*Write, width)
	copy(piece, out[w.Key/width])
	piece[w.Key%width] = w
	out[w.Key/width] = piece
	return out
}

// Each yields the largest version of each key.
func (p Past) Each(yield func(w *Write) bool) {
	for _, piece := range p {
		for _, w := range piece {
			if w != nil && !yield(w) {
				return
			}
		}
	}
}

// exceeds reports whether a write wins over another one; nil: no write.
func exceeds(w, held *Write) bool { return held == nil || above(w.Version, held.Version) }
