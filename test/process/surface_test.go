package process

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
	"github.com/cohortkv/cohort/internal/described"
)

// reply is the answer to one request.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request unchanged, valid or not, and checks the answer against the OpenAPI
// document.
func (n nodes) ask(i int, method, path, body string, header ...string) reply {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.URL(i), strings.NewReader(body))
	n.must(err)
	req.URL.Opaque = path // the path is sent as it is
	for j := 0; j+1 < len(header); j += 2 {
		req.Header.Set(header[j], header[j+1])
	}
	res, err := http.DefaultClient.Do(req)
	n.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	n.must(err)
	got := described.Answer{Method: method, Path: path, Status: res.StatusCode, Header: res.Header, Body: text}
	if err := described.Default().Check(got); err != nil {
		n.t.Error(err)
	}
	return reply{res.StatusCode, res.Header, strings.TrimSpace(string(text))}
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var e *client.StatusError
	if !errors.As(err, &e) || e.Status != status {
		t.Errorf("got %v, want status %d", err, status)
	}
}

func TestWithoutAViewANodeAnswersPingAndRefusesData(t *testing.T) {
	n := start(t)
	for _, i := range n.All() {
		if r := n.ask(i, "GET", "/ping", ""); r.status != 200 {
			t.Errorf("node %d: ping answers %d", i, r.status)
		}
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			r := n.ask(i, method, "/data/k", `{"value":"v"}`)
			if r.status != 503 || r.header.Get("Retry-After") == "" || !isJSON(r) {
				t.Errorf("node %d: %s answers %d %q %v", i, method, r.status, r.body, r.header)
			}
		}
	}
}

func isJSON(r reply) bool {
	kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	return (kind == api.TypeJSON || kind == api.TypeProblem) && strings.HasPrefix(r.body, "{")
}

// row is one request of the classic surface, and its expected answer.
type row struct {
	name         string
	method, path string
	body         string
	status       int
	want         string // the body; "": any JSON
	takes        uint64 // how many Msg-Nums the request uses
	unnumbered   bool   // the answer has no Msg-Num
}

// rows are requests on keys of their own. Each builds on the ones before.
func rows(key string) []row {
	k := "/data/" + key
	refused := func(name, body string) row {
		return row{name: name, method: "PUT", path: k, body: body, status: 400, unnumbered: true}
	}
	return []row{
		{name: "get of an unknown key", method: "GET", path: k, status: 404},
		{name: "delete of an unknown key", method: "DELETE", path: k, status: 404, takes: 1},
		{name: "put of a new key", method: "PUT", path: k, body: `{"value":"one"}`, status: 201, takes: 1},
		{name: "get", method: "GET", path: k, status: 200, want: `{"value":"one"}`},
		{name: "put again", method: "PUT", path: k, body: ` { "value" : "é\u0000\"" , "more" : [] } `, status: 200, takes: 1},
		{name: "get what was overwritten", method: "GET", path: k, status: 200, want: `{"value":"é\u0000\""}`},
		refused("put without a body", ""),
		refused("put of no JSON", "value=one"),
		refused("put of half a JSON", `{"value":"one`),
		refused("put without a value", `{"val":"one"}`),
		refused("put of a number", `{"value":1}`),
		refused("put of null", `{"value":null}`),
		refused("put of a list", `{"value":["one"]}`),
		refused("put of a list as body", `["one"]`),
		{name: "refusals changed nothing", method: "GET", path: k, status: 200, want: `{"value":"é\u0000\""}`},
		{name: "put of an empty value", method: "PUT", path: k, body: `{"value":""}`, status: 200, takes: 1},
		{name: "get of an empty value", method: "GET", path: k, status: 200, want: `{"value":""}`},
		{name: "delete of an empty value, with a body", method: "DELETE", path: k, body: `{"value":1}`, status: 200, takes: 1},
		{name: "get of what was deleted", method: "GET", path: k, status: 404},
		{name: "delete again", method: "DELETE", path: k, status: 404, takes: 1},
		{name: "a method that no key has", method: "POST", path: k, body: `{"value":"x"}`, status: 405, unnumbered: true},
		{name: "no key", method: "PUT", path: "/data/", body: `{"value":"x"}`, status: 400, unnumbered: true},
		{name: "a key badly escaped", method: "GET", path: k + "%2", status: 400, unnumbered: true},
		{name: "a path that does not exist", method: "GET", path: "/nothing", status: 404, unnumbered: true},
	}
}

