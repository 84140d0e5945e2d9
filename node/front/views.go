package front

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

func (s *Server) view(ctx *fasthttp.RequestCtx) {
	switch {
	case ctx.IsGet() || ctx.IsHead():
		ctx.Response.Header.SetCanonical(headerNodeID, s.node)
		s.writeJSON(ctx, api.ViewState{View: showView(s.backend.Status())})
	case ctx.IsPut():
		s.putView(ctx)
	default:
		s.refuseMethod(ctx, "GET, HEAD, PUT")
	}
}

// putView answers when the node is ready to serve the view, or when the backend
// says that it takes too long.
func (s *Server) putView(ctx *fasthttp.RequestCtx) {
	request, err := api.ParseViewRequest(ctx.PostBody())
	if err != nil {
		s.fail(ctx, api.CodeBadView, err.Error())
		return
	}
	if s.refuseWork(ctx) {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	s.backend.PutView(&w.Waiter, toLayout(request.View), request.Force)
	how := s.waiters.await(w, 0)
	if (how != answered || w.Reply.Outcome == wire.NotInView) && s.failed(ctx, how, w.Reply, viewPut) {
		return
	}
	status := s.backend.Status()
	answer := api.ViewAnswer{
		View:   showView(status),
		Number: status.View.ID.Number,
		Result: viewResult(w.Reply.Outcome, status),
	}
	if answer.Result != api.ViewReady {
		outage := s.backend.Outage()
		answer.Reason = whyNotServing(&status, &outage)
	}
	ctx.Response.Header.SetCanonical(headerNodeID, s.node)
	s.writeJSON(ctx, answer)
}

func viewResult(outcome wire.Outcome, status wire.NodeStatus) api.ViewResult {
	switch outcome {
	case wire.ViewServed:
		if !status.Member {
			return api.ViewNotServed
		}
		return api.ViewReady
	case wire.ViewUnready:
		return api.ViewUnready
	case wire.ViewOvertaken:
		return api.ViewOvertaken
	}
	panic("front: outcome " + strconv.Itoa(int(outcome)) + " for a view")
}

// whyNotServing is never empty.
func whyNotServing(status *wire.NodeStatus, outage *api.Outage) string {
	waits := outage.StrongText()
	switch {
	case waits != "" && (status.Reason == "" || strings.HasPrefix(status.Reason, "waiting for ")):
		return waits // it says the same, with names
	case waits != "":
		return status.Reason + ": " + waits
	case status.Reason != "":
		return status.Reason
	case status.Member && !status.LeftBehind:
		return "this node is not ready to serve its view"
	}
	return notInView(status)
}

// whyNotCausal is never empty.
func whyNotCausal(status *wire.NodeStatus) string {
	if status.Causal {
		return "this node has not brought in all slots that it owns"
	}
	return notInView(status)
}

// toLayout makes what the backend takes of a view that was read, and therefore
// is valid.
func toLayout(view api.View) wire.Layout {
	layout := wire.Layout{Flat: view.Flat}
	for _, s := range view.Shards {
		shard := wire.Shard{Name: s.Name, Members: make([]wire.Member, len(s.Members))}
		for i, m := range s.Members {
			shard.Members[i] = wire.Member{ID: wire.NodeID(m.ID), Address: m.Address, Bus: m.Bus}
		}
		layout.Shards = append(layout.Shards, shard)
	}
	return layout.Canonical()
}

// showView is the view in force in the shape in which it was put; [] without one.
func showView(status wire.NodeStatus) api.View {
	if !status.Present {
		return api.View{Flat: true}
	}
	view := api.View{Flat: status.View.Layout.Flat, Shards: []api.Shard{}}
	for i := range status.View.Layout.Shards {
		view.Shards = append(view.Shards, showShard(&status.View.Layout.Shards[i]))
	}
	return view
}

func showShard(s *wire.Shard) api.Shard {
	shard := api.Shard{Name: s.Name, Members: make([]api.Member, len(s.Members))}
	for i, m := range s.Members {
		shard.Members[i] = api.Member{ID: uint64(m.ID), Address: m.Address, Bus: m.Bus}
	}
	return shard
}
