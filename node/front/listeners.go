package front

import (
	"context"
	"net"
	"time"

	"github.com/valyala/fasthttp"

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

// stopHTTP ends both servers.
func (s *Server) stopHTTP(ctx context.Context) error {
	err := s.http.ShutdownWithContext(ctx)
	if admin := s.adminHTTP.ShutdownWithContext(ctx); err == nil {
		err = admin
	}
	return err
}
