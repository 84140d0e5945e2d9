package keys

import (
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/front/dump"
	"github.com/cohortkv/cohort/node/front/session"
	"github.com/cohortkv/cohort/node/front/waiters"
	"github.com/cohortkv/cohort/node/wire"
)

// node answers every request at once, and has one key.
type node struct {
	replies []core.Reply // the next answers; none: core.Done
	ops     []wire.Op    // what was submitted
	context wire.Context // of the last causal request
	held    int64        // bytes
	record  wire.Record
}

func (n *node) answer(w *waiters.Waiter) {
	w.Reply = core.Reply{Outcome: core.Done}
	if len(n.replies) > 0 {
		w.Reply, n.replies = n.replies[0], n.replies[1:]
	}
	w.Done <- struct{}{}
}
func (n *node) Write(w *waiters.Waiter, op wire.Op) { n.ops = append(n.ops, op); n.answer(w) }
func (n *node) Read(w *waiters.Waiter)              { n.answer(w) }
func (n *node) CausalWrite(w *waiters.Waiter, op wire.Op, c wire.Context) {
	n.context = c
	n.Write(w, op)
}
func (n *node) CausalRead(w *waiters.Waiter, _ string, c wire.Context) {
	n.context = c
	n.answer(w)
}
func (n *node) CausalList(w *waiters.Waiter, _ wire.Context) { n.answer(w) }
func (n *node) Abandon(*waiters.Waiter) bool                 { return false }
func (n *node) Status() core.NodeStatus                      { return core.NodeStatus{} }
func (n *node) Outage() api.Outage                           { return api.Outage{} }
func (n *node) State() State                                 { return n }
func (n *node) Get(key string) (wire.Record, bool, uint64)   { return n.record, n.record.Key == key, 5 }
func (n *node) Bytes() int64                                 { return n.held }
func (n *node) Growth(_ bool, key string, value int) int64   { return int64(len(key) + value) }
func (n *node) Snapshot() Snapshot                           { return n }
func (n *node) Next() uint64                                 { return 5 }
func (n *node) Len() int                                     { return 1 }
func (n *node) Pinned() int64                                { return 0 }
func (n *node) From(*string) iter.Seq[wire.Record] {
	return func(yield func(wire.Record) bool) { yield(n.record) }
}

var sessions = session.New("c", nil)

func of(t *testing.T, n *node) Handlers {
	answers := answer.New(3, n, conns.NewBudget(1<<20))
	table := waiters.New(n, answers)
	t.Cleanup(table.Close)
	return New(Config{
		ID: 3, Node: n, Answers: answers, Waiters: table, Sessions: sessions, Dumps: dump.New(1, 1<<20, answers),
		ValueBytes: 100, StoreBytes: 1000, Patience: time.Minute,
	})
}

