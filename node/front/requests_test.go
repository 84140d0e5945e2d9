package front

import (
	"bufio"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

func TestEveryAnswerIsCountedOnceByRouteMethodAndCode(t *testing.T) {
	n := start(t)
	want := map[Request]uint64{}
	for _, c := range []struct {
		method, path string
		counted      Request
	}{
		{"GET", "/ping", Request{"ping", "GET", 200}},
		{"GET", "/view", Request{"view", "GET", 200}},
		{"PUT", "/view", Request{"view", "PUT", 400}},
		{"PUT", "/data/k", Request{"data", "PUT", 400}},
		{"GET", "/data/k", Request{"data", "GET", 404}},
		{"GET", "/data/a/b?x=/", Request{"data", "GET", 400}},
		{"GET", "/data", Request{"data_list", "GET", 200}},
		{"PUT", "/v1/kv/strong/k", Request{"kv", "PUT", 201}},
		{"PUT", "/v1/kv/strong/k", Request{"kv", "PUT", 204}},
		{"PUT", "/v1/kv/strong/k", Request{"kv", "PUT", 204}},
		{"HEAD", "/v1/kv/strong/k", Request{"kv", "HEAD", 200}},
		{"DELETE", "/v1/kv/strong/k", Request{"kv", "DELETE", 204}},
		{"GET", "/v1/kv/weak/k", Request{"kv", "GET", 404}},
		{"GET", "/v1/kv/strong", Request{"kv_list", "GET", 200}},
		{"GET", "/v1/kv/strong?prefix=a/b", Request{"kv_list", "GET", 200}},
		{"GET", "/v1/cluster", Request{"cluster", "GET", 200}},
		{"POST", "/v1/cluster", Request{"cluster", "POST", 405}},
		{"BREW", "/livez", Request{"livez", "other", 405}},
		{"GET", "/readyz", Request{"readyz", "GET", 200}},
		{"GET", "/metrics", Request{"metrics", "GET", 404}},
		{"GET", "/v1/txn", Request{"other", "GET", 501}},
		{"GET", "/dat", Request{"other", "GET", 404}},
	} {
		n.ask(t, c.method, c.path, "")
		want[c.counted]++
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
	want := map[Request]uint64{{"none", "none", 400}: 1, {"none", "none", 414}: 1, {"none", "PUT", 400}: 1}
	if diff := cmp.Diff(want, maps.Collect(n.server.Requests())); diff != "" {
		t.Error(diff)
	}
}

func TestEveryCodeOfTheSurfaceHasItsCounter(t *testing.T) {
	for code, status := range api.Codes() {
		s := New(Config{Backend: newFake()})
		s.requests.count(routeKV, methodPut, status)
		if got := maps.Collect(s.Requests()); got[Request{"kv", "PUT", status}] != 1 {
			t.Errorf("%s: %v", code, got)
		}
	}
	s := New(Config{Backend: newFake()})
	s.requests.count(routeOther, methodOther, 418)
	if got := maps.Collect(s.Requests()); got[Request{"other", "other", 0}] != 1 {
		t.Errorf("a code of no surface: %v", got)
	}
}
