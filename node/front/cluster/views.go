package cluster

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/screen"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// ViewNode takes views.
type ViewNode interface {
	NodeStatus
	// PutView submits an operator's view, which is canonical and valid. The backend
	// fills in its Token.
	PutView(w *waiters.Waiter, put core.PutView)
	// Ways returns a function that says what is wrong with the link to a node, in a
	// few words and in detail. Both are empty if nothing is wrong as far as the bus
	// knows.
	Ways() func(ids.Node) (why, detail string)
}

// Views serves /view and /v1/view.
type Views struct {
	answers *answer.Writer
	waiters *waiters.Table
	node    ViewNode
	puts    atomic.Int64 // views that are being put now
}

// NewViews returns the handler.
func NewViews(node ViewNode, answers *answer.Writer, waiters *waiters.Table) *Views {
	return &Views{answers: answers, waiters: waiters, node: node}
}

// Get serves GET /view.
func (h *Views) Get(ctx *fasthttp.RequestCtx, _ []byte) {
	h.answers.StampClassic(ctx)
	h.answers.JSON(ctx, api.ViewState{View: showView(h.node.Status())})
}

// Put serves PUT /view.
func (h *Views) Put(ctx *fasthttp.RequestCtx, _ []byte) {
	if answer, ok := h.putView(ctx, 0); ok {
		h.answers.StampClassic(ctx)
		h.answers.JSON(ctx, answer)
	}
}

// GetV1 serves GET /v1/view. The status is 202 while the node does not serve the
// view.
func (h *Views) GetV1(ctx *fasthttp.RequestCtx, _ []byte) {
	status := h.node.Status()
	state := api.ViewStatus{
		Ready: !status.Present || status.Member && !status.LeftBehind && status.StrongReady(),
		View:  showView(status), Number: status.View.ID.Number,
	}
	if len(status.View.Births) > 0 {
		b := status.View.Births[0]
		state.Cluster = strconv.FormatUint(b.Number, 10) + "-" + strconv.FormatUint(uint64(b.Author), 10) + "-" + strconv.FormatUint(uint64(b.Boot), 16)
	}
	h.answers.Stamp(ctx)
	if !state.Ready {
		outage := h.node.Outage()
		state.Reason = whyNotServing(&status, &outage)
		ctx.SetStatusCode(http.StatusAccepted)
	}
	h.answers.JSON(ctx, state)
}

// PutV1 serves PUT /v1/view.
func (h *Views) PutV1(ctx *fasthttp.RequestCtx, _ []byte) {
	dry, ok := h.dryRun(ctx)
	if ok && dry {
		h.checkView(ctx)
	} else if ok {
		h.putReady(ctx)
	}
}

// putReady answers 202 if the node does not serve the view in the end.
func (h *Views) putReady(ctx *fasthttp.RequestCtx) {
	timeout, refusal := screen.Timeout(ctx)
	if refusal.Refuses() {
		h.answers.Fail(ctx, refusal.Code, refusal.Detail)
		return
	}
	answer, ok := h.putView(ctx, wire.Instant(timeout))
	if !ok {
		return
	}
	if !answer.Ready {
		ctx.SetStatusCode(http.StatusAccepted)
	}
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, answer)
}

func (h *Views) dryRun(ctx *fasthttp.RequestCtx) (dry, ok bool) {
	switch value := string(ctx.QueryArgs().Peek(api.QueryDryRun)); value {
	case "true":
		return true, true
	case "", "false":
		return false, value != "" || !ctx.QueryArgs().Has(api.QueryDryRun) || h.badDryRun(ctx)
	}
	return false, h.badDryRun(ctx)
}

func (h *Views) badDryRun(ctx *fasthttp.RequestCtx) bool {
	h.answers.Fail(ctx, api.CodeBadQuery, "?"+api.QueryDryRun+"= is true or false")
	return false
}

// putView puts a view and waits until the node is ready to serve it, or the
// backend's bound runs out. limit shortens that bound unless it is zero. If putView
// returns false, it has answered the request.
func (h *Views) putView(ctx *fasthttp.RequestCtx, limit wire.Instant) (*api.ViewAnswer, bool) {
	request, w, ok := h.submitView(ctx, core.PutView{Limit: limit})
	if !ok {
		return nil, false
	}
	defer w.Free()
	status := h.node.Status()
	answer := &api.ViewAnswer{
		View:     showView(status),
		Number:   status.View.ID.Number,
		Result:   viewResult(w.Reply.Outcome, status),
		Members:  h.showMembers(&request.View, w.Reply.View),
		Warnings: warnings(w.Reply.View),
	}
	answer.Ready = answer.Result == api.ViewReady || answer.Result == api.ViewNotServed
	if answer.Result != api.ViewReady {
		outage := h.node.Outage()
		answer.Reason = whyNotServing(&status, &outage)
		if why := whyNotTaken(answer.Members, w.Reply.View); why != "" && !answer.Ready {
			answer.Reason = why
		}
	}
	return answer, true
}

// checkView answers how the members would take a view. It changes nothing.
func (h *Views) checkView(ctx *fasthttp.RequestCtx) {
	request, w, ok := h.submitView(ctx, core.PutView{Check: true})
	if !ok {
		return
	}
	defer w.Free()
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, api.ViewCheck{Members: h.showMembers(&request.View, w.Reply.View), Warnings: warnings(w.Reply.View)})
}

// submitView gives a view to the node and waits for its answer. If ok is false, it
// has answered the request.
func (h *Views) submitView(ctx *fasthttp.RequestCtx, put core.PutView) (request api.ViewRequest, w *waiters.Request, ok bool) {
	request, err := api.ParseViewRequest(ctx.PostBody())
	if err != nil {
		h.answers.Fail(ctx, api.CodeBadView, err.Error())
		return request, nil, false
	}
	if h.waiters.Refuse(ctx) {
		return request, nil, false
	}
	defer h.puts.Add(-1)
	if h.puts.Add(1) > api.MaxPuts {
		h.answers.Fail(ctx, api.CodeOverloaded, "the node is already busy with as many PUTs of views as it may: "+strconv.Itoa(api.MaxPuts))
		return request, nil, false
	}
	w = waiters.NewRequest(ctx)
	put.Layout, put.Force = toLayout(request.View), request.Force
	h.node.PutView(&w.Waiter, put)
	how := h.waiters.Await(w, 0)
	if (how != waiters.Answered || w.Reply.Outcome == core.NotInView) && h.waiters.Failed(ctx, how, &w.Reply, waiters.ViewPut) {
		w.Free()
		return request, nil, false
	}
	return request, w, true
}
