package cluster

import (
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
)

// ForgetNode is what forgetting asks of the node.
type ForgetNode interface {
	// Forget submits an operator's statement that a node is gone for good.
	Forget(w *waiters.Waiter, id ids.Node)
}

// Nodes serves /v1/nodes/{id}/forget.
type Nodes struct {
	answers *answer.Writer
	waiters *waiters.Table
	node    ForgetNode
}

// NewNodes returns the handler.
func NewNodes(node ForgetNode, answers *answer.Writer, waiters *waiters.Table) *Nodes {
	return &Nodes{answers: answers, waiters: waiters, node: node}
}

// Forget serves POST /v1/nodes/{id}/forget. It makes the cluster forget a node that is gone for good.
func (h *Nodes) Forget(ctx *fasthttp.RequestCtx, raw []byte) {
	name := string(raw)
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		h.answers.Fail(ctx, api.CodeNoSuchNode, strconv.Quote(name)+" is no id of a node")
		return
	}
	if h.waiters.Refuse(ctx) {
		return
	}
	w := waiters.NewRequest(ctx)
	defer w.Free()
	h.node.Forget(&w.Waiter, ids.Node(id))
	how := h.waiters.Await(w, 0)
	if (how != waiters.Answered || w.Reply.Outcome != core.Done) && h.waiters.Failed(ctx, how, &w.Reply, waiters.ViewPut) {
		return
	}
	h.showForgotten(ctx, id, w.Reply.Forget)
}

func (h *Nodes) showForgotten(ctx *fasthttp.RequestCtx, id uint64, res *core.ForgetResult) {
	node := "node " + strconv.FormatUint(id, 10)
	switch res.Fate {
	case core.ForgetMember:
		h.answers.Fail(ctx, api.CodeNodeInUse, node+" is a member of the view: take it out first (cohort view remove)")
		return
	case core.ForgetHeard:
		h.answers.Fail(ctx, api.CodeNodeInUse, node+" is still heard, so its data can still be fetched. Stop the node first if it must be forgotten")
		return
	case core.ForgetUnknown:
		h.answers.Fail(ctx, api.CodeNoSuchNode, "no view that this node knows has "+node)
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
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, answer)
}
