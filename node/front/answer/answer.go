// Package answer writes what answers have in common: errors in the form of the
// surface that the client asked, JSON documents, and the headers that say which node
// answers and in which view.
//
// The package promises that an error always has an outcome (api.OutcomeOf), and that
// a 503 tells the client when to try again. What an answer holds beyond
// conns.SmallBody counts against the budget until it has left.
//
// Any goroutine may use a Writer. A handler must answer a request once; after a
// method that answers, it returns.
package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/ids"
)

// Names of headers. Their spelling is fixed here because fasthttp would change it,
// or look each name up again.
var (
	headerNodeID = []byte(api.HeaderNodeID)
	headerNode   = []byte(api.HeaderNode)
	headerView   = []byte(api.HeaderView)
	typeJSON     = []byte(api.TypeJSON)
	typeProblem  = []byte(api.TypeProblem)
)

// Node says in which view the node is.
type Node interface {
	Status() core.NodeStatus
}

// Writer answers in the name of one node.
type Writer struct {
	node   Node
	id     []byte // of the node, as headers show it
	start  string // of request ids; differs for every start of the server
	budget *conns.Budget
	shed   atomic.Uint64 // requests refused for want of memory
}

// New returns a writer.
func New(id ids.Node, node Node, budget *conns.Budget) *Writer {
	return &Writer{
		node: node, budget: budget,
		id:    strconv.AppendUint(nil, uint64(id), 10),
		start: strconv.FormatUint(uint64(rand.Uint32()), 36),
	}
}

// Fail answers with an error, in the form of the surface that the client asked:
// classic or v1.
func (w *Writer) Fail(ctx *fasthttp.RequestCtx, code api.Code, detail string) {
	w.FailWaiting(ctx, code, detail, nil)
}

// FailWaiting is Fail for a request that has waited for members.
func (w *Writer) FailWaiting(ctx *fasthttp.RequestCtx, code api.Code, detail string, waiting []api.Wait) {
	problem := api.NewProblem(code, detail, w.requestID(ctx))
	problem.Waiting = waiting
	ctx.SetStatusCode(problem.Status)
	if problem.Status == http.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "1")
	}
	if classicPath(ctx.Request.Header.RequestURI()) {
		w.StampClassic(ctx)
		w.JSON(ctx, api.ClassicError{Error: problem.Detail})
		return
	}
	w.Stamp(ctx)
	w.JSON(ctx, problem)
	ctx.Response.Header.SetContentTypeBytes(typeProblem)
}

// requestID names a request for people who compare logs: the start of this server,
// the connection, and the request's number on the connection.
func (w *Writer) requestID(ctx *fasthttp.RequestCtx) string {
	id := strconv.AppendUint(append([]byte(w.start), '-'), ctx.ID()>>32, 10)
	return string(strconv.AppendUint(append(id, '-'), ctx.ID()&(1<<32-1), 10))
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

// Stamp sets the headers of v1 that say which node answers, and in which view.
func (w *Writer) Stamp(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical(headerNode, w.id)
	if status := w.node.Status(); status.Present {
		var number [20]byte
		ctx.Response.Header.SetCanonical(headerView, strconv.AppendUint(number[:0], status.View.ID.Number, 10))
	}
}

// StampClassic sets the header of the classic surface that says which node answers.
func (w *Writer) StampClassic(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical(headerNodeID, w.id)
}

// JSON answers with a JSON document. It is too slow for the hot path.
func (w *Writer) JSON(ctx *fasthttp.RequestCtx, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		panic("front: an answer of ours is no JSON: " + err.Error())
	}
	if w.Hold(ctx, len(body)) {
		ctx.Response.Header.SetContentTypeBytes(typeJSON)
		ctx.Response.SetBodyRaw(append(body, '\n'))
	}
}

// RefuseMethod answers 405. allow lists the methods of the path.
func (w *Writer) RefuseMethod(ctx *fasthttp.RequestCtx, allow string) {
	ctx.Response.Header.Set("Allow", allow)
	w.Fail(ctx, api.CodeMethodNotAllowed, "this path takes "+allow)
}

// ReadOnly reports whether the request is a GET or HEAD. Otherwise it has answered
// 405.
func (w *Writer) ReadOnly(ctx *fasthttp.RequestCtx) bool {
	if ctx.IsGet() || ctx.IsHead() {
		return true
	}
	w.RefuseMethod(ctx, "GET, HEAD")
	return false
}

// Hold counts n bytes against the budget until the answer has left, unless n is
// small. If it returns false, it has answered the request with 503.
func (w *Writer) Hold(ctx *fasthttp.RequestCtx, n int) bool {
	if n <= conns.SmallBody || conns.Room(ctx, n) {
		return true
	}
	w.Overloaded(ctx)
	return false
}

// Overloaded answers 503: the requests under way hold all the memory that requests
// may take.
func (w *Writer) Overloaded(ctx *fasthttp.RequestCtx) {
	conns.Settle(ctx)
	w.Shed(ctx, fmt.Sprintf("the requests under way hold the %d bytes that requests may take together", w.budget.Limit()))
}

// Shed answers 503 to a request for which there is no memory, and counts it.
func (w *Writer) Shed(ctx *fasthttp.RequestCtx, detail string) {
	w.shed.Add(1)
	w.Fail(ctx, api.CodeOverloaded, detail)
}

// Sheds is the number of requests that Shed has answered.
func (w *Writer) Sheds() uint64 { return w.shed.Load() }

// NotInView says why a node serves no view: it has none, is not in it, or was left
// behind.
func NotInView(status *core.NodeStatus) string {
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
