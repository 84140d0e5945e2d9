package front

import (
	"crypto/tls"
	"errors"
	"net"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/body"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/route"
	"github.com/cohortkv/cohort/node/front/screen"
)

// handle answers a request of a client and counts the answer. It takes the path from
// the request line, because fasthttp unescapes and folds its own copy, and a key must
// not be changed.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	method, to := route.MethodOf(ctx.Method()), s.routes.Unread()
	if seen, ok := s.framed(ctx); ok {
		path := ctx.URI().PathOriginal()
		to = s.routes.Match(path, false)
		if s.gate.admits(ctx, to, method, path) && s.screened(ctx, to, seen) && s.enter(ctx, to, seen) {
			s.dispatch(ctx, to, method, path)
		}
		if !to.Health {
			s.gate.audit(ctx, to, method, path)
		}
	}
	to.Count(method, ctx.Response.StatusCode())
}

// handleAdmin answers a request of the listener for administrators.
func (s *Server) handleAdmin(ctx *fasthttp.RequestCtx) {
	method, to := route.MethodOf(ctx.Method()), s.routes.Unread()
	if seen, ok := s.framed(ctx); ok {
		path := ctx.URI().PathOriginal()
		to = s.routes.Match(path, true)
		if s.gate.admits(ctx, to, method, path) && s.screened(ctx, to, seen) {
			if to.Place == route.ForClients {
				s.answers.Fail(ctx, api.CodeNoSuchPath, "this listener has /livez, /readyz, /metrics and "+profilePath)
			} else {
				s.dispatch(ctx, to, method, path)
			}
		}
		s.gate.audit(ctx, to, method, path)
	}
	to.Count(method, ctx.Response.StatusCode())
}

func (s *Server) dispatch(ctx *fasthttp.RequestCtx, to *route.Endpoint, method route.Method, path []byte) {
	if handler := to.Handler(method); handler != nil {
		handler(ctx, to.Tail(path))
		return
	}
	s.answers.RefuseMethod(ctx, to.Allow())
}

// framed reads the header lines. If two readers could frame the request differently,
// framed answers it, ok is false, and nothing more is read from the connection.
func (s *Server) framed(ctx *fasthttp.RequestCtx) (seen screen.Headers, ok bool) {
	seen, err := screen.Frame(&ctx.Request.Header)
	if err != nil {
		ctx.SetConnectionClose()
		conns.DrainBody(ctx.Conn())
		s.answers.Fail(ctx, api.CodeBadRequest, err.Error())
	}
	return seen, err == nil
}

// screened checks everything that a request carries besides its path and body. If it
// returns false, it has answered the request.
func (s *Server) screened(ctx *fasthttp.RequestCtx, to *route.Endpoint, seen screen.Headers) bool {
	refusal := screen.Check(ctx, &to.Rules, seen)
	if refusal.Refuses() {
		s.answers.Fail(ctx, refusal.Code, refusal.Detail)
	}
	return !refusal.Refuses()
}

// enter admits the request and reads its body, if the route takes one. On a brief
// connection it admits health checks only. If enter returns false, it has answered
// the request.
func (s *Server) enter(ctx *fasthttp.RequestCtx, to *route.Endpoint, seen screen.Headers) bool {
	if c := conns.Of(ctx); c != nil && c.Brief {
		ctx.SetConnectionClose()
		if !to.Health {
			s.answers.Fail(ctx, api.CodeOverloaded, "all connections that this node may have, or that one address may have, are in use")
			return false
		}
	}
	if to.Body == 0 {
		return true
	}
	if err := body.Read(ctx, to.Body); err != nil {
		s.refuseBody(ctx, to, err)
		return false
	}
	refusal := screen.Trailer(&ctx.Request.Header, seen)
	if refusal.Refuses() {
		s.answers.Fail(ctx, refusal.Code, refusal.Detail)
	}
	return !refusal.Refuses()
}

// refuseBody answers a request whose body could not be read.
func (s *Server) refuseBody(ctx *fasthttp.RequestCtx, to *route.Endpoint, err error) {
	ctx.SetConnectionClose()
	switch {
	case errors.Is(err, body.ErrNoRoom):
		conns.Settle(ctx)
		conns.DrainBody(ctx.Conn())
		s.answers.Overloaded(ctx)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		conns.DrainBody(ctx.Conn())
		s.answers.Fail(ctx, api.CodeValueTooLarge, tooLong(to))
	case isSlow(err):
		s.answers.Fail(ctx, api.CodeSlowRequest, textSlow)
	default:
		s.answers.Fail(ctx, api.CodeBadRequest, "the body cannot be read: "+err.Error())
	}
}

// The limits, as every message writes them.
var (
	textValueLimit = "a value has at most " + strconv.Itoa(api.MaxValue) + " bytes"
	textBodyLimit  = "a body has at most " + strconv.Itoa(api.MaxBody) + " bytes"
	textSlow       = "the request did not arrive within " + readTimeout.String()
)

func tooLong(to *route.Endpoint) string {
	switch {
	case to.Key != route.KeyInPath:
		return textBodyLimit
	case to.Body == api.MaxValue: // the body is the value
		return textValueLimit
	}
	return textValueLimit + ", and the JSON that has it at most " + strconv.Itoa(api.MaxBody)
}

func isSlow(err error) bool {
	var network net.Error
	return errors.Is(err, fasthttp.ErrTimeout) || errors.As(err, &network) && network.Timeout()
}

// unreadable answers a request that fasthttp could not read. The connection is
// closed afterwards.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	var tooSmall *fasthttp.ErrSmallBuffer
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain) && plain.Conn != nil:
		_, _ = plain.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks https.\n"))
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		conns.DrainBody(ctx.Conn())
		s.answers.Fail(ctx, api.CodeValueTooLarge, textBodyLimit)
	case errors.As(err, &tooSmall) && !lineArrived(ctx):
		conns.DrainBody(ctx.Conn())
		s.answers.Fail(ctx, api.CodeKeyTooLong, "the request line is longer than "+strconv.Itoa(headerLimit)+" bytes")
	case errors.As(err, &tooSmall):
		conns.DrainBody(ctx.Conn())
		s.answers.Fail(ctx, api.CodeHeadersTooLarge, "the headers are longer than "+strconv.Itoa(headerLimit)+" bytes")
	case isSlow(err):
		s.answers.Fail(ctx, api.CodeSlowRequest, textSlow)
	default:
		s.answers.Fail(ctx, api.CodeBadRequest, "the request cannot be read: "+err.Error())
	}
	s.routes.Unread().Count(route.None, ctx.Response.StatusCode())
}

func lineArrived(ctx *fasthttp.RequestCtx) bool {
	c := conns.Of(ctx)
	return c == nil || c.LineArrived()
}
