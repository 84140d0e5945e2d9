package wire

import (
	"encoding/binary"

	"github.com/cohortkv/cohort/node/ids"
)

// encoder appends to buf. Its methods are called directly, never through an
// interface or a func value, so that it stays on the stack.
type encoder struct {
	buf []byte
	memory
}

func (e *encoder) byte(b byte)      { e.buf = append(e.buf, b) }
func (e *encoder) uvarint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }
func (e *encoder) fixed(v uint64)   { e.buf = binary.LittleEndian.AppendUint64(e.buf, v) }
func (e *encoder) count(n int)      { e.uvarint(uint64(n)) }

func (e *encoder) bool(b bool) {
	if b {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

func (e *encoder) bytes(b []byte) {
	e.count(len(b))
	e.buf = append(e.buf, b...)
}

func (e *encoder) string(s string) {
	e.count(len(s))
	e.buf = append(e.buf, s...)
}

// delta writes v as its distance from *last, and v becomes *last.
func (e *encoder) delta(last *uint64, v uint64) {
	e.uvarint(zigzag(v - *last))
	*last = v
}

// refer writes a reference to v, and remembers v if it is new. The caller writes
// a new value out after it.
func refer[T comparable](e *encoder, r *recent[T], v T) (isNew bool) {
	ref := r.find(v)
	e.byte(ref)
	if ref == 0 {
		r.add(v)
	}
	return ref == 0
}

func (e *encoder) header(h Header) {
	e.uvarint(uint64(h.From))
	e.fixed(uint64(h.Inc))
	e.fixed(uint64(h.Boot))
	e.viewID(h.View)
}

func (e *encoder) viewID(v ids.View) {
	if refer(e, &e.views, v) {
		e.uvarint(v.Number)
		e.uvarint(uint64(v.Author))
		e.fixed(uint64(v.Boot))
	}
}

func (e *encoder) ballot(b ids.Ballot) {
	if refer(e, &e.ballots, b) {
		e.viewID(b.View)
		e.uvarint(b.Round)
		e.fixed(uint64(b.Boot))
	}
}

func (e *encoder) stamp(s ids.Stamp) {
	e.ballot(s.Ballot)
	e.delta(&e.index, s.Index)
}

func (e *encoder) origin(o origin) {
	if refer(e, &e.origins, o) {
		e.uvarint(uint64(o.Node))
		e.fixed(uint64(o.Boot))
	}
}

func (e *encoder) requestID(id ids.Request) {
	e.origin(origin{Node: id.Node, Boot: id.Boot})
	e.delta(&e.counters[e.origins.last], id.Counter)
}

func (e *encoder) version(v Version) {
	e.delta(&e.msgNum, v.MsgNum)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, v.Fingerprint)
}

func (e *encoder) contentType(s string) {
	if refer(e, &e.types, s) {
		e.string(s)
	}
}
