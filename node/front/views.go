package front

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// view serves the classic /view.
func (s *Server) view(ctx *fasthttp.RequestCtx) {
	switch {
	case ctx.IsGet() || ctx.IsHead():
		ctx.Response.Header.SetCanonical(headerNodeID, s.node)
		s.writeJSON(ctx, api.ViewState{View: showView(s.backend.Status())})
	case ctx.IsPut():
		if answer, ok := s.putView(ctx, 0); ok {
			ctx.Response.Header.SetCanonical(headerNodeID, s.node)
			s.writeJSON(ctx, answer)
		}
	default:
		s.refuseMethod(ctx, "GET, HEAD, PUT")
	}
}

// v1View answers GET /v1/view. Its status is 202 while the node does not serve the
// view.
func (s *Server) v1View(ctx *fasthttp.RequestCtx) {
	switch {
	case ctx.IsGet() || ctx.IsHead():
		s.showV1View(ctx)
	case !ctx.IsPut():
		s.refuseMethod(ctx, "GET, HEAD, PUT")
	default:
		dry, ok := s.dryRun(ctx)
		if ok && dry {
			s.checkView(ctx)
		} else if ok {
			s.putV1View(ctx)
		}
	}
}

func (s *Server) showV1View(ctx *fasthttp.RequestCtx) {
	status := s.backend.Status()
	state := api.ViewStatus{
		Ready: !status.Present || status.Member && !status.LeftBehind && status.StrongReady(),
		View:  showView(status), Number: status.View.ID.Number,
	}
	if len(status.View.Births) > 0 {
		b := status.View.Births[0]
		state.Cluster = strconv.FormatUint(b.Number, 10) + "-" + strconv.FormatUint(uint64(b.Author), 10) + "-" + strconv.FormatUint(uint64(b.Boot), 16)
	}
	s.stamp(ctx)
	if !state.Ready {
		outage := s.backend.Outage()
		state.Reason = whyNotServing(&status, &outage)
		ctx.SetStatusCode(http.StatusAccepted)
	}
	s.writeJSON(ctx, state)
}

func (s *Server) putV1View(ctx *fasthttp.RequestCtx) {
	timeout, ok := s.timeout(ctx)
	if !ok {
		return
	}
	answer, ok := s.putView(ctx, wire.Instant(timeout))
	if !ok {
		return
	}
	if !answer.Ready {
		ctx.SetStatusCode(http.StatusAccepted)
	}
	s.stamp(ctx)
	s.writeJSON(ctx, answer)
}

func (s *Server) dryRun(ctx *fasthttp.RequestCtx) (dry, ok bool) {
	switch value := string(ctx.QueryArgs().Peek(api.QueryDryRun)); value {
	case "true":
		return true, true
	case "", "false":
		return false, value != "" || !ctx.QueryArgs().Has(api.QueryDryRun) || s.badDryRun(ctx)
	}
	return false, s.badDryRun(ctx)
}

func (s *Server) badDryRun(ctx *fasthttp.RequestCtx) bool {
	s.fail(ctx, api.CodeBadQuery, "?"+api.QueryDryRun+"= is true or false")
	return false
}

// putView puts a view and waits until the node is ready to serve it, or the
// backend's bound runs out. limit shortens that bound unless it is zero. If putView
// returns false, it has answered the request.
func (s *Server) putView(ctx *fasthttp.RequestCtx, limit wire.Instant) (*api.ViewAnswer, bool) {
	request, w, ok := s.submitView(ctx, core.PutView{Limit: limit})
	if !ok {
		return nil, false
	}
	defer w.free()
	status := s.backend.Status()
	answer := &api.ViewAnswer{
		View:     showView(status),
		Number:   status.View.ID.Number,
		Result:   viewResult(w.Reply.Outcome, status),
		Members:  s.showMembers(&request.View, w.Reply.View),
		Warnings: warnings(w.Reply.View),
	}
	answer.Ready = answer.Result == api.ViewReady || answer.Result == api.ViewNotServed
	if answer.Result != api.ViewReady {
		outage := s.backend.Outage()
		answer.Reason = whyNotServing(&status, &outage)
		if why := whyNotTaken(answer.Members, w.Reply.View); why != "" && !answer.Ready {
			answer.Reason = why
		}
	}
	return answer, true
}

// checkView answers how the members would take a view. It changes nothing.
func (s *Server) checkView(ctx *fasthttp.RequestCtx) {
	request, w, ok := s.submitView(ctx, core.PutView{Check: true})
	if !ok {
		return
	}
	defer w.free()
	s.stamp(ctx)
	s.writeJSON(ctx, api.ViewCheck{Members: s.showMembers(&request.View, w.Reply.View), Warnings: warnings(w.Reply.View)})
}

// submitView gives a view to the node and waits for its answer. If ok is false, it
// has answered the request.
func (s *Server) submitView(ctx *fasthttp.RequestCtx, put core.PutView) (request api.ViewRequest, w *waiting, ok bool) {
	request, err := api.ParseViewRequest(ctx.PostBody())
	if err != nil {
		s.fail(ctx, api.CodeBadView, err.Error())
		return request, nil, false
	}
	if s.refuseWork(ctx) {
		return request, nil, false
	}
	defer s.puts.Add(-1)
	if s.puts.Add(1) > api.MaxPuts {
		s.fail(ctx, api.CodeOverloaded, "the node is already busy with as many PUTs of views as it may: "+strconv.Itoa(api.MaxPuts))
		return request, nil, false
	}
	w = newWaiting(ctx)
	put.Layout, put.Force = toLayout(request.View), request.Force
	s.backend.PutView(&w.Waiter, put)
	how := s.waiters.await(w, 0)
	if (how != answered || w.Reply.Outcome == core.NotInView) && s.failed(ctx, how, w.Reply, viewPut) {
		w.free()
		return request, nil, false
	}
	return request, w, true
}

