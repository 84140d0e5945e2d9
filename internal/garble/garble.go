// Package garble mutates messages: it sets fields to values near a limit, swaps ids,
// repeats, truncates and reorders lists, and forges headers. The codec accepts every
// result, so the result is a message that a peer with every key could send.
//
// A mutation depends only on its Source and the messages that the Mutator observed
// before. The fuzzer of the cores gives bytes, the simulator a seed. docs/strong.md §12
// says what must hold when nodes send such messages.
package garble

import (
	"math/rand/v2"
	"reflect"

	"github.com/cohortkv/cohort/node/wire"
)

// MaxBytes bounds the size of a garbled message: a bus carries no more.
const MaxBytes = 1 << 20

// Source makes the choices.
type Source interface {
	// N returns a number from 0 to n-1; 0 if n is less than 2.
	N(n int) int
	// Uint64 returns any number.
	Uint64() uint64
}

// Script is a source of given bytes. After its end every choice is 0.
type Script []byte

// Over reports whether all bytes are used.
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

// Chance is a random source.
type Chance struct{ *rand.Rand }

// N implements Source.
func (c Chance) N(n int) int {
	if n < 2 {
		return 0
	}
	return c.IntN(n)
}

// remembered is the number of observed messages from which a Mutator takes values.
const remembered = 32

// Mutator makes garbled messages from the messages that it has observed.
type Mutator struct {
	seen [remembered][]byte
	next int
}

// Observe records an encoded message. The Mutator keeps the payload.
func (l *Mutator) Observe(payload []byte) {
	l.seen[l.next%remembered] = payload
	l.next++
}

// Mutate returns a garbled copy of a message, or false if the codec refuses the copy.
func (l *Mutator) Mutate(src Source, payload []byte) (wire.Header, wire.Message, bool) {
	h, m, err := wire.DecodeMessage(l.pick(src, payload))
	if err != nil {
		return h, nil, false
	}
	t := &mutation{src: src, pool: l.pool()}
	if src.N(8) == 0 {
		m = wire.NewMessage(kinds[src.N(len(kinds))])
		t.fill(reflect.ValueOf(m).Elem(), 0)
	}
	for range 1 + src.N(4) {
		t.apply(&h, m)
	}
	return roundTrip(h, m)
}

// pick returns the given message or an older one.
func (l *Mutator) pick(src Source, payload []byte) []byte {
	if old := l.seen[src.N(remembered)]; old != nil && src.N(4) == 0 {
		return old
	}
	return payload
}

// roundTrip takes a message through the codec.
func roundTrip(h wire.Header, m wire.Message) (wire.Header, wire.Message, bool) {
	payload := wire.AppendMessage(nil, h, m)
	if len(payload) > MaxBytes {
		return h, nil, false
	}
	h, m, err := wire.DecodeMessage(payload)
	return h, m, err == nil
}

var kinds = wire.Kinds()
