package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// codec takes values through in one of three ways. Each type that messages consist of
// has one description, its method fields. The description hands the fields to the codec
// in order, and serves all three ways:
//
//	func (a *Ancestor) fields(c *codec) {
//		c.viewID(&a.View)
//		c.uvarint(&a.Renewed)
//	}
//
// Only reading sets a field. Messages are shared, so the other two ways must not.
//
// Descriptions are called directly, never through an interface or a func value. So the
// codec stays on the stack, and writing allocates nothing. Writing is the way that is
// inlined where that pays; the methods named Slow have the other ways.
type codec struct {
	way   way
	buf   []byte // writing: what was written; reading: all there is to read
	at    int    // reading: the next byte of buf
	owned bool   // reading: buf is our copy, not the payload of the caller
	err   error  // reading: the first failure
	size  int    // bounding: of all values so far
	memory
}

// way is what a codec does with a value.
type way uint8

const (
	writing  way = iota // appends the value to buf
	reading             // sets the value from buf
	bounding            // adds the most bytes that the value can take, whatever precedes it in a message, to size
)

// fail keeps the first failure. After it nothing is left to read, so numbers stay zero and
// lists empty: only end has to look at err.
func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("at byte %d: %w", c.at, fmt.Errorf(format, args...))
	}
	c.at = len(c.buf)
}

// end returns the first failure of reading. Bytes that are left over are a failure.
func (c *codec) end(what string) error {
	if c.err == nil && c.at < len(c.buf) {
		c.fail("%d bytes more than the %s has", len(c.buf)-c.at, what)
	}
	return c.err
}

// enumeration bounds the values of a type that takes one byte.
type enumeration struct {
	what        string // for errors
	first, last byte
}

// enum takes an enumerator through. Reading refuses one outside the enumeration.
func (c *codec) enum(v *byte, of *enumeration) {
	if c.way == writing {
		c.buf = append(c.buf, *v)
	} else {
		c.enumSlow(v, of)
	}
}

func (c *codec) enumSlow(v *byte, of *enumeration) {
	switch {
	case c.way == bounding:
		c.size++
	case c.at == len(c.buf):
		c.fail("needs a byte, none is left")
	case c.buf[c.at] < of.first || c.buf[c.at] > of.last:
		c.fail("unknown %s %d", of.what, c.buf[c.at])
	default:
		*v = c.buf[c.at]
		c.at++
	}
}

var bools = enumeration{"bool", 0, 1}

// bool takes a flag through. Go keeps a bool as a byte that is 0 or 1.
func (c *codec) bool(v *bool) { c.enum((*byte)(unsafe.Pointer(v)), &bools) }

// uvarint takes through a number that is mostly small: seven bits a byte.
func (c *codec) uvarint(v *uint64) {
	if *v < 0x80 && c.way == writing {
		c.buf = append(c.buf, byte(*v))
	} else {
		c.uvarintSlow(v)
	}
}

func (c *codec) uvarintSlow(v *uint64) {
	switch c.way {
	case writing:
		c.writeUvarint(*v)
	case reading:
		*v = c.readUvarint()
	case bounding:
		c.size += binary.MaxVarintLen64
	}
}

// uvarint32 is uvarint for a field of 32 bits. Reading refuses a larger number.
func (c *codec) uvarint32(v *uint32) {
	wide := uint64(*v)
	c.uvarint(&wide)
	c.narrow(v, wide)
}

// narrow sets a field of 32 bits from a number that was read.
func (c *codec) narrow(v *uint32, wide uint64) {
	switch {
	case c.way != reading:
	case wide > math.MaxUint32:
		c.fail("%d is more than 32 bits hold", wide)
	default:
		*v = uint32(wide)
	}
}

// ordinal is uvarint for a number from which receivers count up. Reading refuses one that a
// receiver could make overflow.
func (c *codec) ordinal(v *uint64) {
	c.uvarint(v)
	c.room(*v)
}

// room refuses a number that was read and leaves no room above it.
func (c *codec) room(v uint64) {
	if v >= 1<<62 && c.way == reading {
		c.fail("ordinal %d leaves no room above it", v)
	}
}

