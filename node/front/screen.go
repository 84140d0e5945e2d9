package front

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// framed reads the header lines, and answers for a request that two readers could
// take for two things: nothing that follows on its connection is read.
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
		drainBody(ctx.Conn())
		s.fail(ctx, api.CodeBadRequest, err.Error())
	}
	return seen, err == nil
}

// refuseTrailer answers for fields behind a chunked body, once that was read: fasthttp
// takes them for headers.
func (s *Server) refuseTrailer(ctx *fasthttp.RequestCtx) bool {
	if len(ctx.Request.Header.Peek("Trailer")) == 0 {
		return false
	}
	s.fail(ctx, api.CodeBadHeader, "a field stands behind the body, where it has no meaning here")
	return true
}

// screen looks at all that a request carries beside its path and body, and answers for
// what would not be honoured: nothing is ignored to a client's harm (api.Modifiers).
// False: it was answered.
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

// kindOf is the kind of a request, for its headers.
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
