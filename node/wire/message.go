package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/cohortkv/cohort/node/ids"
)

// Header comes with every message and says who sent it.
type Header struct {
	From ids.Node
	Inc  ids.Incarnation // of the sender's state: a node that lost its state is a stranger (I9)
	Boot ids.Boot        // of the sender's process
	View ids.View        // that the sender holds; zero: none
}

func (h *Header) fields(c *codec) {
	c.node(&h.From)
	c.incarnation(&h.Inc)
	c.boot(&h.Boot)
	c.viewID(&h.View)
}

// Message is the body of one message; the concrete types below.
type Message interface{ Kind() Kind }

// A message on the bus is
//
//	version   1 byte
//	kind      1 byte
//	header    From, Inc, Boot, View
//	body      the fields of the message, in the order of its struct
//	checksum  4 bytes, little-endian: CRC32C of everything before
//
// Numbers are uvarints; random ids, which a uvarint would only lengthen, are 8
// bytes and fingerprints 4, little-endian; a bool or an enumeration is a byte;
// strings, bytes and lists have their length before them. What repeats within a
// message is shortened by what both sides remember of it (memory).
const (
	codecVersion = 3
	checksumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendMessage appends the encoding of a message to dst. It allocates only when
// dst has no room, and panics on a message type that is not of this package.
func AppendMessage(dst []byte, h Header, m Message) []byte {
	start := len(dst)
	var c codec
	c.buf = append(dst, codecVersion, byte(m.Kind()))
	h.fields(&c)
	c.message(m)
	return binary.LittleEndian.AppendUint32(c.buf, crc32.Checksum(c.buf[start:], castagnoli))
}

// DecodeMessage is the inverse of AppendMessage, but that empty slices come back
// nil. It refuses what is damaged, cut, too long, of another version, or has an
// empty key or an unknown enumerator; whether the message makes sense is for its
// receiver to say.
//
// The payload may be reused afterwards. Strings and slices of the message share
// one copy of it and keep all of it alive: who keeps one of them for long while
// the others go clones it.
func DecodeMessage(payload []byte) (Header, Message, error) {
	if len(payload) < 2+checksumSize {
		return Header{}, nil, fmt.Errorf("decode message: only %d bytes", len(payload))
	}
	if payload[0] != codecVersion {
		return Header{}, nil, fmt.Errorf("decode message: version %d, this node speaks %d", payload[0], codecVersion)
	}
	kind := Kind(payload[1])
	covered, trailer := payload[:len(payload)-checksumSize], payload[len(payload)-checksumSize:]
	if got, want := crc32.Checksum(covered, castagnoli), binary.LittleEndian.Uint32(trailer); got != want {
		return Header{}, nil, fmt.Errorf("decode %v: checksum %08x of %d bytes, their sender had %08x", kind, got, len(covered), want)
	}
	m := NewMessage(kind)
	if m == nil {
		return Header{}, nil, fmt.Errorf("decode message: unknown kind %d", kind)
	}
	var c codec
	c.way, c.buf, c.at = reading, covered, 2
	var h Header
	h.fields(&c)
	c.message(m)
	if err := c.end("message"); err != nil {
		return Header{}, nil, fmt.Errorf("decode %v: %w", kind, err)
	}
	return h, m, nil
}
