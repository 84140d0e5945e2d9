package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
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

// bounded adds the timeout that every command gives the node to paths of keys. It is shorter than
// the timeout of the command, so that the node can answer why it waits.
func bounded(text string) string {
	return regexp.MustCompile(`/v1/kv/[^ :]+`).ReplaceAllStringFunc(text, func(path string) string {
		if strings.Contains(path, "?") {
			return path + "&timeout=9s"
		}
		return path + "?timeout=9s"
	})
}

func TestKVPrintsTheAnswerOfTheNode(t *testing.T) {
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
			outcome{exitPrecondition, "", "cohort: PUT /v1/kv/strong/a: 412 Precondition Failed: the key exists (nothing was written)\n"}},
		{"put a hello", []exchange{{"PUT /v1/kv/strong/a hello", 504, nil, `{"detail":"time is up"}`}},
			outcome{exitUnknown, "", "cohort: PUT /v1/kv/strong/a: 504 Gateway Timeout: time is up (the write may have taken effect)\n"}},
		{"get a", []exchange{{"GET /v1/kv/strong/a", 200, tag, "\x00\xffraw"}}, outcome{0, "\x00\xffraw", ""}},
		{"get a", []exchange{{"GET /v1/kv/strong/a", 404, nil, "{}"}}, outcome{exitMissing, "", "cohort: a: no such key\n"}},
		{"get a", []exchange{{"GET /v1/kv/strong/a", 503, nil, `{"detail":"no view"}`}},
			outcome{exitRefused, "", "cohort: GET /v1/kv/strong/a: 503 Service Unavailable: no view\n"}},
		{"put a v", []exchange{{"PUT /v1/kv/strong/a v", 400, nil, `{"detail":"no"}`}},
			outcome{exitRefused, "", "cohort: PUT /v1/kv/strong/a: 400 Bad Request: no (nothing was written)\n"}},
		{"del a", []exchange{{"DELETE /v1/kv/strong/a", 204, map[string]string{"Cohort-Deleted": "true"}, ""}}, outcome{0, "deleted\n", ""}},
		{"del a", []exchange{{"DELETE /v1/kv/strong/a", 204, map[string]string{"Cohort-Deleted": "false"}, ""}}, outcome{0, "there was no such key\n", ""}},
		{"put \xff\xfe \x00\xff", []exchange{{"PUT /v1/kv/strong/%FF%FE \x00\xff", 201, tag, ""}}, outcome{0, "created \"7-0000002a\"\n", ""}},
		{"ls \xff", []exchange{{"GET /v1/kv/strong?prefix=%FF", 200, nil, `{"items":[]}`}}, outcome{0, "", ""}},
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
			for i := range test.script {
				test.script[i].request = bounded(test.script[i].request)
			}
			test.want.err = bounded(test.want.err)
			t.Setenv("COHORT_URL", scripted(t, test.script...))
			got := cohort(t, append([]string{"kv"}, strings.Fields(test.args)...)...)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestContradictingFlagsAreRefused(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("COHORT_URL", scripted(t))
	for _, args := range [][]string{
		{"kv", "put", "a", "v", "--if-match", ""},
		{"kv", "del", "a", "--if-match="},
		{"kv", "put", "a", "v", "--type", "text/\xff"},
		{"view", "set", "\xff/0=127.0.0.1:8081"},
	} {
		if got := cohort(t, args...); got.status != exitUsage {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestANodeThatIsNotThereHasAStatusOfItsOwn(t *testing.T) {
	clearEnvironment(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, args := range []string{"get a", "put a v", "del a", "ls"} {
		got := cohort(t, strings.Fields("kv "+args+" --to "+gone.URL)...)
		if got.status != exitUnreachable {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestASessionFileIsUsedByTheNextCommand(t *testing.T) {
	clearEnvironment(t)
	file := filepath.Join(t.TempDir(), "session")
	t.Setenv("COHORT_SESSION", file)
	t.Setenv("COHORT_BUCKET", "causal")
	answer := func(session string) map[string]string {
		return map[string]string{"ETag": `"1.0.1-00000000"`, "Cohort-Session": session}
	}
	for _, step := range []struct {
		args     string
		exchange exchange
		want     outcome
		kept     string
	}{
		{"put a v", exchange{"PUT /v1/kv/causal/a?timeout=9s v", 201, answer("one"), ""}, outcome{0, "created \"1.0.1-00000000\"\n", ""}, "one"},
		{"get b", exchange{"GET /v1/kv/causal/b?timeout=9s", 404, answer("two"), ""}, outcome{exitMissing, "", "cohort: b: no such key\n"}, "two"},
		{"put a v", exchange{"PUT /v1/kv/causal/a?timeout=9s v", 504, nil, "{}"},
			outcome{exitUnknown, "", "cohort: PUT /v1/kv/causal/a?timeout=9s: 504 Gateway Timeout (the write may have taken effect)\n"}, "two"},
		{"del a", exchange{"DELETE /v1/kv/causal/a?timeout=9s", 204, answer("three"), ""}, outcome{0, "deleted\n", ""}, "three"},
		{"ls", exchange{"GET /v1/kv/causal?timeout=9s", 200, answer("four"), `{"shard":"s","items":[{"key":"a"}]}`},
			outcome{0, "a\n", "(keys of shard s, which this node belongs to)\n"}, "four"},
	} {
		t.Setenv("COHORT_URL", scripted(t, step.exchange))
		got := cohort(t, append([]string{"kv"}, strings.Fields(step.args)...)...)
		if diff := cmp.Diff(step.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s: %s", step.args, diff)
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != step.kept+"\n" {
			t.Errorf("%s: the file has %q, %v", step.args, kept, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing", "session")
	for _, args := range [][]string{{"--bucket", "strong"}, {"--session", missing}} {
		got := cohort(t, append([]string{"kv", "put", "a", "v"}, args...)...)
		if got.status != 1 || !strings.HasSuffix(got.err, "(nothing was written)\n") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if got := cohort(t, "kv", "get", "a", "--bucket", "strong"); got.status != 1 || !strings.Contains(got.err, "--bucket causal") {
		t.Errorf("%+v", got)
	}
}

// TestCommandsOfOneSessionWaitForOneAnother runs ten commands at once. Each must have seen the
// writes of the commands before.
func TestCommandsOfOneSessionWaitForOneAnother(t *testing.T) {
	clearEnvironment(t)
	var answered atomic.Int64
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := answered.Load()
		if got := r.Header.Get("Cohort-Session"); got != strconv.FormatInt(seen, 10) && (got != "" || seen != 0) {
			t.Errorf("a command had seen %q when %d was answered", got, seen)
		}
		w.Header().Set("Cohort-Node", "0")
		w.Header().Set("Cohort-Session", strconv.FormatInt(seen+1, 10))
		if !answered.CompareAndSwap(seen, seen+1) {
			t.Error("two commands at once")
		}
	}))
	defer node.Close()
	file := filepath.Join(t.TempDir(), "session")
	var commands sync.WaitGroup
	for range 10 {
		commands.Go(func() {
			if got := cohort(t, "kv", "get", "a", "--bucket", "causal", "--session", file, "--to", node.URL); got.status != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
	commands.Wait()
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "10\n" {
		t.Errorf("the file has %q, %v", kept, err)
	}
	before := flock.New(file + ".lock")
	if err := before.Lock(); err != nil {
		t.Fatal(err)
	}
	defer before.Unlock()
	got := cohort(t, "kv", "put", "a", "v", "--bucket", "causal", "--session", file, "--to", node.URL, "--timeout", "50ms")
	if got.status != 1 || !strings.Contains(got.err, "another command") || !strings.HasSuffix(got.err, "(nothing was written)\n") {
		t.Errorf("%+v", got)
	}
}

// unchecked makes invalid seals.
type unchecked struct{}

func (unchecked) Seal(dst, _ []byte) []byte { return append(dst, make([]byte, wire.SealSize)...) }
func (unchecked) Sealed(_, _ []byte) bool   { return false }

func TestASessionIsShownToPeople(t *testing.T) {
	clearEnvironment(t)
	stream := wire.Stream{View: ids.View{Number: 4, Author: 1, Boot: 7}, Node: 2, Boot: 8}
	text := string(wire.AppendContextText(nil, "cohort", nil, wire.Context{
		Exact: []wire.Dependency{
			{Hash: hashing.Hash("cart"), Version: wire.CausalVersion{Counter: 3, Dot: wire.Dot{Stream: stream, N: 17}}},
			{Hash: 0xabc, Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{Stream: stream, N: 9}}},
		},
		Vector: wire.Vector{{Stream: stream, N: 8}}, CutRefs: []ids.View{{Number: 3}}, Ceil: 5,
	}))
	want := "2 keys, " + strconv.Itoa(len(text)) + ` characters

KEY                SEEN VERSION  BY NODE  WRITE  IN VIEW
cart               3             2        17     4
#0000000000000abc  1             2        9      4

OLDER WRITES OF NODE  UP TO  IN VIEW
2                     8      4
all writes up to the stable cut of view 3
counters of older versions are at most 5
`
	for _, form := range []string{text, `{"session":"` + text + `"}`} {
		if got := cohort(t, "session", "show", form, "--key", "cart"); got.status != 0 || got.out != want {
			t.Error(cmp.Diff(want, got.out), got.err)
		}
	}
	sealed := string(wire.AppendContextText(nil, "cohort", unchecked{}, wire.Context{Ceil: 5}))
	if got := cohort(t, "session", "show", sealed); got.status != 0 || !strings.HasPrefix(got.out, "sealed with a secret") || !strings.HasSuffix(got.out, "at most 5\n") {
		t.Errorf("%+v", got)
	}
	if got := cohort(t, "session", "show", "{}"); got.out != "the session is empty\n" {
		t.Errorf("%+v", got)
	}
	if got := cohort(t, "session", "show", text, "--cluster", "other"); got.status != 1 || !strings.Contains(got.err, "--cluster") {
		t.Errorf("%+v", got)
	}
	if got := cohort(t, "session", "show", "x"); got.status != 1 {
		t.Errorf("%+v", got)
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
