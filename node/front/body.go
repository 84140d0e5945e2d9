package front

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// firstPiece is the first buffer of a body that is not small. It grows as the body
// comes: what a client declares reserves nothing.
const firstPiece = 16 << 10

// readBody reads the body to its end, or answers for why that cannot be. A small
// body stays where fasthttp has put it, in a buffer that it uses again; a larger
// one gets memory of its own, which an operation may keep (newPut).
func (s *Server) readBody(ctx *fasthttp.RequestCtx) bool {
	request := &ctx.Request
	if !request.IsBodyStream() {
		return true
	}
	length := request.Header.ContentLength() // -1: it comes in chunks
	if length > api.MaxBody {
		s.bodyTooLong(ctx)
		return false
	}
	if 0 <= length && length <= smallBody {
		_, _ = io.Copy(io.Discard, request.BodyStream()) // all of it is in the buffer already
		_ = request.CloseBodyStream()
		return true
	}
	body, err := collect(ctx, request.BodyStream(), length)
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
		s.bodyTooLong(ctx)
	default:
		ctx.SetConnectionClose()
		s.bodyBroken(ctx, err)
	}
	return false
}

var errNoRoom = errors.New("no room for the body")

// collect reads a body into memory that grows with it. length -1: not known.
func collect(ctx *fasthttp.RequestCtx, from io.Reader, length int) ([]byte, error) {
	most := length
	if length < 0 {
		most = api.MaxBody + 1
	}
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(firstPiece, 2*cap(body)), most)
			if !room(ctx, size-cap(body)) {
				return nil, errNoRoom
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > api.MaxBody:
			return nil, fasthttp.ErrBodyTooLarge
		case len(body) == length:
			return body, nil
		case errors.Is(err, io.EOF) && length < 0:
			return slices.Clip(body), nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
	}
}

func (s *Server) bodyTooLong(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	drainBody(ctx.Conn())
	s.fail(ctx, api.CodeValueTooLarge, "the body is longer than "+strconv.Itoa(api.MaxBody)+" bytes")
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
