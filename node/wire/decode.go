package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cohortkv/cohort/node/ids"
)

// decoder reads data. The first failure stays; after it there is nothing left to
// read, everything is zero and every list empty, so that only the end looks at
// err. Like an encoder it stays on the stack.
type decoder struct {
	data  []byte
	at    int
	owned bool // data is our copy, not the caller's payload
	err   error
	memory
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("at byte %d: %w", d.at, fmt.Errorf(format, args...))
	}
	d.at = len(d.data)
}

// take returns the next n bytes of data, or nil when there are fewer.
func (d *decoder) take(n int) []byte {
	if left := len(d.data) - d.at; n > left {
		d.fail("needs %d bytes, %d are left", n, left)
		return nil
	}
	b := d.data[d.at : d.at+n : d.at+n]
	d.at += n
	return b
}

func (d *decoder) byte() byte {
	if d.at == len(d.data) {
		d.fail("needs a byte, none is left")
		return 0
	}
	d.at++
	return d.data[d.at-1]
}

func (d *decoder) fixed() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	if d.at < len(d.data) && d.data[d.at] < 0x80 {
		d.at++
		return uint64(d.data[d.at-1])
	}
	v, n := binary.Uvarint(d.data[d.at:])
	if n <= 0 {
		d.fail("no whole number")
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) bool() bool { return d.enum("bool", 0, 1) == 1 }

// enum reads an enumerator and refuses one that this version does not know.
func (d *decoder) enum(what string, first, last byte) byte {
	b := d.byte()
	if d.err == nil && (b < first || b > last) {
		d.at--
		d.fail("unknown %s %d", what, b)
		return 0
	}
	return b
}

// count reads the length of a list whose elements have at least size bytes each.
// No list is made for a count that the bytes left cannot hold.
func (d *decoder) count(what string, size int) int {
	n := d.uvarint()
	if left := len(d.data) - d.at; n > uint64(left/size) {
		d.fail("%d %s cannot be in the %d bytes that are left", n, what, left)
		return 0
	}
	return int(n)
}

// list makes room for a list after reading its count; nil when it is empty.
func list[T any](d *decoder, what string, size int) []T {
	n := d.count(what, size)
	if n == 0 {
		return nil
	}
	return make([]T, n)
}

// bytes reads a byte string as a part of our copy of the data, which is made
// here, at the first one that is not empty: most kinds of messages need none.
func (d *decoder) bytes() []byte {
	n := d.count("bytes", 1)
	if n == 0 {
		return nil
	}
	if !d.owned {
		d.data, d.owned = slices.Clone(d.data), true
	}
	return d.take(n)
}

// string is sound because bytes returns memory that only this message refers to
// and that nobody writes to again: the decoder does not, and slices of messages
// are never written to (doc.go).
func (d *decoder) string() string {
	b := d.bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (d *decoder) key() string {
	k := d.string()
	if d.err == nil && k == "" {
		d.fail("empty key")
	}
	return k
}

func (d *decoder) delta(last *uint64) uint64 {
	*last += unzigzag(d.uvarint())
	return *last
}

// recall reads a reference and returns its value, or that a new one follows,
// which the caller reads and adds.
func recall[T comparable](d *decoder, r *recent[T]) (v T, isNew bool) {
	ref := d.enum("reference", 0, recentSlots)
	if ref == 0 {
		return v, true
	}
	return r.get(ref), false
}

func (d *decoder) header() Header {
	return Header{
		From: ids.Node(d.uvarint()),
		Inc:  ids.Incarnation(d.fixed()),
		Boot: ids.Boot(d.fixed()),
		View: d.viewID(),
	}
}

// ordinal is a number that its receivers count up from: a peer must not be able
// to make it overflow.
func (d *decoder) ordinal() uint64 { return d.withRoom(d.uvarint()) }

func (d *decoder) withRoom(v uint64) uint64 {
	if v >= 1<<62 {
		d.fail("ordinal %d leaves no room above it", v)
	}
	return v
}

func (d *decoder) viewID() ids.View {
	v, isNew := recall(d, &d.views)
	if isNew {
		v = ids.View{
			Number: d.ordinal(),
			Author: ids.Node(d.uvarint()),
			Boot:   ids.Boot(d.fixed()),
		}
		d.views.add(v)
	}
	return v
}

func (d *decoder) ballot() ids.Ballot {
	b, isNew := recall(d, &d.ballots)
	if isNew {
		b = ids.Ballot{
			View:  d.viewID(),
			Round: d.ordinal(),
			Boot:  ids.Boot(d.fixed()),
		}
		d.ballots.add(b)
	}
	return b
}

func (d *decoder) stamp() ids.Stamp {
	return ids.Stamp{
		Ballot: d.ballot(),
		Index:  d.delta(&d.index),
	}
}

func (d *decoder) origin() origin {
	o, isNew := recall(d, &d.origins)
	if isNew {
		o = origin{
			Node: ids.Node(d.uvarint()),
			Boot: ids.Boot(d.fixed()),
		}
		d.origins.add(o)
	}
	return o
}

func (d *decoder) requestID() ids.Request {
	o := d.origin()
	return ids.Request{
		Node:    o.Node,
		Boot:    o.Boot,
		Counter: d.delta(&d.counters[d.origins.last]),
	}
}

func (d *decoder) version() Version {
	v := Version{MsgNum: d.delta(&d.msgNum)}
	if b := d.take(4); b != nil {
		v.Fingerprint = binary.LittleEndian.Uint32(b)
	}
	return v
}

func (d *decoder) contentType() string {
	s, isNew := recall(d, &d.types)
	if isNew {
		s = d.string()
		d.types.add(s)
	}
	return s
}