// ask calls a handler. Headers are "Name: value".
func ask(handle func(*fasthttp.RequestCtx, []byte), method, uri, tail, body string, headers ...string) *fasthttp.RequestCtx {
	request := &fasthttp.Request{}
	request.Header.SetMethod(method)
	request.SetRequestURI(uri)
	request.SetBodyString(body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	handle(ctx, []byte(tail))
	return ctx
}

func done(status wire.Status, version uint64) core.Reply {
	return core.Reply{Outcome: core.Done, Result: wire.Result{Status: status, MsgNum: version, Version: wire.Version{MsgNum: version, Fingerprint: 0xabc}}}
}

func TestBothSurfacesSubmitTheSameWrite(t *testing.T) {
	n := &node{replies: []core.Reply{done(wire.Created, 7), done(wire.Created, 7)}}
	h := of(t, n)
	classic := ask(h.StrongData.Put, "PUT", "/data/a%20b", "a%20b", `{"value":"v"}`)
	v1 := ask(h.StrongKV.Put, "PUT", "/v1/kv/strong/a%20b", "a%20b", "v", "Content-Type: "+api.TypeText)
	if classic.Response.StatusCode() != http.StatusCreated || v1.Response.StatusCode() != http.StatusCreated || len(n.ops) != 2 {
		t.Fatalf("%d %d, %d were submitted", classic.Response.StatusCode(), v1.Response.StatusCode(), len(n.ops))
	}
	for _, op := range n.ops {
		if op.Kind != wire.OpPut || op.Key != "a b" || string(op.Value) != "v" || op.ContentType != api.TypeText {
			t.Errorf("%+v", op)
		}
	}
	if !strings.Contains(v1.Response.Header.String(), `ETag: "7-00000abc"`) || string(classic.Response.Header.Peek(api.HeaderMsgNum)) != "7" {
		t.Errorf("%s, Msg-Num %s", v1.Response.Header.String(), classic.Response.Header.Peek(api.HeaderMsgNum))
	}
}

// A write compares with one version at a time. A client that lists three sees the write
// applied if the key has any of them.
func TestAWriteThatListsVersionsTriesThoseThatItMeets(t *testing.T) {
	n := &node{replies: []core.Reply{done(wire.PreconditionFailed, 3), done(wire.PreconditionFailed, 2), done(wire.Replaced, 9)}}
	ctx := ask(of(t, n).StrongKV.Put, "PUT", "/v1/kv/strong/k", "k", "v", `If-Match: "1-00000abc", "2-00000abc", "3-00000abc"`)
	var tried []uint64
	for _, op := range n.ops {
		tried = append(tried, op.Match.MsgNum)
	}
	if ctx.Response.StatusCode() != http.StatusNoContent || len(tried) != 3 || tried[0] != 1 || tried[1] != 3 || tried[2] != 2 {
		t.Errorf("%d, tried %v", ctx.Response.StatusCode(), tried)
	}
	n = &node{replies: []core.Reply{done(wire.PreconditionFailed, 4), done(wire.Replaced, 9)}}
	ctx = ask(of(t, n).StrongKV.Put, "PUT", "/v1/kv/strong/k", "k", "v", `If-Match: "1-00000abc", "2-00000abc"`)
	if ctx.Response.StatusCode() != http.StatusPreconditionFailed || len(n.ops) != 1 {
		t.Errorf("a version that it does not list: %d, %d tries", ctx.Response.StatusCode(), len(n.ops))
	}
}

func TestAFullStoreTakesNoPutAndEveryDeletion(t *testing.T) {
	n := &node{held: 990, replies: []core.Reply{done(wire.Deleted, 8)}}
	h := of(t, n)
	for _, put := range []*fasthttp.RequestCtx{
		ask(h.StrongKV.Put, "PUT", "/v1/kv/strong/k", "k", "0123456789"),
		ask(h.CausalKV.Put, "PUT", "/v1/kv/causal/k", "k", "0123456789"),
		ask(h.StrongData.Put, "PUT", "/data/k", "k", `{"value":"0123456789"}`),
		ask(h.CausalData.Put, "PUT", "/data/k", "k", `{"value":"0123456789"}`),
	} {
		if put.Response.StatusCode() != http.StatusInsufficientStorage || len(n.ops) != 0 {
			t.Errorf("%d %s", put.Response.StatusCode(), put.Response.Body())
		}
	}
	if got := ask(h.StrongKV.Delete, "DELETE", "/v1/kv/strong/k", "k", ""); got.Response.StatusCode() != http.StatusNoContent || len(n.ops) != 1 {
		t.Errorf("a deletion: %d %s", got.Response.StatusCode(), got.Response.Body())
	}
}

func TestASessionComesByHeaderQueryOrBody(t *testing.T) {
	c := wire.Context{Exact: []wire.Dependency{{Hash: 7, Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}}}}
	text := string(sessions.Append(nil, c))
	n := &node{}
	h := of(t, n)
	read := core.Reply{Outcome: core.Done, Causal: &core.CausalResult{}}
	for name, request := range map[string]func(){
		"header": func() { ask(h.CausalKV.Get, "GET", "/v1/kv/causal/k", "k", "", api.HeaderSession+": "+text) },
		"query":  func() { ask(h.CausalKV.Get, "GET", "/v1/kv/causal/k?session="+text, "k", "") },
		"body":   func() { ask(h.CausalData.Get, "GET", "/data/k", "k", `{"causal-metadata":{"session":"`+text+`"}}`) },
	} {
		n.context, n.replies = wire.Context{}, []core.Reply{read}
		if request(); len(n.context.Exact) != 1 {
			t.Errorf("%s: %+v", name, n.context)
		}
	}
	if got := ask(h.CausalKV.Get, "GET", "/v1/kv/causal/k", "k", "", api.HeaderSession+": x"); got.Response.StatusCode() != http.StatusBadRequest {
		t.Errorf("a session that is none: %d", got.Response.StatusCode())
	}
}

func TestABucketThatDoesNotExistIsNotFound(t *testing.T) {
	if got := ask(of(t, &node{}).NoBucket.Refuse, "PUT", "/v1/kv/weak/k", "weak/k", ""); got.Response.StatusCode() != http.StatusNotFound {
		t.Errorf("%d", got.Response.StatusCode())
	}
}

// A value of up to shareLimit shares its allocation with its key, and a large one is
// kept where the body was read to.
func TestAPutOwnsItsKeyAndItsValue(t *testing.T) {
	for size, own := range map[int]bool{1: true, shareLimit: true, shareLimit + 1: true, conns.SmallBody: true, conns.SmallBody + 1: false} {
		raw, value := []byte("key"), []byte(strings.Repeat("x", size))
		var op wire.Op
		if err := newPut(&op, raw, value, ""); err != nil {
			t.Fatal(err)
		}
		raw[0], value[0] = 'K', 'X'
		if op.Key != "key" || (op.Value[0] == 'x') != own || len(op.Value) != size {
			t.Errorf("%d bytes: key %q, value %.3q", size, op.Key, op.Value)
		}
	}
}
