package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

// node gives prepared answers and records the requests.
type node struct {
	*Client
	status int
	header map[string]string
	body   string
	asked  *http.Request
	sent   string
}

func newNode(t *testing.T) *node {
	n := &node{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n.asked, n.sent = r, string(body)
		for name, value := range n.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(n.status)
		_, _ = io.WriteString(w, n.body)
	}))
	t.Cleanup(server.Close)
	var err error
	if n.Client, err = New(server.URL, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Client.Close)
	return n
}

func (n *node) will(status int, body string, header map[string]string) {
	n.status, n.body, n.header = status, body, header
}

func TestClassicKeyOperationsSpeakTheSurface(t *testing.T) {
	n := newNode(t)
	headers := map[string]string{"Msg-Num": "7", "Node-Id": "2", "Content-Type": "application/json"}
	n.will(201, `{"result":"created"}`, headers)
	put, err := n.PutData(t.Context(), "a/b?", "x\"ü")
	if err != nil || put.Status != 201 || put.MsgNum != 7 || put.Node != 2 || !put.Found() {
		t.Errorf("put: %+v %v", put, err)
	}
	if n.asked.Method != "PUT" || n.asked.RequestURI != "/data/a/b%3F" || n.sent != `{"value":"x\"ü"}` {
		t.Errorf("put sent %s %s %s", n.asked.Method, n.asked.RequestURI, n.sent)
	}
	n.will(200, `{"value":"x\ny"}`, headers)
	got, err := n.GetData(t.Context(), "k")
	if err != nil || string(got.Value) != "x\ny" || got.MsgNum != 7 {
		t.Errorf("get: %+v %v", got, err)
	}
	n.will(404, `{"error":"no such key"}`, headers)
	for name, do := range map[string]func(context.Context, string) (*Answer, error){"get": n.GetData, "delete": n.DeleteData} {
		if got, err := do(t.Context(), "k"); err != nil || got.Found() || got.MsgNum != 7 {
			t.Errorf("%s of an absent key: %+v %v", name, got, err)
		}
	}
	n.will(200, `{"a":"b"}`, headers)
	data, next, err := n.AllData(t.Context())
	if diff := cmp.Diff(map[string]string{"a": "b"}, data); diff != "" || err != nil || next != 7 {
		t.Errorf("all: %d %v %s", next, err, diff)
	}
}

func TestV1KeyOperationsSpeakTheSurface(t *testing.T) {
	n := newNode(t)
	version := api.Version{MsgNum: 6, Fingerprint: 1}
	headers := map[string]string{"Msg-Num": "7", "Cohort-Node": "2", "ETag": version.ETag(), "Content-Type": "image/x"}
	n.will(204, "", headers)
	put, err := n.Put(t.Context(), "strong", "k", nil, Options{IfMatch: new(`"1-00000000"`), Timeout: 1500 * time.Millisecond})
	if err != nil || put.Version != version {
		t.Errorf("put: %+v %v", put, err)
	}
	if n.asked.RequestURI != "/v1/kv/strong/k?timeout=1.5s" || n.asked.Header.Get("If-Match") != `"1-00000000"` ||
		n.asked.Header.Get("Content-Type") != api.TypeBytes {
		t.Errorf("put sent %s %v", n.asked.RequestURI, n.asked.Header)
	}
	n.will(200, "a\x00b", headers)
	got, err := n.Get(t.Context(), "strong", "k", Options{IfNoneMatch: "*"})
	want := &Answer{Status: 200, MsgNum: 7, Node: 2, Version: version, ETag: version.ETag(), Value: []byte("a\x00b"), ContentType: "image/x", Size: 3}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("get: %v %s", err, diff)
	}
	n.will(304, "", headers)
	if got, err := n.Head(t.Context(), "strong", "k", Options{}); err != nil || got.Status != 304 || n.asked.Method != "HEAD" {
		t.Errorf("head: %+v %v", got, err)
	}
	n.will(412, `{"detail":"no","code":"precondition-failed","status":412}`, headers)
	got, err = n.Put(t.Context(), "strong", "k", []byte("x"), Options{CreateOnly: true})
	var status *StatusError
	if !errors.As(err, &status) || status.Problem.Code != api.CodePreconditionFailed || got.Version != version {
		t.Errorf("put on a condition: %+v %v", got, err)
	}
	if OutcomeOf(api.Put, err) != api.NotApplied || n.asked.Header.Get("If-None-Match") != "*" {
		t.Errorf("outcome %s, headers %v", OutcomeOf(api.Put, err), n.asked.Header)
	}
}