func TestEveryRowOfTheClassicSurfaceThroughEveryNode(t *testing.T) {
	n := startServing(t)
	next := uint64(1)
	for _, i := range n.All() {
		for _, row := range rows(fmt.Sprintf("node%d/%%00%%ff%%20key", i)) {
			r := n.ask(i, row.method, row.path, row.body)
			what := fmt.Sprintf("%s through node %d", row.name, i)
			if r.status != row.status || !isJSON(r) || row.want != "" && r.body != row.want {
				t.Fatalf("%s: %d %q %v", what, r.status, r.body, r.header)
			}
			number := strconv.FormatUint(next, 10)
			next += row.takes
			if row.unnumbered {
				number = ""
			}
			if got := r.header.Get(api.HeaderMsgNum); got != number {
				t.Errorf("%s: Msg-Num %q, want %q", what, got, number)
			}
			if got := r.header.Get(api.HeaderNodeID); got != strconv.Itoa(i) && !row.unnumbered {
				t.Errorf("%s: Node-Id %q", what, got)
			}
			if allow := r.header.Get("Allow"); row.status == 405 && allow == "" {
				t.Errorf("%s: no Allow", what)
			}
		}
	}
}

func TestBothSurfacesShowTheSameKeysThroughEveryNode(t *testing.T) {
	n := startServing(t)
	for _, i := range n.All() {
		key, ctx := fmt.Sprintf("key/%d\x00\xff ?#", i), t.Context()
		made, err := n.Client(i).Put(ctx, api.BucketStrong, key, []byte("v\xff"), client.Options{ContentType: "x/y", CreateOnly: true})
		if err != nil || made.Status != 201 {
			t.Fatalf("create through node %d: %+v, %v", i, made, err)
		}
		for _, other := range n.All() {
			_, err := n.Client(other).Put(ctx, api.BucketStrong, key, nil, client.Options{CreateOnly: true})
			wantStatus(t, err, 412)
			v1, err := n.Client(other).Get(ctx, api.BucketStrong, key, client.Options{})
			if err != nil || string(v1.Value) != "v\xff" || v1.ContentType != "x/y" || v1.Version != made.Version {
				t.Errorf("v1 through node %d: %+v, %v", other, v1, err)
			}
			classic, err := n.Client(other).GetData(ctx, key)
			if err != nil || string(classic.Value) != "v\ufffd" || !classic.Lossy || classic.MsgNum != v1.MsgNum {
				t.Errorf("classic through node %d: %+v, %v", other, classic, err)
			}
		}
		changed, err := n.Client((i+1)%3).Put(ctx, api.BucketStrong, key, []byte("w"), client.Options{IfMatch: new(made.Version.ETag())})
		if err != nil || changed.Status != 204 {
			t.Errorf("compare and set: %+v, %v", changed, err)
		}
		_, err = n.Client(i).Put(ctx, api.BucketStrong, key, nil, client.Options{IfMatch: new(made.Version.ETag())})
		wantStatus(t, err, 412)
	}
}

func TestHugeInputIsTakenOrRefusedClearlyThroughEveryNode(t *testing.T) {
	n := startServing(t)
	largest := strings.Repeat("v", api.MaxValue)
	longest := strings.Repeat("k", api.MaxKey)
	for _, i := range n.All() {
		key := strconv.Itoa(i) + longest[1:]
		for _, c := range []struct {
			name, path, body string
			status           int
		}{
			{"the largest value under the longest key", "/data/" + key, largest, 201},
			{"a value too large", "/data/big", largest + "v", 413},
			{"a body too large", "/data/big", strings.Repeat(" ", api.MaxBody) + "v", 413},
			{"a key too long", "/data/k" + longest, "v", 414},
		} {
			if r := n.ask(i, "PUT", c.path, `{"value":"`+c.body+`"}`); r.status != c.status || !isJSON(r) {
				t.Errorf("%s through node %d: %d %.200q", c.name, i, r.status, r.body)
			}
		}
		if r := n.ask(i, "GET", "/data/k", "", "X-Much", strings.Repeat("x", 64<<10)); r.status != 431 || !isJSON(r) {
			t.Errorf("headers too large through node %d: %d %.200q", i, r.status, r.body)
		}
	}
	for _, i := range n.All() { // the whole store is larger than one message of the bus
		all, next, err := n.Client(i).AllData(t.Context())
		if err != nil || len(all) != 3 || next != 4 {
			t.Fatalf("all data through node %d: %d keys, next %d, %v", i, len(all), next, err)
		}
		for key, value := range all {
			if value != largest {
				t.Errorf("node %d: %.10s… has %d bytes", i, key, len(value))
			}
		}
	}
}
