package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

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
	codecVersion = 2
	checksumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendMessage appends the encoding of a message to dst. It allocates only when
// dst has no room, and panics on a message type that is not of this package.
func AppendMessage(dst []byte, h Header, m Message) []byte {
	start := len(dst)
	e := encoder{buf: append(dst, codecVersion, byte(m.Kind()))}
	e.header(h)
	e.message(m)
	return binary.LittleEndian.AppendUint32(e.buf, crc32.Checksum(e.buf[start:], castagnoli))
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
	m := newMessage(kind)
	if m == nil {
		return Header{}, nil, fmt.Errorf("decode message: unknown kind %d", kind)
	}
	d := decoder{data: covered, at: 2}
	h := d.header()
	d.message(m)
	if d.err == nil && d.at < len(d.data) {
		d.fail("%d bytes more than the message has", len(d.data)-d.at)
	}
	if d.err != nil {
		return Header{}, nil, fmt.Errorf("decode %v: %w", kind, d.err)
	}
	return h, m, nil
}

var kindNames = [...]string{
	KindQuery:               "query",
	KindQueryReply:          "query reply",
	KindNewView:             "new view",
	KindNewViewReply:        "new view reply",
	KindHello:               "hello",
	KindBaseCheck:           "base check",
	KindBaseCheckReply:      "base check reply",
	KindJoinRequest:         "join request",
	KindJoin:                "join",
	KindBallotTooLow:        "ballot too low",
	KindStart:               "start",
	KindStarted:             "started",
	KindActive:              "active",
	KindFetch:               "fetch",
	KindChunk:               "chunk",
	KindPrepare:             "prepare",
	KindAck:                 "ack",
	KindForward:             "forward",
	KindForwardReply:        "forward reply",
	KindConfirm:             "confirm",
	KindConfirmed:           "confirmed",
	KindPull:                "pull",
	KindPullReply:           "pull reply",
	KindCancel:              "cancel",
	KindBatch:               "batch",
	KindBatchAck:            "batch ack",
	KindResendRequest:       "resend request",
	KindTruncated:           "truncated",
	KindDigestRequest:       "digest request",
	KindDigest:              "digest",
	KindFetchItems:          "fetch items",
	KindItems:               "items",
	KindHandoff:             "handoff",
	KindHandoffAck:          "handoff ack",
	KindKeyRequest:          "key request",
	KindKeyReply:            "key reply",
	KindCausalForward:       "causal forward",
	KindCausalForwardReply:  "causal forward reply",
	KindCausalForwardCancel: "causal forward cancel",
	KindViewInfoRequest:     "view info request",
	KindViewInfo:            "view info",
}

// String names the kind, for errors, traces and labels.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
