package front

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
)

// showCluster shows more than GET /view: whether the view is active, which members
// it waits for, and how many slots each shard owns.
func (s *Server) showCluster(ctx *fasthttp.RequestCtx) {
	if !s.readOnly(ctx) {
		return
	}
	status, outage := s.backend.Status(), s.backend.Outage()
	cluster := api.Cluster{
		Node:       uint64(s.id),
		View:       showView(status),
		Number:     status.View.ID.Number,
		Member:     status.Member,
		LeftBehind: status.LeftBehind,
		Serving:    status.StrongReady(),
		Waiting:    append([]api.Wait{}, outage.Strong...),
		Bus:        outage.Bus,
		Causal:     s.causal(&status, &outage),
		Holds:      s.backend.Holds(),
		Started:    s.started,
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
	if lag := s.lag(ctx); lag != nil {
		cluster.Log = &api.Log{Position: lag.Length, Committed: lag.Commit}
		cluster.Members = showLag(lag)
	}
	s.stamp(ctx)
	s.writeJSON(ctx, cluster)
}

// lagPatience bounds how long GET /v1/cluster waits for the node's answer, which
// normally comes at once. If the answer is late, the document leaves it out.
const lagPatience = time.Second

// lag asks how far the members are behind each other; nil if the node did not
// answer in time.
func (s *Server) lag(ctx *fasthttp.RequestCtx) *core.Lag {
	w := newWaiting(ctx)
	defer w.free()
	s.backend.Lag(&w.Waiter)
	if s.waiters.await(w, lagPatience) != answered {
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
