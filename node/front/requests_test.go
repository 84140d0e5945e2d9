package front

import (
	"bufio"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/route"
)

func counted(name, method string, code int) Request {
	return Request{Route: name, Method: method, Code: code}
}

func TestEveryAnswerIsCountedOnceByRouteMethodAndCode(t *testing.T) {
	n := start(t)
	want := map[Request]uint64{}
	for _, c := range []struct {
		method, path string
		kind         Request
	}{
		{"GET", "/ping", counted("ping", "GET", 200)},
		{"GET", "/view", counted("view", "GET", 200)},
		{"PUT", "/view", counted("view", "PUT", 400)},
		{"PUT", "/data/k", counted("data", "PUT", 400)},
		{"GET", "/data/k", counted("data", "GET", 404)},
		{"GET", "/data/a/b?x=/", counted("data", "GET", 400)},
		{"GET", "/data", counted("data_list", "GET", 200)},
		{"PUT", "/v1/kv/strong/k", counted("kv", "PUT", 201)},
		{"PUT", "/v1/kv/strong/k", counted("kv", "PUT", 204)},
		{"PUT", "/v1/kv/strong/k", counted("kv", "PUT", 204)},
		{"HEAD", "/v1/kv/strong/k", counted("kv", "HEAD", 200)},
		{"DELETE", "/v1/kv/strong/k", counted("kv", "DELETE", 204)},
		{"GET", "/v1/kv/weak/k", counted("kv", "GET", 404)},
		{"GET", "/v1/kv/strong", counted("kv_list", "GET", 200)},
		{"GET", "/v1/kv/strong?prefix=a/b", counted("kv_list", "GET", 200)},
		{"GET", "/v1/cluster", counted("cluster", "GET", 200)},
		{"POST", "/v1/cluster", counted("cluster", "POST", 405)},
		{"BREW", "/livez", counted("livez", "other", 405)},
		{"GET", "/readyz", counted("readyz", "GET", 200)},
		{"GET", "/metrics", counted("metrics", "GET", 404)},
		{"GET", "/v1/txn", counted("other", "GET", 501)},
		{"GET", "/dat", counted("other", "GET", 404)},
	} {
		n.ask(t, c.method, c.path, "")
		want[c.kind]++
	}
	if diff := cmp.Diff(want, maps.Collect(n.server.Requests())); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeReadCountsAsNoRoute(t *testing.T) {
	n := startLoopback(t, "strong")
	framing := "Host: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
	for _, request := range []string{
		"hello\r\n\r\n",
		"GET /data/" + strings.Repeat("x", headerLimit) + " HTTP/1.1\r\n\r\n",
		"PUT /data/k HTTP/1.1\r\n" + framing, // the body's end is not certain
	} {
		readAnswer(t, bufio.NewReader(n.raw(t, request)), "GET")
	}
	want := map[Request]uint64{counted("none", "none", 400): 1, counted("none", "none", 414): 1, counted("none", "PUT", 400): 1}
	if diff := cmp.Diff(want, maps.Collect(n.server.Requests())); diff != "" {
		t.Error(diff)
	}
}

func TestEveryCodeOfTheSurfaceHasItsCounter(t *testing.T) {
	for code, status := range api.Codes() {
		s := New(Config{Backend: newFake()})
		s.routes.Match([]byte("/v1/kv/strong/k"), false).Count(route.Put, status)
		if got := maps.Collect(s.Requests()); got[counted("kv", "PUT", status)] != 1 {
			t.Errorf("%s: %v", code, got)
		}
	}
}