// showMembers lists how each member takes a view, in the order of ids.
func (s *Server) showMembers(view *api.View, report *core.ViewReport) []api.ViewMember {
	if report == nil {
		return []api.ViewMember{}
	}
	addresses := map[uint64]string{}
	for _, shard := range view.Shards {
		for _, m := range shard.Members {
			addresses[m.ID] = m.Address
		}
	}
	ways := s.backend.Ways()
	members := make([]api.ViewMember, len(report.Members))
	for i := range report.Members {
		r := &report.Members[i]
		m := &members[i]
		m.ID, m.Address = uint64(r.Node), addresses[uint64(r.Node)]
		m.State, m.Reason = showStand(r, ways)
	}
	return members
}

func showStand(r *core.MemberReport, ways func(ids.Node) (why, detail string)) (api.MemberState, string) {
	id := strconv.FormatUint(uint64(r.Node), 10)
	switch r.Stand {
	case core.MemberFollows:
		return api.MemberFollows, ""
	case core.MemberForeign:
		return api.MemberForeign, "node " + id + " belongs to another cluster, where it holds view " +
			strconv.FormatUint(r.Held.Number, 10) + "; put this view to it as well to take it in, or right the address"
	case core.MemberAnswered:
		if r.Held.IsZero() {
			return api.MemberAnswered, "it holds no view yet"
		}
		return api.MemberAnswered, "it holds view " + strconv.FormatUint(r.Held.Number, 10) + " still"
	}
	why, detail := ways(r.Node)
	switch {
	case why == "":
		return api.MemberUnreached, "nothing was heard of it"
	case detail == "":
		return api.MemberUnreached, why
	}
	return api.MemberUnreached, why + ": " + detail
}

// whyNotTaken names the members that have not taken the view; empty if all have.
func whyNotTaken(members []api.ViewMember, report *core.ViewReport) string {
	if report != nil && report.Twin {
		return "this node's id belongs to another process: node " + strconv.FormatUint(uint64(report.TwinAt), 10) +
			" hears it at the address that the view gives it. Stop one of the two"
	}
	lacks := func(state api.MemberState, tell func(m *api.ViewMember) string) string {
		if i := slices.IndexFunc(members, func(m api.ViewMember) bool { return m.State == state }); i >= 0 {
			return tell(&members[i])
		}
		return ""
	}
	if why := lacks(api.MemberForeign, func(m *api.ViewMember) string { return m.Reason }); why != "" {
		return why
	}
	return lacks(api.MemberUnreached, func(m *api.ViewMember) string {
		return "node " + strconv.FormatUint(m.ID, 10) + " at " + m.Address + " was not reached: " + m.Reason
	})
}

// warnings lists what an operator should know about a view: the data that is lost
// by it.
func warnings(report *core.ViewReport) (list []string) {
	if report == nil || report.Loss == nil {
		return nil
	}
	text := "no member of this list has any data"
	if number := report.Loss.View.Number; number > 0 {
		text = "no member of this list has the data that was held in view " + strconv.FormatUint(number, 10)
	}
	for i, id := range report.Loss.Expected {
		text += []string{"; started with --expect-data: node ", ", node "}[min(i, 1)] + strconv.FormatUint(uint64(id), 10)
	}
	return []string{text + ". What no other node holds is lost. Nodes that keep their state in memory lose it when they restart: put the view after each restart, before the next"}
}

func viewResult(outcome core.Outcome, status core.NodeStatus) api.ViewResult {
	switch outcome {
	case core.ViewServed:
		if !status.Member {
			return api.ViewNotServed
		}
		return api.ViewReady
	case core.ViewUnready:
		return api.ViewUnready
	case core.ViewOvertaken:
		return api.ViewOvertaken
	}
	panic("front: outcome " + strconv.Itoa(int(outcome)) + " for a view")
}

// whyNotServing says why the node does not serve strong requests. It is never
// empty.
func whyNotServing(status *core.NodeStatus, outage *api.Outage) string {
	waits := outage.StrongText()
	switch {
	case waits != "" && (status.Reason == "" || strings.HasPrefix(status.Reason, "waiting for ")):
		return waits // it says the same, with the members' names
	case waits != "":
		return status.Reason + ": " + waits
	case status.Reason != "":
		return status.Reason
	case status.Member && !status.LeftBehind:
		return "this node is not ready to serve its view"
	}
	return notInView(status)
}

// whyNotCausal says why the node does not serve causal requests. It is never empty.
func whyNotCausal(status *core.NodeStatus) string {
	if status.Causal {
		return "this node has not brought in all slots that it owns"
	}
	return notInView(status)
}

// toLayout converts a view to the backend's form. The view was read from JSON, so
// it is valid.
func toLayout(view api.View) wire.Layout {
	layout := wire.Layout{Flat: view.Flat}
	for _, s := range view.Shards {
		shard := wire.Shard{Name: s.Name, Members: make([]wire.Member, len(s.Members))}
		for i, m := range s.Members {
			shard.Members[i] = wire.Member{ID: ids.Node(m.ID), Address: m.Address, Bus: m.Bus}
		}
		layout.Shards = append(layout.Shards, shard)
	}
	return layout.Canonical()
}

// showView is the view in force, in the form in which it was put; [] if there is
// none.
func showView(status core.NodeStatus) api.View {
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
