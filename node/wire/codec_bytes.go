package wire

import (
	"encoding/binary"
	"slices"
)

// writeUvarint appends byte by byte: that is inlined, and faster than to store a slice.
func (c *codec) writeUvarint(v uint64) {
	for v >= 0x80 {
		c.buf = append(c.buf, byte(v)|0x80)
		v >>= 7
	}
	c.buf = append(c.buf, byte(v))
}

// readUvarint is quick for numbers of one and two bytes, which are nearly all.
func (c *codec) readUvarint() uint64 {
	if left := c.buf[c.at:]; len(left) >= 2 {
		if left[0] < 0x80 {
			c.at++
			return uint64(left[0])
		}
		if left[1] < 0x80 {
			c.at += 2
			return uint64(left[0]&0x7f) | uint64(left[1])<<7
		}
	}
	return c.readLongUvarint()
}

func (c *codec) readLongUvarint() uint64 {
	var v uint64
	for i, b := range c.buf[c.at:] {
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break // more than 64 bits
		}
		v |= uint64(b&0x7f) << (7 * i & 63) // the mask spares a check of the shift
		if b < 0x80 {
			c.at += i + 1
			return v
		}
	}
	c.fail("no whole number")
	return 0
}

// readCount reads how many elements follow, which have at least size bytes each. It refuses
// more than the rest of the message can have.
func (c *codec) readCount(what string, size int) int {
	n := c.readUvarint()
	if left := len(c.buf) - c.at; n > uint64(left/size) {
		c.fail("%d %s cannot be in the %d bytes that are left", n, what, left)
		return 0
	}
	return int(n)
}

// readBytes returns a part of our copy of buf, whose capacity ends with it. The first byte
// string that is not empty makes the copy: most kinds of messages need none.
func (c *codec) readBytes() []byte {
	n := c.readCount("bytes", 1)
	if n == 0 {
		return nil
	}
	if !c.owned {
		c.buf, c.owned = slices.Clone(c.buf), true
	}
	b := c.buf[c.at : c.at+n : c.at+n]
	c.at += n
	return b
}

// readReference reads a reference to one of some slots, or 0.
func (c *codec) readReference(slots byte) byte {
	if c.at == len(c.buf) {
		c.fail("needs a byte, none is left")
		return 0
	}
	ref := c.buf[c.at]
	if ref > slots {
		c.fail("unknown reference %d", ref)
		return 0
	}
	c.at++
	return ref
}
