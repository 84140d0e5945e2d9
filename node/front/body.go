package front

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
)

// firstPiece is the size in bytes of the first buffer of a body that is not small.
// The buffer grows as the body comes, so a declared length reserves nothing.
const firstPiece = 16 << 10

// readBody reads the body to its end. If it cannot, it answers the request and
// returns false. A small body stays in fasthttp's buffer, which is used again. A
// larger body gets memory of its own, which an operation may keep (newPut).
func (s *Server) readBody(ctx *fasthttp.RequestCtx, to route) bool {
	request := &ctx.Request
	if !request.IsBodyStream() {
		return true
	}
	length := request.Header.ContentLength() // -1: it comes in chunks
	if length > to.mostBody() {
		s.bodyTooLong(ctx, to)
		return false
	}
	if 0 <= length && length <= conns.SmallBody {
		passOver(request.BodyStream(), length)
		_ = request.CloseBodyStream()
		return true
	}
	body, err := collect(ctx, request.BodyStream(), length, to.mostBody())
	switch {
	case err == nil:
		request.SetBodyRaw(body)
		return true
	case errors.Is(err, errNoRoom):
		ctx.SetConnectionClose()
		conns.Settle(ctx)
		conns.DrainBody(ctx.Conn())
		s.overloaded(ctx)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.bodyTooLong(ctx, to)
	default:
		ctx.SetConnectionClose()
		s.bodyBroken(ctx, err)
	}
	return false
}

// passOver reads a body that fasthttp has buffered already, so that fasthttp takes
// it as read.
func passOver(from io.Reader, length int) {
	waste := wastes.Get().(*[conns.SmallBody]byte)
	_, _ = io.ReadFull(from, waste[:length])
	wastes.Put(waste)
}

var wastes = sync.Pool{New: func() any { return new([conns.SmallBody]byte) }}

var errNoRoom = errors.New("no room for the body")

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
			size := min(max(firstPiece, growth*cap(body)), most)
			if !conns.Room(ctx, size-cap(body)) {
				return nil, errNoRoom
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
// firstPiece bytes, and of growth times that.
var outgrown [2]sync.Pool

// pool is the pool of buffers of this size; nil if there is none.
func pool(size int) *sync.Pool {
	switch size {
	case firstPiece:
		return &outgrown[0]
	case growth * firstPiece:
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

func (s *Server) bodyTooLong(ctx *fasthttp.RequestCtx, to route) {
	ctx.SetConnectionClose()
	conns.DrainBody(ctx.Conn())
	detail := textValueLimit
	switch to {
	case routeKV:
	case routeData:
		detail += ", and the JSON that has it at most " + strconv.Itoa(api.MaxBody)
	default:
		detail = textBodyLimit
	}
	s.fail(ctx, api.CodeValueTooLarge, detail)
}

// The limits in bytes, as every message writes them.
var (
	textValueLimit = "a value has at most " + strconv.Itoa(api.MaxValue) + " bytes"
	textBodyLimit  = "a body has at most " + strconv.Itoa(api.MaxBody) + " bytes"
)

// mostBody is the longest body that is read, in bytes. On v1 the body is the value
// itself.
func (r route) mostBody() int {
	if r == routeKV {
		return api.MaxValue
	}
	return api.MaxBody
}

// bodyBroken answers a request whose body did not arrive completely.
func (s *Server) bodyBroken(ctx *fasthttp.RequestCtx, err error) {
	var network net.Error
	if errors.Is(err, fasthttp.ErrTimeout) || errors.As(err, &network) && network.Timeout() {
		s.fail(ctx, api.CodeSlowRequest, "the request did not arrive within "+readTimeout.String())
		return
	}
	s.fail(ctx, api.CodeBadRequest, "the body cannot be read: "+err.Error())
}
