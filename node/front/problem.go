package front

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/wire"
)

// Names of headers. Their spelling is fixed here because fasthttp would change it,
// or look each name up again.
var (
	headerMsgNum  = []byte(api.HeaderMsgNum)
	headerNodeID  = []byte(api.HeaderNodeID)
	headerNode    = []byte(api.HeaderNode)
	headerView    = []byte(api.HeaderView)
	headerVersion = []byte(api.HeaderVersion)
	headerETag    = []byte(api.HeaderETag)
	headerDeleted = []byte(api.HeaderDeleted)
	headerSession = []byte(api.HeaderSession)
	headerVary    = []byte("Vary")
	valueAccept   = []byte("Accept")
	typeJSON      = []byte(api.TypeJSON)
	typeProblem   = []byte(api.TypeProblem)
)

// fail answers with an error, in the form of the surface that the client asked:
// classic or v1.
func (s *Server) fail(ctx *fasthttp.RequestCtx, code api.Code, detail string) {
	problem := api.NewProblem(code, detail, s.requestID(ctx))
	s.failAs(ctx, &problem)
}

func (s *Server) failAs(ctx *fasthttp.RequestCtx, problem *api.Problem) {
	ctx.SetStatusCode(problem.Status)
	if problem.Status == http.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "1")
	}
	if classicPath(ctx.Request.Header.RequestURI()) {
		ctx.Response.Header.SetCanonical(headerNodeID, s.node)
		s.writeJSON(ctx, api.ClassicError{Error: problem.Detail})
		return
	}
	s.stamp(ctx)
	s.writeJSON(ctx, problem)
	ctx.Response.Header.SetContentTypeBytes(typeProblem)
}

// classicPath reports whether a path belongs to the classic surface. It reads the
// raw request line, because an error may occur before the line was parsed.
func classicPath(uri []byte) bool {
	path, _, _ := bytes.Cut(uri, []byte{'?'})
	if i := bytes.Index(path, []byte("://")); i > 0 && path[0] != '/' {
		if slash := bytes.IndexByte(path[i+3:], '/'); slash >= 0 {
			path = path[i+3+slash:]
		}
	}
	switch string(path) {
	case api.PathPing, api.PathView, api.PathData:
		return true
	}
	return bytes.HasPrefix(path, []byte(api.DataPrefix))
}

// stamp sets the headers of v1 that say which node answers, and in which view.
func (s *Server) stamp(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical(headerNode, s.node)
	if status := s.backend.Status(); status.Present {
		var number [20]byte
		ctx.Response.Header.SetCanonical(headerView, strconv.AppendUint(number[:0], status.View.ID.Number, 10))
	}
}

// writeJSON answers with a JSON document. It is too slow for the hot path.
func (s *Server) writeJSON(ctx *fasthttp.RequestCtx, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		panic("front: an answer of ours is no JSON: " + err.Error())
	}
	if s.hold(ctx, len(body)) {
		ctx.Response.Header.SetContentTypeBytes(typeJSON)
		ctx.Response.SetBodyRaw(append(body, '\n'))
	}
}

// refuseMethod answers 405. allow lists the methods of the path.
func (s *Server) refuseMethod(ctx *fasthttp.RequestCtx, allow string) {
	ctx.Response.Header.Set("Allow", allow)
	s.fail(ctx, api.CodeMethodNotAllowed, "this path takes "+allow)
}

// readOnly reports whether the request is a GET or HEAD. Otherwise it has answered
// 405.
func (s *Server) readOnly(ctx *fasthttp.RequestCtx) bool {
	if ctx.IsGet() || ctx.IsHead() {
		return true
	}
	s.refuseMethod(ctx, "GET, HEAD")
	return false
}

// asked is the kind of a request, as far as its failure depends on it.
type asked uint8

const (
	strongWrite asked = iota
	strongRead
	causalWrite
	causalRead
	viewPut
)

func (k asked) write() bool { return k == strongWrite || k == causalWrite || k == viewPut }

// failed answers a request that did not end with a result. It returns false if
// there is a result.
func (s *Server) failed(ctx *fasthttp.RequestCtx, how ending, reply core.Reply, what asked) bool {
	if how == answered {
		return s.refused(ctx, reply)
	}
	reason := [...]string{
		clientGone: "the client closed its side of the connection while the request waited",
		timedOut:   "the request's timeout ran out",
		stopping:   "the node shuts down",
	}[how]
	if how != timedOut {
		ctx.SetConnectionClose()
	}
	code := api.CodeReadUnanswered
	switch {
	case what.write():
		code, reason = api.CodeOutcomeUnknown, reason+"; it may have taken effect, or may yet"
	case how == stopping:
		code = api.CodeShuttingDown
	}
	s.failWaiting(ctx, code, reason, what)
	return true
}