// delta takes a number through as its distance from *last, and sets *last to the number.
func (c *codec) delta(last, v *uint64) {
	switch c.way {
	case writing:
		d := zigzag(*v - *last)
		*last = *v
		c.writeUvarint(d)
	case reading:
		*last += unzigzag(c.readUvarint())
		*v = *last
	case bounding:
		c.size += binary.MaxVarintLen64
	}
}

// below takes a number through as its distance below top. The distance may wrap.
func (c *codec) below(top uint64, v *uint64) {
	switch c.way {
	case writing:
		c.writeUvarint(top - *v)
	case reading:
		*v = top - c.readUvarint()
	case bounding:
		c.size += binary.MaxVarintLen64
	}
}

// zigzag maps a difference of two numbers, taken modulo 2^64, to a number that is small if
// the difference is small in either direction.
func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// fixed64 takes through a number that a uvarint would only lengthen: a random id, a hash, a
// sum.
func (c *codec) fixed64(v *uint64) {
	if c.way == writing {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *v)
	} else {
		c.fixed64Slow(v)
	}
}

func (c *codec) fixed64Slow(v *uint64) {
	switch {
	case c.way == bounding:
		c.size += 8
	case len(c.buf)-c.at < 8:
		c.fail("needs 8 bytes, %d are left", len(c.buf)-c.at)
	default:
		*v = binary.LittleEndian.Uint64(c.buf[c.at:])
		c.at += 8
	}
}

// fixed32 is fixed64 for a number of 32 bits.
func (c *codec) fixed32(v *uint32) {
	if c.way == writing {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, *v)
	} else {
		c.fixed32Slow(v)
	}
}

func (c *codec) fixed32Slow(v *uint32) {
	switch {
	case c.way == bounding:
		c.size += 4
	case len(c.buf)-c.at < 4:
		c.fail("needs 4 bytes, %d are left", len(c.buf)-c.at)
	default:
		*v = binary.LittleEndian.Uint32(c.buf[c.at:])
		c.at += 4
	}
}

// maxLengthSize is the most bytes that a length can take, because no message has more than
// 4 GiB.
const maxLengthSize = binary.MaxVarintLen32

func (c *codec) bytes(v *[]byte) {
	switch c.way {
	case writing:
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(*v))), *v...)
	case reading:
		*v = c.readBytes()
	case bounding:
		c.size += maxLengthSize + len(*v)
	}
}

func (c *codec) string(v *string) { c.text(v, 0) }

// key is string for a key. Reading refuses an empty one.
func (c *codec) key(v *string) { c.text(v, 1) }

// text takes a string of at least some bytes through. The unsafe conversion is sound: only
// this message refers to the memory that readBytes returns, and slices of messages are never
// written to (doc.go).
func (c *codec) text(v *string, least int) {
	switch c.way {
	case writing:
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(*v))), *v...)
	case reading:
		b := c.readBytes()
		*v = unsafe.String(unsafe.SliceData(b), len(b))
		if len(b) < least && c.err == nil {
			c.fail("empty key")
		}
	case bounding:
		c.size += maxLengthSize + len(*v)
	}
}

// listOf is what the lists with one type of elements have in common.
type listOf struct {
	what  string // the elements, for errors
	least int    // the fewest bytes of an element
}

// elements describes a kind of list. It measures the shortest element that reading accepts,
// because that bounds how many elements the rest of a message can have.
func elements(what string, shortest func(*causalCodec)) listOf {
	c := causalCodec{codec: new(codec)}
	c.streams.add(new(Stream)) // a stream that was seen before is shorter
	shortest(&c)
	return listOf{what, len(c.buf)}
}

// list takes the length of a list through and returns the list. The caller then takes the
// elements through:
//
//	for i := range list(c, &v.Saw, &sightingList) {
//		v.Saw[i].fields(c)
//	}
//
// Reading makes the list. It refuses a length for which there are too few bytes, before it
// takes memory.
func list[S ~[]T, T any](c *codec, s *S, of *listOf) S {
	switch c.way {
	case writing:
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*s)))
	case reading:
		if n := c.readCount(of.what, of.least); n > 0 {
			*s = make(S, n)
		}
	case bounding:
		c.size += maxLengthSize
	}
	return *s
}

// maxCountGrowth is the most bytes by which one more element lengthens the length of its
// list.
const maxCountGrowth = 1
