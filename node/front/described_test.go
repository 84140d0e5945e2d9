package front

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/internal/described"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/route"
	"github.com/cohortkv/cohort/node/wire"
)

// examples are paths of the patterns with parameters. A new one of these needs a path.
var examples = map[string]string{
	"/data/{key}": "/data/k", "/v1/kv/strong/{key}": "/v1/kv/strong/k", "/v1/kv/causal/{key}": "/v1/kv/causal/k", "/v1/kv/{bucket}/{key}": "/v1/kv/weak/k",
	"/v1/kv/{bucket}": "/v1/kv/weak", "/v1/nodes/{id}/forget": "/v1/nodes/2/forget", "/debug/pprof/{profile}": "/debug/pprof/heap",
}

// example is a path of an endpoint.
func example(e *route.Endpoint) string { return cmp.Or(examples[e.Pattern], e.Pattern) }

// The table of routes and api/openapi.yaml have the same methods and paths, in both
// directions. A pattern of one bucket is described with {bucket}.
func TestTheTableOfRoutesIsTheDescribedSurface(t *testing.T) {
	served, undescribed := map[[2]string]bool{}, described.Default().Operations()
	for e := range New(Config{Backend: newFake()}).routes.Endpoints() {
		path := example(e)
		if got := New(Config{Backend: newFake()}).routes.Match([]byte(path), true); got.Pattern != e.Pattern {
			t.Errorf("%s is no path of %s, but of %s: give it one in examples", path, e.Pattern, got.Pattern)
		}
		for _, op := range e.Operations {
			template, found := described.Default().Template(op.Method.String(), path)
			if !found {
				t.Errorf("%s %s is not described in api/openapi.yaml", op.Method, e.Pattern)
			}
			served[[2]string{op.Method.String(), template}] = true
		}
	}
	for _, op := range undescribed {
		if !served[op] {
			t.Errorf("api/openapi.yaml describes %s %s, which no route serves", op[0], op[1])
		}
	}
	if len(served) < 20 {
		t.Errorf("only %d operations are served", len(served))
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
	}, examplesOfAll()...)
	seen := map[string]bool{}
	for name, change := range states {
		for _, model := range []string{"strong", "causal"} {
			n := startWith(t, model)
			n.ask(t, "PUT", "/v1/kv/strong/k", "v")
			n.ask(t, "PUT", "/v1/kv/causal/k", "v\xff", "Content-Type: application/json")
			n.set(change)
			for _, path := range paths {
				if strings.HasPrefix(path, profilePath) {
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
						seen[fmt.Sprint(n.server.routes.Match([]byte(path), false).Name, method, got.status)] = true
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

func examplesOfAll() (paths []string) {
	for e := range New(Config{Backend: newFake()}).routes.Endpoints() {
		paths = append(paths, example(e))
	}
	return paths
}