// refused answers the request if the reply is not a result, and reports whether it
// did so.
func (s *Server) refused(ctx *fasthttp.RequestCtx, reply core.Reply) bool {
	switch {
	case reply.Outcome == core.NotInView:
		status := s.backend.Status()
		s.fail(ctx, api.CodeNotInView, notInView(&status))
	case reply.Outcome == core.InDoubt:
		s.fail(ctx, api.CodeOutcomeUnknown, "no owner of the key has answered, and an owner that took the write may have forgotten its request id by now; the write may have taken effect")
	case reply.Outcome == core.Implausible:
		s.fail(ctx, api.CodeBadSession, "the session was not made by a node: it has a version, or a write of a node, that cannot exist")
	case reply.Outcome != core.Done:
		panic("front: outcome " + strconv.Itoa(int(reply.Outcome)) + " for an operation on a key")
	case reply.Result.Status == wire.Unknown:
		s.fail(ctx, api.CodeOutcomeUnknown, "the write was recognised, and its result was lost when groups merged")
	default:
		return false
	}
	return true
}

// failWaiting answers a request whose wait has ended without a result. The answer
// lists the members that such requests wait for.
func (s *Server) failWaiting(ctx *fasthttp.RequestCtx, code api.Code, detail string, what asked) {
	outage := s.backend.Outage()
	waits := outage.StrongText()
	if what == causalWrite || what == causalRead {
		outage.Strong, waits = nil, outage.CausalText()
	}
	if waits != "" {
		detail += "; " + waits
	}
	problem := api.NewProblem(code, detail, s.requestID(ctx))
	problem.Waiting = outage.Strong
	s.failAs(ctx, &problem)
}

// refuseWork answers data requests while the server shuts down.
func (s *Server) refuseWork(ctx *fasthttp.RequestCtx) bool {
	if !s.draining.Load() {
		return false
	}
	ctx.SetConnectionClose()
	s.fail(ctx, api.CodeShuttingDown, "the node shuts down")
	return true
}

// notInView says why the node serves no view: it has none, is not in it, or was
// left behind.
func notInView(status *core.NodeStatus) string {
	switch {
	case !status.Present:
		return "this node has no view"
	case status.LeftBehind:
		return "this node was left behind: its members went on without it"
	case !status.Member:
		return "this node is not in its view"
	}
	return "this node was not in a view when it was asked"
}

// keyProblem answers a request whose key is not valid.
func (s *Server) keyProblem(ctx *fasthttp.RequestCtx, err error) {
	code := api.CodeBadKey
	if errors.Is(err, api.ErrKeyTooLong) {
		code = api.CodeKeyTooLong
	}
	s.fail(ctx, code, err.Error())
}

// unreadable answers a request that fasthttp could not read. The connection is
// closed afterwards.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	var tooSmall *fasthttp.ErrSmallBuffer
	var network net.Error
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain) && plain.Conn != nil:
		_, _ = plain.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks https.\n"))
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		conns.DrainBody(ctx.Conn())
		s.fail(ctx, api.CodeValueTooLarge, textBodyLimit)
	case errors.As(err, &tooSmall) && !lineArrived(ctx.Conn()):
		conns.DrainBody(ctx.Conn())
		s.fail(ctx, api.CodeKeyTooLong, "the request line is longer than "+strconv.Itoa(headerLimit)+" bytes")
	case errors.As(err, &tooSmall):
		conns.DrainBody(ctx.Conn())
		s.fail(ctx, api.CodeHeadersTooLarge, "the headers are longer than "+strconv.Itoa(headerLimit)+" bytes")
	case errors.Is(err, fasthttp.ErrTimeout) || errors.As(err, &network) && network.Timeout():
		s.fail(ctx, api.CodeSlowRequest, "the request did not arrive within "+readTimeout.String())
	default:
		s.fail(ctx, api.CodeBadRequest, "the request cannot be read: "+err.Error())
	}
	s.requests.count(routeNone, methodNone, ctx.Response.StatusCode())
}

func lineArrived(c net.Conn) bool {
	one, ours := c.(*conns.Conn)
	return !ours || one.LineArrived()
}

// requestID names a request for people who compare logs: the start of this server,
// the connection, and the request's number on the connection.
func (s *Server) requestID(ctx *fasthttp.RequestCtx) string {
	id := strconv.AppendUint(append([]byte(s.requestPrefix), '-'), ctx.ID()>>32, 10)
	return string(strconv.AppendUint(append(id, '-'), ctx.ID()&(1<<32-1), 10))
}

func newRequestPrefix() string { return strconv.FormatUint(uint64(rand.Uint32()), 36) }
