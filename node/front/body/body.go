// Package body reads the bodies of requests into memory that is counted.
//
// The package promises that a declared length reserves nothing: memory grows with the
// bytes that arrive, and counts against the budget (docs/security.md §3.1). A small
// body stays in fasthttp's buffer, which is used again. A larger body gets memory of
// its own, which an operation may keep.
package body

import (
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/front/conns"
)

// FirstPiece is the size in bytes of the first buffer of a body that is not small.
// The buffer grows as the body comes.
const FirstPiece = 16 << 10

// ErrNoRoom says that the requests under way hold all the memory that they may.
var ErrNoRoom = errors.New("no room for the body")

// Read reads the body to its end. It fails with ErrNoRoom, with
// fasthttp.ErrBodyTooLarge if the body has more than most bytes, or with the error of
// the connection. Then the connection can serve no other request.
func Read(ctx *fasthttp.RequestCtx, most int) error {
	request := &ctx.Request
	if !request.IsBodyStream() {
		return nil
	}
	length := request.Header.ContentLength() // -1: it comes in chunks
	if length > most {
		return fasthttp.ErrBodyTooLarge
	}
	if 0 <= length && length <= conns.SmallBody {
		passOver(request.BodyStream(), length)
		_ = request.CloseBodyStream()
		return nil
	}
	body, err := collect(ctx, request.BodyStream(), length, most)
	if err != nil {
		return err
	}
	request.SetBodyRaw(body)
	return nil
}

// passOver reads a body that fasthttp has buffered already, so that fasthttp takes
// it as read.
func passOver(from io.Reader, length int) {
	waste := wastes.Get().(*[conns.SmallBody]byte)
	_, _ = io.ReadFull(from, waste[:length])
	wastes.Put(waste)
}

var wastes = sync.Pool{New: func() any { return new([conns.SmallBody]byte) }}

// collect reads a body into memory that grows with it. A length of -1 means that
// the length is unknown.
func collect(ctx *fasthttp.RequestCtx, from io.Reader, length, limit int) ([]byte, error) {
	most := length
	if length < 0 {
		most = limit + 1
	}
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(FirstPiece, growth*cap(body)), most)
			if !conns.Room(ctx, size-cap(body)) {
				return nil, ErrNoRoom
			}
			body = grown(body, size)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, fasthttp.ErrBodyTooLarge
		case len(body) == length:
			return body, nil
		case errors.Is(err, io.EOF) && length < 0:
			return trimmed(ctx, body), nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
	}
}

// trimmed returns a body of unknown length without much spare capacity.
func trimmed(ctx *fasthttp.RequestCtx, body []byte) []byte {
	spare := cap(body) - len(body)
	if spare <= len(body)/8 {
		return slices.Clip(body)
	}
	conns.Give(ctx, spare)
	return append(make([]byte, 0, len(body)), body...)
}

// growth is the factor by which the buffer of a body grows at a time.
const growth = 8

// outgrown keeps buffers that bodies have outgrown, for the bodies that follow: of
// FirstPiece bytes, and of growth times that.
var outgrown [2]sync.Pool

// pool is the pool of buffers of this size; nil if there is none.
func pool(size int) *sync.Pool {
	switch size {
	case FirstPiece:
		return &outgrown[0]
	case growth * FirstPiece:
		return &outgrown[1]
	}
	return nil
}

// grown returns the body in a larger buffer.
func grown(body []byte, size int) []byte {
	var larger []byte
	if p := pool(size); p != nil {
		if old, ok := p.Get().(*[]byte); ok {
			larger = *old
		}
	}
	if larger == nil {
		larger = make([]byte, 0, size)
	}
	larger = append(larger, body...)
	if p := pool(cap(body)); p != nil {
		body = body[:0]
		p.Put(&body)
	}
	return larger
}
