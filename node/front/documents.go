package front

import (
	"net/http"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/answer"
)

// openAPI serves the description of the surface.
func (s *Server) openAPI(ctx *fasthttp.RequestCtx, _ []byte) {
	s.answers.Stamp(ctx)
	ctx.Response.Header.SetContentType("application/yaml")
	ctx.Response.SetBodyString(api.OpenAPI)
}

// profilePath is the prefix of the paths of net/http/pprof.
const profilePath = "/debug/pprof/"

// profile serves net/http/pprof.
func (s *Server) profile(ctx *fasthttp.RequestCtx, _ []byte) {
	pprofhandler.PprofHandler(ctx)
	if ctx.Response.StatusCode() != http.StatusOK {
		s.answers.Fail(ctx, api.CodeNoSuchPath, "there is no such profile")
	}
}

// metrics serves the metrics of the node, if it has any.
type metrics struct {
	answers *answer.Writer
	handler fasthttp.RequestHandler // nil: the node has none
}

func (m metrics) get(ctx *fasthttp.RequestCtx, _ []byte) {
	if m.handler == nil {
		m.answers.Fail(ctx, api.CodeNoSuchPath, "this node has no metrics")
		return
	}
	m.handler(ctx)
}

func (m metrics) refuse(ctx *fasthttp.RequestCtx, tail []byte) {
	if m.handler == nil {
		m.get(ctx, tail)
		return
	}
	m.answers.RefuseMethod(ctx, "GET, HEAD")
}
