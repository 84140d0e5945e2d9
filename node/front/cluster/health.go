package cluster

import (
	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
)

// HealthNode is what health checks ask of the node.
type HealthNode interface {
	NodeStatus
	// Stuck says why the node makes no progress at all; empty if it makes progress.
	Stuck() string
}

// Health serves /ping, /livez and /readyz.
type Health struct {
	answers *answer.Writer
	node    HealthNode
	drains  func() bool // the server shuts down
}

// NewHealth returns the handler. drains reports whether the server shuts down.
func NewHealth(node HealthNode, drains func() bool, answers *answer.Writer) *Health {
	return &Health{answers: answers, node: node, drains: drains}
}

var typeJSON = []byte(api.TypeJSON)

// pong is the answer to /ping. It says nothing about views.
var pong = []byte(`{"status":"ok"}` + "\n")

// Ping serves GET /ping.
func (h *Health) Ping(ctx *fasthttp.RequestCtx, _ []byte) {
	h.answers.StampClassic(ctx)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	ctx.Response.SetBodyRaw(pong)
}

// Live serves GET /livez: 200 as long as the node makes progress.
func (h *Health) Live(ctx *fasthttp.RequestCtx, _ []byte) {
	if why := h.node.Stuck(); why != "" {
		h.answers.Fail(ctx, api.CodeStuck, why)
		return
	}
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, api.Health{Status: "ok"})
}

// Ready serves GET /readyz: whether requests should be sent to this node (docs/operations.md §4).
// If no model is named, the node must have a view with itself in it, and a bus, but
// needs no majority.
func (h *Health) Ready(ctx *fasthttp.RequestCtx, _ []byte) {
	model := string(ctx.QueryArgs().Peek(api.QueryModel))
	known := model == api.BucketStrong || model == api.BucketCausal
	if !known && ctx.QueryArgs().Has(api.QueryModel) {
		h.answers.Fail(ctx, api.CodeBadQuery, "?model= is strong or causal")
		return
	}
	if h.drains() {
		h.answers.Fail(ctx, api.CodeNotReady, "the node shuts down")
		return
	}
	status, outage := h.node.Status(), h.node.Outage()
	if why := unready(model, &status, &outage); why != "" {
		h.answers.FailWaiting(ctx, api.CodeNotReady, why, outage.Strong)
		return
	}
	health := api.Health{Status: "ok", Model: model}
	if model == api.BucketCausal {
		health.Reason = outage.CausalText()
	}
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, health)
}

// unready says why requests of a model should not be sent to this node; empty if
// they should.
func unready(model string, status *core.NodeStatus, outage *api.Outage) string {
	switch {
	case model == api.BucketStrong && !status.StrongReady():
		return "strong: " + whyNotServing(status, outage)
	case model == api.BucketCausal && !status.CausalReady:
		return "causal: " + whyNotCausal(status)
	case model != "":
		return ""
	case !status.Member || status.LeftBehind:
		return answer.NotInView(status)
	case outage.Bus != "":
		return "this node's bus: " + outage.Bus
	}
	return ""
}
