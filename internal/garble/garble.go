// Package garble makes lies of true messages: fields are changed to what is near a
// limit, ids change places, lists are repeated, cut and put in another order, and
// headers speak for somebody else. What comes out is what the codec lets through, so
// it is what a peer that has every key could send.
//
// A lie depends on nothing but its Source and the messages that were seen before it:
// the fuzzer of the cores gives bytes, the simulator a seed. docs/strong.md §12 says
// what must hold in spite of lies.
package garble

import (
	"math/rand/v2"
	"reflect"

	"github.com/cohortkv/cohort/node/wire"
)

// MaxBytes is what a bus carries in one message, and so the longest lie.
const MaxBytes = 1 << 20

// Source makes the choices.
type Source interface {
	// N is a number from 0 to n-1; 0 if n is less than 2.
	N(n int) int
	// Uint64 is any number.
	Uint64() uint64
}

// Script is a source of given bytes. After the last one every choice is 0.
type Script []byte

// Over reports that all bytes are used up.
func (s *Script) Over() bool { return len(*s) == 0 }

// N implements Source.
func (s *Script) N(n int) int {
	switch {
	case n < 2:
		return 0
	case n <= 256:
		return int(s.byte()) % n
	}
	return int(uint64(s.byte())<<8|uint64(s.byte())) % n
}

// Uint64 implements Source.
func (s *Script) Uint64() (v uint64) {
	for range 8 {
		v = v<<8 | uint64(s.byte())
	}
	return v
}

func (s *Script) byte() (b byte) {
	if len(*s) > 0 {
		b, *s = (*s)[0], (*s)[1:]
	}
	return b
}

// Chance is a source that draws.
type Chance struct{ *rand.Rand }

// N implements Source.
func (c Chance) N(n int) int {
	if n < 2 {
		return 0
	}
	return c.IntN(n)
}

// remembered is how many messages a liar takes its material from.
const remembered = 32

// Liar makes lies of the messages that it has seen.
type Liar struct {
	seen [remembered][]byte
	next int
}

// Saw notes a message that passed by, encoded. The payload is kept.
func (l *Liar) Saw(payload []byte) {
	l.seen[l.next%remembered] = payload
	l.next++
}

// Lie is a message made of a true one. It is false when the codec would not let it
// pass.
func (l *Liar) Lie(src Source, payload []byte) (wire.Header, wire.Message, bool) {
	h, m, err := wire.DecodeMessage(l.pick(src, payload))
	if err != nil {
		return h, nil, false
	}
	t := &twister{src: src, pool: l.pool()}
	if src.N(8) == 0 {
		if m = wire.NewMessage(wire.Kind(1 + src.N(kinds()))); m == nil {
			return h, nil, false
		}
		t.fill(reflect.ValueOf(m).Elem(), 0)
	}
	for range 1 + src.N(4) {
		t.twist(&h, m)
	}
	return through(h, m)
}

// pick is the message at hand, or an older one.
func (l *Liar) pick(src Source, payload []byte) []byte {
	if old := l.seen[src.N(remembered)]; old != nil && src.N(4) == 0 {
		return old
	}
	return payload
}

// through takes a message through the codec.
func through(h wire.Header, m wire.Message) (wire.Header, wire.Message, bool) {
	payload := wire.AppendMessage(nil, h, m)
	if len(payload) > MaxBytes {
		return h, nil, false
	}
	h, m, err := wire.DecodeMessage(payload)
	return h, m, err == nil
}

// kinds is how many kinds of messages there are.
func kinds() int {
	n := 0
	for wire.NewMessage(wire.Kind(n+1)) != nil {
		n++
	}
	return n
}
