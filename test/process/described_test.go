package process

import "testing"

// This test sends good and bad requests to every path of a real node, before a view and
// after one. ask checks each answer against api/openapi.yaml.
func TestEveryAnswerOfARealNodeIsDescribed(t *testing.T) {
	n := start(t)
	seen := map[string]map[int]bool{}
	run := func() {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/ping", ""}, {"GET", "/view", ""}, {"GET", "/livez", ""}, {"GET", "/readyz", ""},
			{"GET", "/readyz?model=strong", ""}, {"GET", "/readyz?model=causal", ""}, {"GET", "/readyz?model=x", ""},
			{"GET", "/metrics", ""}, {"GET", "/openapi.yaml", ""}, {"GET", "/v1/cluster", ""}, {"GET", "/v1/ring?key=k", ""}, {"GET", "/v1/ring", ""},
			{"PUT", "/view", "{"}, {"POST", "/view", ""}, {"POST", "/v1/txn", ""}, {"GET", "/nothing", ""},
			{"PUT", "/data/k", `{"value":"v"}`}, {"PUT", "/data/k", `{"value":1}`}, {"GET", "/data/k", ""}, {"GET", "/data", ""}, {"HEAD", "/data/k", ""},
			{"DELETE", "/data/k", ""}, {"DELETE", "/data/k", ""}, {"GET", "/data/k", ""}, {"PUT", "/data/k?x=y", `{"value":"v"}`},
			{"PUT", "/v1/kv/strong/a/b", "v"}, {"PUT", "/v1/kv/strong/a/b", "v"}, {"GET", "/v1/kv/strong/a/b", ""}, {"HEAD", "/v1/kv/strong/a/b", ""},
			{"GET", "/v1/kv/strong?limit=1", ""}, {"GET", "/v1/kv/strong?limit=0", ""}, {"DELETE", "/v1/kv/strong/a/b", ""}, {"GET", "/v1/kv/strong/a/b", ""},
			{"PUT", "/v1/kv/causal/c", "v"}, {"GET", "/v1/kv/causal/c", ""}, {"GET", "/v1/kv/causal", ""}, {"DELETE", "/v1/kv/causal/c", ""}, {"GET", "/v1/kv/causal/c", ""},
			{"POST", "/v1/kv/strong/_batch", ""}, {"GET", "/v1/kv/weak/k", ""}, {"PATCH", "/v1/kv/strong/k", ""},
		} {
			for _, header := range [][]string{nil, {"If-Match", ""}, {"If-Match", `"9-00000abc"`}, {"If-None-Match", "*"}, {"Accept", "application/json"}, {"Origin", "http://evil.example"}} {
				r := n.ask(0, c.method, c.path, c.body, header...)
				if seen[c.path] == nil {
					seen[c.path] = map[int]bool{}
				}
				seen[c.path][r.status] = true
			}
		}
	}
	run()
	n.putView(0)
	run()
	for path, want := range map[string][]int{
		"/data/k": {200, 201, 400, 403, 404, 503}, "/v1/kv/strong/a/b": {200, 201, 204, 304, 400, 403, 404, 412, 503},
		"/readyz": {200, 503}, "/metrics": {200}, "/v1/kv/causal/c": {200, 201, 204, 304, 400, 404},
	} {
		for _, status := range want {
			if !seen[path][status] {
				t.Errorf("the run has no %d of %s", status, path)
			}
		}
	}
}
