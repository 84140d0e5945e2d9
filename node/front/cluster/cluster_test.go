package cluster

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node answers every request at once.
type node struct {
	status core.NodeStatus
	outage api.Outage
	stuck  string
	reply  core.Reply
	put    core.PutView
	forgot ids.Node
}

func (n *node) Status() core.NodeStatus      { return n.status }
func (n *node) Outage() api.Outage           { return n.outage }
func (n *node) Stuck() string                { return n.stuck }
func (n *node) Holds() api.Holds             { return api.Holds{Keys: 7} }
func (n *node) Abandon(*waiters.Waiter) bool { return false }
func (n *node) Ways() func(ids.Node) (string, string) {
	return func(ids.Node) (string, string) { return "", "" }
}
func (n *node) Lag(w *waiters.Waiter) { n.answer(w) }
func (n *node) PutView(w *waiters.Waiter, put core.PutView) {
	n.put = put
	n.answer(w)
}
func (n *node) Forget(w *waiters.Waiter, id ids.Node) {
	n.forgot = id
	n.answer(w)
}
func (n *node) answer(w *waiters.Waiter) {
	w.Reply = n.reply
	w.Done <- struct{}{}
}

func serving() *node {
	n := &node{status: core.NodeStatus{Present: true, Member: true, Serving: true, Primary: 3}}
	n.status.View.ID.Number = 9
	n.status.View.Layout = wire.Layout{Shards: []wire.Shard{
		{Name: "a", Members: []wire.Member{{ID: 3, Address: "a:1"}}}, {Name: "b", Members: []wire.Member{{ID: 4, Address: "b:1"}}},
	}}
	return n
}

// handlers are all handlers of a node.
type handlers struct {
	views  *Views
	state  *State
	ring   *Ring
	health *Health
	nodes  *Nodes
}

func of(t *testing.T, n *node) handlers {
	answers := answer.New(3, n, conns.NewBudget(1<<20))
	table := waiters.New(n, answers)
	t.Cleanup(table.Close)
	ring := NewRing(hashing.Standard, n, answers)
	return handlers{NewViews(n, answers, table), NewState(3, n, ring, answers, table), ring, NewHealth(n, table.Drains, answers), NewNodes(n, answers, table)}
}

// ask calls a handler, and reads its answer into a document.
func ask(t *testing.T, handle func(*fasthttp.RequestCtx, []byte), uri, tail, body string, document any) int {
	t.Helper()
	request := &fasthttp.Request{}
	request.SetRequestURI(uri)
	request.SetBodyString(body)
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	handle(ctx, []byte(tail))
	if err := json.Unmarshal(ctx.Response.Body(), document); err != nil {
		t.Fatalf("%s: %v: %s", uri, err, ctx.Response.Body())
	}
	return ctx.Response.StatusCode()
}

func TestTheRingOfAViewIsMadeOnce(t *testing.T) {
	n := serving()
	h := of(t, n).ring
	first := h.ringOf(&n.status)
	if h.ringOf(&n.status) != first {
		t.Error("made again for the same view")
	}
	n.status.View.ID.Number++
	if h.ringOf(&n.status) == first {
		t.Error("kept for another view")
	}
	owners := map[string]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		var place api.Place
		if status := ask(t, h.Get, "/v1/ring?key="+key, "", "", &place); status != http.StatusOK || place.Shard == nil || len(place.Members) != 1 || place.Number != 10 {
			t.Fatalf("%d %+v", status, place)
		}
		owners[*place.Shard] = true
	}
	if len(owners) != 2 {
		t.Errorf("eight keys are in %v", owners)
	}
}

