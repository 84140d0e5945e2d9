package front

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/internal/described"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// pathsOf has a path for every route. A new route needs one, and a description in
// api/openapi.yaml.
var pathsOf = [len(routeNames)]string{
	routePing: "/ping", routeView: "/view", routeV1View: "/v1/view", routeData: "/data/k", routeDataList: "/data", routeKV: "/v1/kv/strong/k",
	routeKVList: "/v1/kv/strong", routeCluster: "/v1/cluster", routeRing: "/v1/ring", routeOpenAPI: "/openapi.yaml",
	routeLive: "/livez", routeReady: "/readyz", routeMetrics: "/metrics", routeProfile: "/debug/pprof/heap",
	routeForget: "/v1/nodes/2/forget",
}

func TestEveryRouteIsDescribed(t *testing.T) {
	for r, path := range pathsOf {
		switch to := route(r); {
		case to == routeNone || to == routeOther:
		case path == "":
			t.Errorf("the route %s has no path in pathsOf: give it one, and a description in api/openapi.yaml", routeNames[r])
		case to != routeProfile && routeOf([]byte(path)) != to:
			t.Errorf("%s is not of the route %s", path, routeNames[r])
		case !described.Default().Has(path):
			t.Errorf("%s, of the route %s, is not described in api/openapi.yaml", path, routeNames[r])
		}
	}
}

// A run over every route, with valid and invalid requests, in both models and in
// many states. ask compares each answer with the description.
func TestEveryAnswerOfARunIsDescribed(t *testing.T) {
	states := map[string]func(*fake){
		"serving":     func(*fake) {},
		"no view":     func(f *fake) { f.status, f.outcome = core.NodeStatus{}, core.NotInView },
		"left behind": func(f *fake) { f.status.LeftBehind, f.outcome = true, core.NotInView },
		"unready":     func(f *fake) { f.status.Serving, f.status.CausalReady = false, false },
		"unknown":     func(f *fake) { f.result = wire.Unknown },
		"stuck":       func(f *fake) { f.stuck = "the core does not answer" },
	}
	headers := []string{"", "If-Match: ", "If-None-Match: *", `If-Match: "9-00000abc"`, `If-None-Match: "x"`, "Accept: application/json",
		"Accept: text/event-stream", "Expect: x", "Idempotency-Key: 1", "Range: bytes=0-1", "Origin: null", "Cohort-Session: x", "X-Causal-Metadata: x",
		"Content-Type: text/" + strings.Repeat("x", 300), "Content-Encoding: gzip"}
	paths := append([]string{"/nothing", "/", "/v1/txn", "/v1/kv/weak/k", "/v1/kv/weak", "/v1/kv/causal/k", "/v1/kv/causal", "/v1/kv/strong/",
		"/v1/kv/strong/_batch", "/v1/ring?key=k", "/readyz?model=strong", "/readyz?model=causal", "/readyz?model=x",
		"/v1/kv/strong?limit=0", "/v1/kv/strong/k?timeout=1", "/v1/kv/strong/k?ttl=1s", "/data/k?x=y", "/v1/kv/strong/" + strings.Repeat("k", api.MaxKey+1),
	}, pathsOf[:]...)
	seen := map[string]bool{}
	for name, change := range states {
		for _, model := range []string{"strong", "causal"} {
			n := startWith(t, model)
			n.ask(t, "PUT", "/v1/kv/strong/k", "v")
			n.ask(t, "PUT", "/v1/kv/causal/k", "v\xff", "Content-Type: application/json")
			n.set(change)
			for _, path := range paths {
				if path == "" || strings.HasPrefix(path, profilePath) {
					continue
				}
				for _, method := range []string{"PUT", "GET", "HEAD", "DELETE", "POST"} {
					for _, header := range headers {
						if header != "" && name != "serving" {
							continue
						}
						body := ""
						if method == "PUT" {
							body = `{"value":"v","view":[]}`
						}
						got := n.ask(t, method, path, body, header)
						seen[fmt.Sprint(routeOf([]byte(path)), method, got.status)] = true
					}
				}
			}
			if t.Failed() {
				t.Fatalf("in the state %q, model %s", name, model)
			}
		}
	}
	t.Logf("%d kinds of answers", len(seen))
}

func TestEveryTooLargeValueIsToldTheSameLimit(t *testing.T) {
	n := start(t)
	for _, path := range []string{"/v1/kv/strong/k", "/data/k", "/view"} {
		for _, size := range []int{api.MaxValue + 1, api.MaxBody + 1} {
			body := strings.Repeat("x", size)
			if path == "/data/k" && size < api.MaxBody {
				body = `{"value":"` + body + `"}`
			}
			got := n.ask(t, http.MethodPut, path, body)
			if path == "/view" {
				continue
			}
			if got.status != 413 || !strings.Contains(got.body, "a value has at most 524288 bytes") {
				t.Errorf("%s, %d bytes: %d %s", path, size, got.status, got.body)
			}
		}
	}
}
