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
)

// firstPiece is the first buffer of a body that is not small. It grows as the body
// comes: what a client declares reserves nothing.
const firstPiece = 16 << 10

// readBody reads the body to its end, or answers for why that cannot be. A small
// body stays where fasthttp has put it, in a buffer that it uses again; a larger
// one gets memory of its own, which an operation may keep (newPut).
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
	if 0 <= length && length <= smallBody {
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
		settle(ctx)
		drainBody(ctx.Conn())
		s.overloaded(ctx)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.bodyTooLong(ctx, to)
	default:
		ctx.SetConnectionClose()
		s.bodyBroken(ctx, err)
	}
	return false
}

// passOver reads a body that is in fasthttp's buffer already, so that fasthttp knows
// that it was read.
func passOver(from io.Reader, length int) {
	waste := wastes.Get().(*[smallBody]byte)
	_, _ = io.ReadFull(from, waste[:length])
	wastes.Put(waste)
}

var wastes = sync.Pool{New: func() any { return new([smallBody]byte) }}

var errNoRoom = errors.New("no room for the body")

// collect reads a body into memory that grows with it. length -1: not known.
func collect(ctx *fasthttp.RequestCtx, from io.Reader, length, limit int) ([]byte, error) {
	most := length
	if length < 0 {
		most = limit + 1
	}
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(firstPiece, growth*cap(body)), most)
			if !room(ctx, size-cap(body)) {
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

// trimmed returns a body whose length was not known in as much memory as it needs.
func trimmed(ctx *fasthttp.RequestCtx, body []byte) []byte {
	spare := cap(body) - len(body)
	if spare <= len(body)/8 {
		return slices.Clip(body)
	}
	if c, ours := ctx.Conn().(*conn); ours && c.account.budget != nil {
		c.account.give(spare)
	}
	return append(make([]byte, 0, len(body)), body...)
}

// growth is by how much the memory of a body grows at a time.
const growth = 8

// outgrown are the buffers of firstPiece, and of growth times that, which bodies have
// outgrown: the next ones begin in them.
var outgrown [2]sync.Pool

// pool is where buffers of a size go; nil: nowhere.
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
	drainBody(ctx.Conn())
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

// The limits as every message gives them.
var (
	textValueLimit = "a value has at most " + strconv.Itoa(api.MaxValue) + " bytes"
	textBodyLimit  = "a body has at most " + strconv.Itoa(api.MaxBody) + " bytes"
)

// mostBody is the longest body that is read: on v1 it is the value itself.
func (r route) mostBody() int {
	if r == routeKV {
		return api.MaxValue
	}
	return api.MaxBody
}

// bodyBroken answers for a body that did not come to its end.
func (s *Server) bodyBroken(ctx *fasthttp.RequestCtx, err error) {
	var network net.Error
	if errors.Is(err, fasthttp.ErrTimeout) || errors.As(err, &network) && network.Timeout() {
		s.fail(ctx, api.CodeSlowRequest, "the request did not arrive within "+readTimeout.String())
		return
	}
	s.fail(ctx, api.CodeBadRequest, "the body cannot be read: "+err.Error())
}
