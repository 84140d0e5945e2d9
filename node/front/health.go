package front

import (
	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
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

// live answers as long as the process does.
func (s *Server) live(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	s.stamp(ctx)
	s.writeJSON(ctx, api.Health{Status: "ok"})
}

// ready says whether requests should be sent here. Without a model that needs no
// view, let alone a majority: a fresh node must be reachable to be given one.
func (s *Server) ready(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	model := string(ctx.QueryArgs().Peek(api.QueryModel))
	switch model {
	case "", api.BucketStrong, api.BucketCausal:
	default:
		s.fail(ctx, api.CodeBadQuery, "?model= is strong or causal")
		return
	}
	if s.draining.Load() {
		s.fail(ctx, api.CodeNotReady, "the node shuts down")
		return
	}
	switch status := s.backend.Status(); {
	case model == api.BucketStrong && !status.Serving:
		s.fail(ctx, api.CodeNotReady, "strong: "+whyNotServing(status))
		return
	case model == api.BucketCausal && !status.CausalReady:
		s.fail(ctx, api.CodeNotReady, "causal: "+whyNotCausal(status))
		return
	}
	s.stamp(ctx)
	s.writeJSON(ctx, api.Health{Status: "ok", Model: model})
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
