package truth

import "slices"

// Past is a causal past: per key the largest version in it. It is kept in pieces,
// which pasts share; never written to once it was handed over.
type Past [][]*Write

// width is how many keys a piece of a past has.
const width = 64

// At is the version of a key; nil: none.
func (p Past) At(key int) *Write {
	if i := key / width; i < len(p) && p[i] != nil {
		return p[i][key%width]
	}
	return nil
}

// Join is the past of who has both.
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

// joinPieces is the larger version of each key; one of the pieces, if that has them
// all.
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

// With is the past of who has read a write.
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

// exceeds reports whether a write wins over what there is.
func exceeds(w, held *Write) bool { return held == nil || above(w.Version, held.Version) }
