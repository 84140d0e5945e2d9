package wire

// MaxIndexed is how many hashes a HashIndex holds.
const MaxIndexed = 256

// HashIndex finds the place of a key's hash in a short list. It needs no allocation
// when it lives on the stack. The zero value is empty.
type HashIndex struct {
	cells [2 * MaxIndexed]cell
}

type cell struct {
	hash  uint64
	place uint16 // plus 1; 0: free
}

// Place is the place that a hash was put at first: this one, if known is false. It
// panics when MaxIndexed others are there.
func (x *HashIndex) Place(hash uint64, place int) (first int, known bool) {
	for i := hash; ; i++ {
		switch c := &x.cells[i%uint64(len(x.cells))]; {
		case c.place == 0:
			if place < 0 || place >= MaxIndexed {
				panic("wire: no such place in a HashIndex")
			}
			c.hash, c.place = hash, uint16(place)+1
			return place, false
		case c.hash == hash:
			return int(c.place) - 1, true
		}
	}
}