func TestViewsAndDocuments(t *testing.T) {
	n := newNode(t)
	view := api.View{Flat: true, Shards: []api.Shard{{Members: []api.Member{{ID: 1, Address: "a:1"}}}}}
	n.will(200, `{"result":"ready","view":[{"id":1,"address":"a:1"}],"number":4}`, nil)
	answer, err := n.PutView(t.Context(), api.ViewRequest{View: view, Force: true})
	if diff := cmp.Diff(api.ViewAnswer{Result: api.ViewReady, View: view, Number: 4}, answer); diff != "" || err != nil {
		t.Errorf("put view: %v %s", err, diff)
	}
	if n.sent != `{"view":[{"id":1,"address":"a:1"}],"force":true}` {
		t.Errorf("put view sent %s", n.sent)
	}
	if got, err := n.View(t.Context()); !cmp.Equal(got, view) || err != nil {
		t.Errorf("view: %v %v", got, err)
	}
	n.will(200, `{"items":[{"key":"a"},{"key_b64":"/w=="}],"next":"c"}`, nil)
	list, err := n.List(t.Context(), "strong", "p&", 3, "x")
	if err != nil || len(list.Items) != 2 || list.Items[1].Name() != "\xff" || n.asked.RequestURI != "/v1/kv/strong?cursor=x&limit=3&prefix=p%26" {
		t.Errorf("list: %+v %v %s", list, err, n.asked.RequestURI)
	}
	n.will(200, "metric 1\n", nil)
	var metrics bytes.Buffer
	if err := n.Metrics(t.Context(), &metrics); err != nil || metrics.String() != "metric 1\n" {
		t.Errorf("metrics: %q %v", metrics.String(), err)
	}
}

func TestErrorsOfBothSurfacesSayWhatTheNodeSaid(t *testing.T) {
	n := newNode(t)
	for body, want := range map[string]string{
		`{"error":"no view"}`:                       "no view",
		`{"detail":"no view","code":"not-in-view"}`: "no view",
		`<html>bad gateway`:                         "<html>bad gateway",
		``:                                          "503",
	} {
		n.will(503, body, nil)
		_, err := n.GetData(t.Context(), "k")
		var status *StatusError
		if !errors.As(err, &status) || status.Status != 503 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
		if err := n.Ready(t.Context(), "strong"); !errors.As(err, &status) || n.asked.RequestURI != "/readyz?model=strong" {
			t.Errorf("ready: %v", err)
		}
	}
}

func TestAnAnswerThatNamesNoNodeIsNotCohorts(t *testing.T) {
	n := newNode(t)
	n.will(200, `{"value":"x"}`, nil)
	if _, err := n.GetData(t.Context(), "k"); err == nil {
		t.Error("taken")
	}
}

// readRequest accepts a connection and reads from it.
func readRequest(ln net.Listener) net.Conn {
	conn, err := ln.Accept()
	if err == nil {
		_, err = conn.Read(make([]byte, 4096))
	}
	if err != nil {
		panic(err)
	}
	return conn
}

func TestWhatIsKnownOfARequestThatGotNoAnswer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(ln.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { // reads two requests and does not answer
		defer close(served)
		first := readRequest(ln)
		cancel()
		_ = readRequest(ln).Close()
		_ = first.Close()
		_ = ln.Close()
	}()
	if _, err := c.PutData(ctx, "k", "v"); !errors.Is(err, context.Canceled) || OutcomeOf(api.Put, err) != api.Unknown {
		t.Errorf("given up: %v", err)
	}
	if _, err := c.PutData(t.Context(), "k", "v"); err == nil || OutcomeOf(api.Put, err) != api.Unknown {
		t.Errorf("cut off: %v", err)
	}
	<-served
	if _, err := c.PutData(t.Context(), "k", "v"); err == nil || OutcomeOf(api.Put, err) != api.NotApplied {
		t.Errorf("refused: %v", err)
	}
	if OutcomeOf(api.Put, nil) != api.Applied {
		t.Error("an answer is no answer")
	}
}

