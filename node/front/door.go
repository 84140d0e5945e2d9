package front

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/conns"
)

// newHTTP is a fasthttp server for one of the two listeners.
func (s *Server) newHTTP(handler fasthttp.RequestHandler, open *conns.Table) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:                      handler,
		ErrorHandler:                 s.unreadable,
		ConnState:                    open.Changed,
		Logger:                       logger{s.log},
		Concurrency:                  2 * open.Most(), // connections bound themselves
		StreamRequestBody:            true,            // readBody
		ReadBufferSize:               headerLimit,
		ReadTimeout:                  readTimeout,
		IdleTimeout:                  idleTimeout,
		MaxIdleWorkerDuration:        2 * time.Second, // a flood's goroutines are soon gone
		MaxRequestBodySize:           api.MaxBody,
		DisablePreParseMultipartForm: true, // would rewrite the value
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true, // values do not belong in errors
		CloseOnShutdown:              true,
	}
}

// adminConnections are open at a time at the listener for administrators.
const adminConnections = 64

// ServeAdmin answers health checks, metrics and profiles on a listener of their own
// until Shutdown, and then returns nil. It owns the listener.
func (s *Server) ServeAdmin(ln net.Listener) error { return s.serve(ln, s.adminHTTP, s.adminConns) }

// handleAdmin handles requests of the listener for administrators.
func (s *Server) handleAdmin(ctx *fasthttp.RequestCtx) {
	to := routeNone
	if seen, ok := s.framed(ctx); ok {
		path := ctx.URI().PathOriginal()
		if to = routeOf(path); hasPrefix(path, profilePath) {
			to = routeProfile
		}
		if s.authorize(ctx, to, path) && s.screen(ctx, to, path, seen) {
			s.dispatchAdmin(ctx, to, path)
		}
		s.audit(ctx, to, path)
	}
	s.requests.count(to, methodOf(ctx.Method()), ctx.Response.StatusCode())
}

func (s *Server) dispatchAdmin(ctx *fasthttp.RequestCtx, to route, path []byte) {
	switch {
	case to == routeProfile:
		s.profile(ctx)
	case to.isHealth() || to == routePing:
		s.dispatch(ctx, to, path)
	default:
		s.fail(ctx, api.CodeNoSuchPath, "this listener has /livez, /readyz, /metrics and "+profilePath)
	}
}

const profilePath = "/debug/pprof/"

// profile serves net/http/pprof.
func (s *Server) profile(ctx *fasthttp.RequestCtx) {
	if s.readOnly(ctx) {
		pprofhandler.PprofHandler(ctx)
		if ctx.Response.StatusCode() != http.StatusOK {
			s.fail(ctx, api.CodeNoSuchPath, "there is no such profile")
		}
	}
}

// stopHTTP ends both servers.
func (s *Server) stopHTTP(ctx context.Context) error {
	err := s.http.ShutdownWithContext(ctx)
	if admin := s.adminHTTP.ShutdownWithContext(ctx); err == nil {
		err = admin
	}
	return err
}
