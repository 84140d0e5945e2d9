// Package cluster answers what operators and load balancers ask of a node: views, the
// state of the cluster, the place of a key, health, and what becomes of a node that is
// gone.
//
// Each route is one file with one handler type. Each handler says in an interface what
// it asks of the node. Any goroutine may call the handlers.
package cluster

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
)

// NodeStatus describes the node.
type NodeStatus interface {
	// Status describes the node: its view, its readiness and its part in each
	// model.
	Status() core.NodeStatus
	// Outage names the members that requests wait for now, and why. It is too slow
	// for the hot path.
	Outage() api.Outage
}

// StateNode is what /v1/cluster asks of the node.
type StateNode interface {
	NodeStatus
	// Lag asks how far the members are behind each other. The answer is the
	// waiter's Reply.
	Lag(w *waiters.Waiter)
	// Holds is how much the node has in memory: keys, and bytes.
	Holds() api.Holds
}

// State serves /v1/cluster.
type State struct {
	id      ids.Node
	answers *answer.Writer
	waiters *waiters.Table
	node    StateNode
	ring    *Ring
	started string // RFC 3339
}

// NewState returns the handler. Its answers say that the node was started now.
func NewState(id ids.Node, node StateNode, ring *Ring, answers *answer.Writer, waiters *waiters.Table) *State {
	return &State{id: id, answers: answers, waiters: waiters, node: node, ring: ring, started: time.Now().UTC().Format(time.RFC3339)}
}

// Get serves GET /v1/cluster. It shows more than GET /view: whether the view is active,
// which members it waits for, and how many slots each shard owns.
func (h *State) Get(ctx *fasthttp.RequestCtx, _ []byte) {
	status, outage := h.node.Status(), h.node.Outage()
	cluster := api.Cluster{
		Node:       uint64(h.id),
		View:       showView(status),
		Number:     status.View.ID.Number,
		Member:     status.Member,
		LeftBehind: status.LeftBehind,
		Serving:    status.StrongReady(),
		Waiting:    append([]api.Wait{}, outage.Strong...),
		Bus:        outage.Bus,
		Causal:     h.ring.causal(&status, &outage),
		Holds:      h.node.Holds(),
		Started:    h.started,
	}
	if status.Member {
		primary := uint64(status.Primary)
		cluster.Primary = &primary
	}
	if !status.Ballot.IsZero() {
		cluster.Ballot = &api.Ballot{View: status.Ballot.View.Number, Round: status.Ballot.Round}
	}
	if !status.StrongReady() {
		cluster.Reason = whyNotServing(&status, &outage)
	}
	if lag := h.lag(ctx); lag != nil {
		cluster.Log = &api.Log{Position: lag.Length, Committed: lag.Commit}
		cluster.Members = showLag(lag)
	}
	h.answers.Stamp(ctx)
	h.answers.JSON(ctx, cluster)
}

// lagPatience bounds how long GET /v1/cluster waits for the node's answer, which
// normally comes at once. If the answer is late, the document leaves it out.
const lagPatience = time.Second

// lag asks how far the members are behind each other; nil if the node did not
// answer in time.
func (h *State) lag(ctx *fasthttp.RequestCtx) *core.Lag {
	w := waiters.NewRequest(ctx)
	defer w.Free()
	h.node.Lag(&w.Waiter)
	if h.waiters.Await(w, lagPatience) != waiters.Answered {
		return nil
	}
	return w.Reply.Lag
}

func showLag(lag *core.Lag) []api.MemberLag {
	list := make([]api.MemberLag, len(lag.Members))
	for i := range lag.Members {
		m := &lag.Members[i]
		list[i].ID = uint64(m.Node)
		if m.Greeted {
			silent := time.Duration(m.Silent).Seconds()
			list[i].Silent = &silent
		}
		if m.Logged {
			list[i].Log = &m.Log
		}
		if m.Replica {
			list[i].Causal = &api.CausalLag{Missing: m.Missing, Unacknowledged: m.Unacked}
		}
	}
	return list
}