func TestAddressesOfNodes(t *testing.T) {
	for base, want := range map[string]string{
		"127.0.0.1:8081":         "http://127.0.0.1:8081",
		"http://node:8081/":      "http://node:8081",
		"https://proxy/cohort/1": "https://proxy/cohort/1",
		"":                       "",
		"ftp://node":             "",
		"http://":                "",
		"http://node?x":          "",
		"http://no de":           "",
	} {
		c, err := New(base, nil)
		if (err == nil) != (want != "") || err == nil && c.Base() != want {
			t.Errorf("%q: %v %v", base, c, err)
		}
	}
}

func TestClassicCausalOperationsSpeakTheSurface(t *testing.T) {
	n := newNode(t)
	headers := map[string]string{"Node-Id": "2"}
	n.will(200, `{"causal-metadata":{"session":"a"}}`, headers)
	a, err := n.PutCausal(t.Context(), "k", "v", nil)
	if err != nil || string(a.Metadata) != `{"session":"a"}` || n.sent != `{"value":"v"}` {
		t.Errorf("put: %+v, %v; sent %s", a, err, n.sent)
	}
	n.will(200, `{"value":"","causal-metadata":{"session":"b"}}`, headers)
	a, err = n.GetCausal(t.Context(), "k", a.Metadata)
	if err != nil || a.Value == nil || string(a.Metadata) != `{"session":"b"}` || n.sent != `{"causal-metadata":{"session":"a"}}` {
		t.Errorf("get: %+v, %v; sent %s", a, err, n.sent)
	}
	n.will(404, `{"error":"no such key","causal-metadata":{"session":"c"}}`, headers)
	a, err = n.GetCausal(t.Context(), "k", a.Metadata)
	if err != nil || a.Found() || a.Value != nil || string(a.Metadata) != `{"session":"c"}` {
		t.Errorf("get: %+v, %v", a, err)
	}
	n.will(200, `{"items":{"k":"v"},"causal-metadata":{}}`, headers)
	all, a, err := n.AllCausal(t.Context(), nil)
	if err != nil || all["k"] != "v" || string(a.Metadata) != `{}` || n.sent != `{}` {
		t.Errorf("all: %v, %+v, %v", all, a, err)
	}
	n.will(404, `{"causal-metadata":{}}`, headers)
	if _, err := n.DeleteCausal(t.Context(), "k", nil); err == nil {
		t.Error("a delete that is answered with 404 is none of a causal bucket")
	}
}

func TestSessionsGoBothWays(t *testing.T) {
	n := newNode(t)
	n.will(204, "", map[string]string{"Cohort-Node": "1", "Cohort-Session": "after", "ETag": `"1.2.3-00000000"`})
	a, err := n.Put(t.Context(), "causal", "k", nil, Options{Session: "before"})
	if err != nil || a.Session != "after" || a.ETag != `"1.2.3-00000000"` || n.asked.Header.Get("Cohort-Session") != "before" {
		t.Errorf("%+v, %v; sent %v", a, err, n.asked.Header)
	}
	n.will(200, `{"items":[{"key":"k"}],"next":"n"}`, map[string]string{"Cohort-Node": "1", "Cohort-Session": "later"})
	page, session, err := n.ListSession(t.Context(), "p", 2, "", Options{Session: "after", Timeout: time.Second})
	if err != nil || session != "later" || page.Next != "n" || n.asked.Header.Get("Cohort-Session") != "after" ||
		n.asked.URL.RawQuery != "limit=2&prefix=p&timeout=1s" {
		t.Errorf("%+v, %q, %v", page, session, err)
	}
}

func TestAnETagThatWasNeverSetIsNotSent(t *testing.T) {
	n := newNode(t)
	n.will(204, "", nil)
	for _, tag := range []string{"", " "} {
		_, err := n.Put(t.Context(), "strong", "k", []byte("v"), Options{IfMatch: &tag})
		if err == nil || OutcomeOf(api.Put, err) != api.NotApplied {
			t.Errorf("put under %q: %v", tag, err)
		}
		if _, err := n.Delete(t.Context(), "strong", "k", Options{IfMatch: &tag}); err == nil || OutcomeOf(api.Delete, err) != api.NotApplied {
			t.Errorf("delete under %q: %v", tag, err)
		}
	}
}
