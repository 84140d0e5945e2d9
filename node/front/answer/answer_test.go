package answer

import (
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
)

type node core.NodeStatus

func (n node) Status() core.NodeStatus { return core.NodeStatus(n) }

func inView() node {
	n := node{Present: true, Member: true}
	n.View.ID.Number = 9
	return n
}

func arrived(method, uri string) *fasthttp.RequestCtx {
	request := &fasthttp.Request{}
	request.Header.SetMethod(method)
	request.Header.SetRequestURI(uri)
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	return ctx
}

func TestAnErrorHasTheFormOfTheSurfaceThatWasAsked(t *testing.T) {
	w := New(3, inView(), conns.NewBudget(0))
	for uri, classic := range map[string]bool{
		"/data/k": true, "/data": true, "/data?x=1": true, "/view": true, "/ping": true, "http://host/data/k": true,
		"/v1/view": false, "/database": false, "/nothing": false, "http://host": false, "/v1/kv/strong/://data/": false, "": false,
	} {
		ctx := arrived("GET", uri)
		w.Fail(ctx, api.CodeNoSuchKey, "no such key")
		header := &ctx.Response.Header
		if got := string(header.ContentType()); (got == api.TypeJSON) != classic || (got == api.TypeProblem) == classic {
			t.Errorf("%s: Content-Type %s", uri, got)
		}
		if (len(header.Peek(api.HeaderNodeID)) > 0) != classic || (len(header.Peek(api.HeaderView)) > 0) == classic {
			t.Errorf("%s: %s", uri, header)
		}
		if body := string(ctx.Response.Body()); strings.HasPrefix(body, `{"error":"no such key"}`) != classic || ctx.Response.StatusCode() != http.StatusNotFound {
			t.Errorf("%s: %s", uri, body)
		}
	}
}

func TestOnlyA503SaysWhenToTryAgain(t *testing.T) {
	w := New(3, inView(), conns.NewBudget(0))
	for code, status := range api.Codes() {
		ctx := arrived("GET", "/v1/cluster")
		w.Fail(ctx, code, "detail")
		if again := len(ctx.Response.Header.Peek("Retry-After")) > 0; again != (status == http.StatusServiceUnavailable) || ctx.Response.StatusCode() != status {
			t.Errorf("%s: %d, Retry-After %t", code, ctx.Response.StatusCode(), again)
		}
	}
}

func TestANodeWithoutAViewNamesNone(t *testing.T) {
	ctx := arrived("GET", "/v1/cluster")
	New(3, node{}, conns.NewBudget(0)).Stamp(ctx)
	if h := &ctx.Response.Header; string(h.Peek(api.HeaderNode)) != "3" || len(h.Peek(api.HeaderView)) > 0 {
		t.Errorf("%s", h)
	}
}

func TestOnlyGETAndHEADRead(t *testing.T) {
	w := New(3, inView(), conns.NewBudget(0))
	for method, read := range map[string]bool{"GET": true, "HEAD": true, "PUT": false, "OPTIONS": false} {
		ctx := arrived(method, "/v1/cluster")
		if w.ReadOnly(ctx) != read || (string(ctx.Response.Header.Peek("Allow")) == "GET, HEAD") == read {
			t.Errorf("%s: %d %s", method, ctx.Response.StatusCode(), ctx.Response.Header.Peek("Allow"))
		}
	}
}

func TestARequestWithoutRoomIsCounted(t *testing.T) {
	w := New(3, inView(), conns.NewBudget(77))
	ctx := arrived("PUT", "/v1/kv/strong/k")
	if !w.Hold(ctx, 1<<30) { // this connection was not admitted, so it has no account
		t.Error("refused")
	}
	w.Overloaded(ctx)
	if w.Sheds() != 1 || ctx.Response.StatusCode() != http.StatusServiceUnavailable || !strings.Contains(string(ctx.Response.Body()), "77 bytes") {
		t.Errorf("%d: %d %s", w.Sheds(), ctx.Response.StatusCode(), ctx.Response.Body())
	}
}
