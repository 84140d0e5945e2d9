package front

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// forgetRoute reports whether a path is that of POST /v1/nodes/{id}/forget.
func forgetRoute(path []byte) bool {
	return hasPrefix(path, api.NodesPrefix) && bytes.HasSuffix(path, []byte(api.ForgetSuffix)) &&
		len(path) > len(api.NodesPrefix)+len(api.ForgetSuffix)
}

// forget makes the cluster forget a node that is gone for good.
func (s *Server) forget(ctx *fasthttp.RequestCtx, path []byte) {
	if !ctx.IsPost() {
		s.refuseMethod(ctx, "POST")
		return
	}
	name := string(path[len(api.NodesPrefix) : len(path)-len(api.ForgetSuffix)])
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		s.fail(ctx, api.CodeNoSuchNode, strconv.Quote(name)+" is no id of a node")
		return
	}
	if s.refuseWork(ctx) {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	s.backend.Forget(&w.Waiter, ids.Node(id))
	how := s.waiters.await(w, 0)
	if (how != answered || w.Reply.Outcome != core.Done) && s.failed(ctx, how, w.Reply, viewPut) {
		return
	}
	s.showForgotten(ctx, id, w.Reply.Forget)
}

func (s *Server) showForgotten(ctx *fasthttp.RequestCtx, id uint64, res *core.ForgetResult) {
	node := "node " + strconv.FormatUint(id, 10)
	switch res.Fate {
	case core.ForgetMember:
		s.fail(ctx, api.CodeNodeInUse, node+" is a member of the view: take it out first (cohort view remove)")
		return
	case core.ForgetHeard:
		s.fail(ctx, api.CodeNodeInUse, node+" is still heard, so its data can still be fetched. Stop the node first if it must be forgotten")
		return
	case core.ForgetUnknown:
		s.fail(ctx, api.CodeNoSuchNode, "no view that this node knows has "+node)
		return
	}
	answer := api.Forgotten{
		Node: id, Done: res.Fate == core.ForgetDone, Versions: res.Versions, Slots: res.Slots, Requests: res.Requests,
	}
	for _, p := range res.Waiting {
		answer.Waiting = append(answer.Waiting, uint64(p))
	}
	if !answer.Done {
		ctx.SetStatusCode(http.StatusAccepted)
	}
	s.stamp(ctx)
	s.writeJSON(ctx, answer)
}
