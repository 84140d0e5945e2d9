package keys

import (
	"unsafe"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/wire"
)

// shareLimit is the size in bytes of the largest value that shares its allocation
// with its key. A store may keep the first copy of a key for long, and with it all bytes
// of the same allocation.
const shareLimit = 1 << 10

// newPut makes op a put. It copies key and value, which belong to fasthttp, in one
// allocation. The value of a large body is not copied: body.Read gave it memory of its
// own, so no second copy exists while the request waits.
func newPut(op *wire.Op, raw, value []byte, contentType string) error {
	size := len(raw)
	if len(value) <= shareLimit {
		size += len(value)
	}
	buf, err := api.AppendKey(make([]byte, 0, size), raw)
	if err != nil {
		return err
	}
	n := len(buf)
	op.Kind, op.Key, op.ContentType = wire.OpPut, asString(buf), contentType
	switch {
	case len(value) > conns.SmallBody:
		op.Value = value[:len(value):len(value)] // of a body that is the request's own
	case len(value) > shareLimit:
		op.Value = append([]byte(nil), value...)
	default:
		buf = append(buf, value...)
		op.Value = buf[n:len(buf):len(buf)]
	}
	return nil
}

// asString returns bytes as a string without a copy. The caller must hold the only
// reference, and must not write to the bytes any more.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
