package front

import (
	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
)

// pong is the answer to /ping. It says nothing about views.
var pong = []byte(`{"status":"ok"}` + "\n")

func (s *Server) ping(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	ctx.Response.Header.SetCanonical(headerNodeID, s.node)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	ctx.Response.SetBodyRaw(pong)
}

// live answers 200 as long as the node makes progress.
func (s *Server) live(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	if why := s.backend.Stuck(); why != "" {
		s.fail(ctx, api.CodeStuck, why)
		return
	}
	s.stamp(ctx)
	s.writeJSON(ctx, api.Health{Status: "ok"})
}

// ready says whether requests should be sent to this node (docs/operations.md §4).
// If no model is named, the node must have a view with itself in it, and a bus, but
// needs no majority.
func (s *Server) ready(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	model := string(ctx.QueryArgs().Peek(api.QueryModel))
	known := model == api.BucketStrong || model == api.BucketCausal
	if !known && ctx.QueryArgs().Has(api.QueryModel) {
		s.fail(ctx, api.CodeBadQuery, "?model= is strong or causal")
		return
	}
	if s.draining.Load() {
		s.fail(ctx, api.CodeNotReady, "the node shuts down")
		return
	}
	status, outage := s.backend.Status(), s.backend.Outage()
	if why := s.unready(model, &status, &outage); why != "" {
		problem := api.NewProblem(api.CodeNotReady, why, s.requestID(ctx))
		problem.Waiting = outage.Strong
		s.failAs(ctx, &problem)
		return
	}
	health := api.Health{Status: "ok", Model: model}
	if model == api.BucketCausal {
		health.Reason = outage.CausalText()
	}
	s.stamp(ctx)
	s.writeJSON(ctx, health)
}

// unready says why requests of a model should not be sent to this node; empty if
// they should.
func (s *Server) unready(model string, status *core.NodeStatus, outage *api.Outage) string {
	switch {
	case model == api.BucketStrong && !status.StrongReady():
		return "strong: " + whyNotServing(status, outage)
	case model == api.BucketCausal && !status.CausalReady:
		return "causal: " + whyNotCausal(status)
	case model != "":
		return ""
	case !status.Member || status.LeftBehind:
		return notInView(status)
	case outage.Bus != "":
		return "this node's bus: " + outage.Bus
	}
	return ""
}

func (s *Server) serveMetrics(ctx *fasthttp.RequestCtx) {
	switch {
	case s.metrics == nil:
		s.fail(ctx, api.CodeNoSuchPath, "this node has no metrics")
	case s.readOnly(ctx):
		s.metrics(ctx)
	}
}

// openAPI serves the description of the surface.
func (s *Server) openAPI(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	s.stamp(ctx)
	ctx.Response.Header.SetContentType("application/yaml")
	ctx.Response.SetBodyString(api.OpenAPI)
}
