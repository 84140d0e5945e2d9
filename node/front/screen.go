package front

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
)

// framed reads the header lines. If two readers could frame the request
// differently, framed answers the request, ok is false, and nothing more is read
// from the connection.
func (s *Server) framed(ctx *fasthttp.RequestCtx) (seen headers, ok bool) {
	header := &ctx.Request.Header
	seen, err := scan(header.RawHeaders())
	switch {
	case err != nil:
	case bytes.IndexByte(header.RequestURI(), '#') >= 0:
		err = errFragment
	case !header.IsHTTP11() && string(header.Protocol()) != "HTTP/1.0":
		err = errProtocol
	}
	if err != nil {
		ctx.SetConnectionClose()
		conns.DrainBody(ctx.Conn())
		s.fail(ctx, api.CodeBadRequest, err.Error())
	}
	return seen, err == nil
}

// refuseTrailer answers a request with fields behind its chunked body, once the
// body was read. fasthttp takes such fields for headers.
func (s *Server) refuseTrailer(ctx *fasthttp.RequestCtx) bool {
	if len(ctx.Request.Header.Peek("Trailer")) == 0 {
		return false
	}
	s.fail(ctx, api.CodeBadHeader, "there is a trailer field behind the body, and trailers are not supported")
	return true
}

// screen checks everything that a request carries besides its path and body. If the
// server would not honour a part, and ignoring that part could harm the client
// (api.Modifiers), screen answers the request and returns false.
func (s *Server) screen(ctx *fasthttp.RequestCtx, to route, path []byte, seen headers) bool {
	if s.refuseHost(ctx) || s.refuseQuery(ctx, to) {
		return false
	}
	if seen.once == 0 {
		return true
	}
	read := ctx.IsGet() || ctx.IsHead()
	return !(seen.has(known.origin) && !read && s.refuseOrigin(ctx)) &&
		!s.refuseHeaders(ctx, kindOf(to, path, read), seen) &&
		!(seen.has(known.expect) && s.refuseExpectation(ctx)) &&
		!(seen.has(known.tags) && s.refuseConditions(ctx))
}

// kindOf is the kind of a request, which decides how its headers are treated.
func kindOf(to route, path []byte, read bool) api.Kinds {
	pick := func(ifRead, ifWrite api.Kinds) api.Kinds {
		if read {
			return ifRead
		}
		return ifWrite
	}
	switch to {
	case routeKV:
		if hasPrefix(path, api.KVPrefix+api.BucketCausal+"/") {
			return pick(api.CausalRead, api.CausalWrite)
		}
		return pick(api.StrongRead, api.StrongWrite)
	case routeKVList:
		return api.ListRead
	case routeData, routeDataList, routeView, routePing:
		return pick(api.ClassicRead, api.ClassicWrite)
	}
	return pick(api.OtherRead, api.OtherWrite)
}
