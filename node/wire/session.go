package wire

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"unsafe"
)

// A context in the hands of a client, who brings it back with the next request, is
//
//	version   1 byte
//	context   as in a message
//	trailer   by the version
//
// and as text the same in base64 (RFC 4648 §5, no padding). The trailer of version 1
// is CRC32C, 4 bytes, little-endian, of the cluster's name and everything before: a
// context of another cluster, whose hashes and streams would mean something else
// here, is refused without costing a byte. That of version 2 is the seal of a cluster
// with a secret. A node knows only one of the two.
const (
	contextVersion = 1
	sealedVersion  = 2
)

// SealSize is how many bytes a seal has.
const SealSize = 16

// Sealer makes and checks seals of one cluster: nobody else can make one.
type Sealer interface {
	// Seal appends the SealSize bytes of the seal of what is covered.
	Seal(dst, covered []byte) []byte
	// Sealed reports whether a seal is that of what is covered.
	Sealed(covered, seal []byte) bool
}

// What a context may have that a client brings. A node never gives out more.
const (
	MaxExact        = 128     // entries
	MaxPositions    = 256     // in its vector: as many streams may a session depend on
	MaxCutRefs      = 64      // of views
	maxContextSize  = 8 << 10 // bytes; the largest that a node gives out has some 3 KiB
	maxContextCount = 1 << 60 // a counter, or a place in a stream; what can be so large is for the core to say
)

// AppendContext appends a context as its client carries it to dst. Without a sealer
// it has a checksum.
func AppendContext(dst []byte, cluster string, sealer Sealer, c Context) []byte {
	start := len(dst)
	version := byte(contextVersion)
	if sealer != nil {
		version = sealedVersion
	}
	w := codec{buf: append(dst, version)}
	c.fields(&causalCodec{codec: &w})
	if sealer != nil {
		return sealer.Seal(w.buf, w.buf[start:])
	}
	return binary.LittleEndian.AppendUint32(w.buf, contextSum(cluster, w.buf[start:]))
}

func contextSum(cluster string, covered []byte) uint32 {
	name := unsafe.Slice(unsafe.StringData(cluster), len(cluster)) // a copy would be made for every context
	return crc32.Update(crc32.Checksum(name, castagnoli), castagnoli, covered)
}

// DecodeContext is the inverse of AppendContext. It refuses what is of another
// version, damaged, forged, of another cluster, not in order, or more than a node
// gives out: a context is whatever its client says it is.
func DecodeContext(cluster string, sealer Sealer, data []byte) (Context, error) {
	want, size := byte(contextVersion), checksumSize
	if sealer != nil {
		want, size = sealedVersion, SealSize
	}
	switch {
	case len(data) < 1+size:
		return Context{}, fmt.Errorf("decode context: only %d bytes", len(data))
	case len(data) > maxContextSize:
		return Context{}, fmt.Errorf("decode context: %d bytes, at most %d are allowed", len(data), maxContextSize)
	case data[0] != want:
		return Context{}, fmt.Errorf("decode context: version %d, this node takes %d", data[0], want)
	}
	covered, trailer := data[:len(data)-size], data[len(data)-size:]
	switch {
	case sealer != nil && !sealer.Sealed(covered, trailer):
		return Context{}, fmt.Errorf("decode context: damaged, or not sealed with a secret of this cluster")
	case sealer == nil && contextSum(cluster, covered) != binary.LittleEndian.Uint32(trailer):
		return Context{}, fmt.Errorf("decode context: damaged, or of another cluster")
	}
	return decodeCovered(covered)
}

// decodeCovered reads a context without its trailer.
func decodeCovered(covered []byte) (Context, error) {
	r := codec{way: reading, buf: covered, at: 1}
	var c Context
	c.fields(&causalCodec{codec: &r})
	err := r.end("context")
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Context{}, fmt.Errorf("decode context: %w", err)
	}
	return c, nil
}

// AppendContextText appends a context as text, for JSON and for a header, to dst.
// What it is the text of stands behind dst meanwhile: one buffer does for both.
func AppendContextText(dst []byte, cluster string, sealer Sealer, c Context) []byte {
	start := len(dst)
	dst = AppendContext(dst, cluster, sealer, c)
	end := len(dst)
	dst = base64.RawURLEncoding.AppendEncode(dst, dst[start:end])
	n := copy(dst[start:], dst[end:])
	return dst[:start+n]
}

var strict = base64.RawURLEncoding.Strict()

// ParseContext is the inverse of AppendContextText.
func ParseContext(cluster string, sealer Sealer, text string) (Context, error) {
	data, err := decodeText(text)
	if err != nil {
		return Context{}, err
	}
	return DecodeContext(cluster, sealer, data)
}

// ReadContext shows what a context says to who cannot check seals, and whether it has
// one. Nobody may rely on it.
func ReadContext(cluster, text string) (c Context, sealed bool, err error) {
	data, err := decodeText(text)
	if err != nil {
		return Context{}, false, err
	}
	if len(data) > SealSize && data[0] == sealedVersion {
		c, err = decodeCovered(data[:len(data)-SealSize])
		return c, true, err
	}
	c, err = DecodeContext(cluster, nil, data)
	return c, false, err
}

// decodeText returns the bytes that a context is the text of.
func decodeText(text string) ([]byte, error) {
	if most := base64.RawURLEncoding.EncodedLen(maxContextSize); len(text) > most {
		return nil, fmt.Errorf("decode context: %d characters, at most %d are allowed", len(text), most)
	}
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them
		return nil, errors.New("decode context: a line end")
	}
	data, err := strict.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("decode context: %w", err)
	}
	return data, nil
}

// check reports what a node would never have given out.
func (x *Context) check() error {
	if n := len(x.Exact); n > MaxExact {
		return fmt.Errorf("%d entries, at most %d are allowed", n, MaxExact)
	}
	if p, n := len(x.Vector), len(x.CutRefs); p > MaxPositions || n > MaxCutRefs {
		return fmt.Errorf("%d streams and %d views, at most %d and %d are allowed", p, n, MaxPositions, MaxCutRefs)
	}
	var hashes HashIndex
	for i := range x.Exact {
		v := &x.Exact[i].Version
		if v.Counter == 0 || v.Counter > maxContextCount || v.Dot.N == 0 || v.Dot.N > maxContextCount {
			return fmt.Errorf("entry %d has counter %d and number %d", i, v.Counter, v.Dot.N)
		}
		if _, twice := hashes.Place(x.Exact[i].Hash, i); twice {
			return fmt.Errorf("two entries for one hash")
		}
	}
	if x.Ceil > maxContextCount {
		return fmt.Errorf("counter %d of what was folded", x.Ceil)
	}
	for i := 1; i < len(x.CutRefs); i++ {
		if x.CutRefs[i-1].Compare(x.CutRefs[i]) >= 0 {
			return fmt.Errorf("name %d is not in order", i)
		}
	}
	return x.Vector.check()
}

func (v Vector) check() error {
	for i, p := range v {
		if p.N == 0 || p.N > maxContextCount {
			return fmt.Errorf("position %d is %d", i, p.N)
		}
		if i > 0 && v[i-1].Stream.Compare(p.Stream) >= 0 {
			return fmt.Errorf("position %d is not in order", i)
		}
	}
	return nil
}
