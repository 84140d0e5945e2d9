package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exchange is a request that a node must get, and its answer.
type exchange struct {
	request string // method, path with query, body
	status  int
	header  map[string]string
	body    string
}

// scripted is a node that answers requests in order.
func scripted(t *testing.T, script ...exchange) (url string) {
	t.Helper()
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
		if err != nil || len(script) == 0 || got != script[0].request {
			t.Errorf("unexpected request %q, %v; left: %v", got, err, script)
			panic(http.ErrAbortHandler)
		}
		answer := script[0]
		script = script[1:]
		w.Header().Set("Cohort-Node", "0")
		for name, value := range answer.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.status)
		io.WriteString(w, answer.body)
	}))
	t.Cleanup(func() {
		node.Close()
		if len(script) > 0 {
			t.Errorf("not asked for: %v", script)
		}
	})
	return node.URL
}

func TestKVPrintsWhatTheNodeAnswers(t *testing.T) {
	tag := map[string]string{"ETag": `"7-0000002a"`}
	tests := []struct {
		args   string
		script []exchange
		want   outcome
	}{
		{"put a/b hello", []exchange{{"PUT /v1/kv/strong/a/b hello", 201, tag, ""}}, outcome{0, "created \"7-0000002a\"\n", ""}},
		{"put a hello", []exchange{{"PUT /v1/kv/strong/a hello", 204, tag, ""}}, outcome{0, "replaced \"7-0000002a\"\n", ""}},
		{"put a", []exchange{{"PUT /v1/kv/strong/a from standard input", 201, tag, ""}}, outcome{0, "created \"7-0000002a\"\n", ""}},
		{"put a hello --new", []exchange{{"PUT /v1/kv/strong/a hello", 412, nil, `{"detail":"the key exists"}`}},
			outcome{1, "", "cohort: PUT /v1/kv/strong/a: 412 Precondition Failed: the key exists (nothing was written)\n"}},
		{"put a hello", []exchange{{"PUT /v1/kv/strong/a hello", 504, nil, `{"detail":"time is up"}`}},
			outcome{1, "", "cohort: PUT /v1/kv/strong/a: 504 Gateway Timeout: time is up (the write may have taken effect)\n"}},
		{"get a", []exchange{{"GET /v1/kv/strong/a", 200, tag, "\x00\xffraw"}}, outcome{0, "\x00\xffraw", ""}},
		{"get a", []exchange{{"GET /v1/kv/strong/a", 404, nil, "{}"}}, outcome{1, "", "cohort: a: no such key\n"}},
		{"del a", []exchange{{"DELETE /v1/kv/strong/a", 204, nil, ""}}, outcome{0, "deleted\n", ""}},
		{"ls", []exchange{
			{"GET /v1/kv/strong", 200, nil, `{"items":[{"key":"a"},{"key_b64":"/wo="}],"next":"c"}`},
			{"GET /v1/kv/strong?cursor=c", 200, nil, `{"items":[{"key":"z"}]}`},
		}, outcome{0, "a\n\"\\xff\\n\"\nz\n", ""}},
		{"ls p -l", []exchange{{"GET /v1/kv/strong?prefix=p", 200, nil,
			`{"items":[{"key":"p","etag":"\"7-0000002a\"","size":5,"content_type":"text/plain"}]}`}},
			outcome{0, "\"7-0000002a\"                5  text/plain                p\n", ""}},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv("COHORT_URL", scripted(t, test.script...))
			got := cohort(t, append([]string{"kv"}, strings.Fields(test.args)...)...)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHealthEndsWithAStatusForScripts(t *testing.T) {
	tests := []struct {
		args     string
		exchange exchange
		want     outcome
	}{
		{"health", exchange{"GET /livez", 200, nil, "{}"}, outcome{0, "ok\n", ""}},
		{"health --ready", exchange{"GET /readyz", 200, nil, "{}"}, outcome{0, "ok\n", ""}},
		{"health --ready --model strong", exchange{"GET /readyz?model=strong", 503, nil, `{"detail":"no view"}`},
			outcome{1, "", "cohort: GET /readyz?model=strong: 503 Service Unavailable: no view\n"}},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			clearEnvironment(t)
			args := append(strings.Fields(test.args), "--to", scripted(t, test.exchange))
			if diff := cmp.Diff(test.want, cohort(t, args...), cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