func TestReadinessIsOfTheModelThatIsAsked(t *testing.T) {
	n := serving()
	h := of(t, n).health
	for _, c := range []struct {
		change              func(*node)
		any, strong, causal int // of /readyz, and of ?model=strong and ?model=causal
	}{
		{func(*node) {}, 200, 200, 503},
		{func(n *node) { n.status.Causal, n.status.CausalReady = true, true }, 200, 200, 200},
		{func(n *node) { n.status.Serving = false }, 200, 503, 200},
		{func(n *node) { n.outage.Bus = "down" }, 503, 503, 200},
		{func(n *node) { n.status.LeftBehind = true }, 503, 503, 200},
	} {
		c.change(n)
		for uri, want := range map[string]int{"/readyz": c.any, "/readyz?model=strong": c.strong, "/readyz?model=causal": c.causal, "/readyz?model=x": 400} {
			var answer struct{ Reason, Detail string }
			if got := ask(t, h.Ready, uri, "", "", &answer); got != want || want == 503 && answer.Detail == "" {
				t.Errorf("%s: %d %+v, want %d", uri, got, answer, want)
			}
		}
	}
	var answer any
	n.stuck = "the core does not answer"
	if got := ask(t, h.Live, "/livez", "", "", &answer); got != http.StatusServiceUnavailable {
		t.Errorf("a stuck node: %d", got)
	}
	if got := ask(t, h.Ping, "/ping", "", "", &answer); got != http.StatusOK {
		t.Errorf("a ping of it: %d", got)
	}
}

func TestAViewIsPutInItsCanonicalForm(t *testing.T) {
	n := serving()
	n.reply.Outcome = core.ViewServed
	h := of(t, n).views
	var answer api.ViewAnswer
	const request = `{"view":{"y":[{"id":2,"address":"h:2"}],"x":[{"id":1,"address":"h:1"}]},"force":true}`
	if status := ask(t, h.Put, "/view", "", request, &answer); status != http.StatusOK || !answer.Ready || answer.Number != 9 {
		t.Errorf("%d %+v", status, answer)
	}
	if shards := n.put.Layout.Shards; len(shards) != 2 || shards[0].Name != "x" || !n.put.Force || n.put.Check || n.put.Limit != 0 {
		t.Errorf("%+v", n.put)
	}
	ask(t, h.PutV1, "/v1/view?timeout=2s", "", request, &answer)
	if n.put.Limit != 2*wire.Second {
		t.Errorf("the bound is %d", n.put.Limit)
	}
	ask(t, h.PutV1, "/v1/view?dry-run=true", "", request, &answer)
	if !n.put.Check {
		t.Error("a dry run is no check")
	}
	if h.puts.Load() != 0 {
		t.Errorf("%d are being put", h.puts.Load())
	}
}

func TestTheStateOfTheClusterHasWhatTheNodeSays(t *testing.T) {
	n := serving()
	n.reply.Lag = &core.Lag{Length: 5, Commit: 4, Members: []core.MemberLag{{Node: 4}}}
	var state api.Cluster
	status := ask(t, of(t, n).state.Get, "/v1/cluster", "", "", &state)
	if status != http.StatusOK || state.Node != 3 || state.Number != 9 || state.Holds.Keys != 7 || state.Log == nil || state.Log.Committed != 4 || len(state.Members) != 1 || len(state.Causal.Shards) != 2 {
		t.Errorf("%d %+v", status, state)
	}
}

func TestANodeIsForgottenByItsId(t *testing.T) {
	n := serving()
	n.reply = core.Reply{Outcome: core.Done, Forget: &core.ForgetResult{Fate: core.ForgetDone}}
	h := of(t, n).nodes
	var answer struct{ Detail string }
	if status := ask(t, h.Forget, "/v1/nodes/12/forget", "12", "", &answer); status != http.StatusOK || n.forgot != 12 {
		t.Errorf("%d, node %d", status, n.forgot)
	}
	if status := ask(t, h.Forget, "/v1/nodes/x/forget", "x", "", &answer); status != http.StatusNotFound || !strings.Contains(answer.Detail, `"x"`) {
		t.Errorf("%d %+v", status, answer)
	}
}
