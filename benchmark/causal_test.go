package benchmark

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// copies are two nodes in front of one copy of a causal bucket. The copy is consistent for
// all sessions, unless a bug is set.
type copies struct {
	mu     sync.Mutex
	data   map[string]string
	before map[string]string // by key: its value before the present one
	writes int
	view   string
	bug    bug
}

// bug is a fault of the copies.
type bug struct {
	stale  bool // node 1 sometimes returns the previous value of a key
	loses  bool // one write in five is acknowledged and dropped; a few are overwritten before a read detects the loss
	apart  bool // node 1 has other values at the end
	silent bool // answers have no session
	twice  bool // the nodes are two shards, and both have every key
	gone   bool // both nodes lack a key at the end
}

func startCopies(t *testing.T, bug bug) (urls []string) {
	t.Helper()
	c := &copies{data: map[string]string{}, before: map[string]string{}, bug: bug}
	var members []string
	for node := range 2 {
		s := httptest.NewServer(c.node(node))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
		members = append(members, fmt.Sprintf(`{"address":%q,"id":%d}`, strings.TrimPrefix(s.URL, "http://"), node))
	}
	c.view = fmt.Sprintf(`{"view":[%s,%s]}`, members[0], members[1])
	if bug.twice {
		c.view = fmt.Sprintf(`{"view":{"a":[%s],"b":[%s]}}`, members[0], members[1])
	}
	return urls
}

func (c *copies) node(node int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /view", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.view) })
	mux.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) { c.list(w, node) })
	for _, path := range []string{"/data/{key...}", "/v1/kv/causal/{key...}"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { c.get(w, r, node) })
		mux.HandleFunc("PUT "+path, func(w http.ResponseWriter, r *http.Request) { c.write(w, r, node) })
		mux.HandleFunc("DELETE "+path, func(w http.ResponseWriter, r *http.Request) { c.write(w, r, node) })
	}
	return mux
}

func (c *copies) get(w http.ResponseWriter, r *http.Request, node int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := r.PathValue("key")
	value, found := c.data[key]
	if old := c.before[key]; c.bug.stale && node == 1 && old != "" && c.writes%10 == 0 {
		value, found = old, true
	}
	if !found {
		c.answer(w, r, node, http.StatusNotFound, nil)
		return
	}
	c.answer(w, r, node, http.StatusOK, &value)
}

func (c *copies) write(w http.ResponseWriter, r *http.Request, node int) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	key, value := r.PathValue("key"), string(body)
	if classic(r) {
		var request struct{ Value string }
		_ = json.Unmarshal(body, &request)
		value = request.Value
	}
	c.writes++
	switch {
	case c.bug.loses && c.writes%5 == 0:
	case r.Method == http.MethodDelete:
		delete(c.data, key)
		delete(c.before, key)
	default:
		c.before[key], c.data[key] = c.data[key], value
	}
	c.answer(w, r, node, http.StatusOK, nil)
}

func classic(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, api.DataPrefix) }

func (c *copies) answer(w http.ResponseWriter, r *http.Request, node, status int, value *string) {
	w.Header().Set(api.HeaderNodeID, fmt.Sprint(node))
	body := map[string]any{}
	if !c.bug.silent {
		w.Header().Set(api.HeaderSession, fmt.Sprint(c.writes))
		body["causal-metadata"] = map[string]int{"writes": c.writes}
	}
	if !classic(r) {
		if r.Method != http.MethodGet {
			status = http.StatusNoContent
		}
		w.WriteHeader(status)
		if value != nil {
			_, _ = io.WriteString(w, *value)
		}
		return
	}
	w.WriteHeader(status)
	var head string
	if value != nil {
		head = fmt.Sprintf(`"value":%q,`, *value)
	}
	metadata, _ := json.Marshal(body)
	_, _ = fmt.Fprintf(w, "{%s%s", head, metadata[1:])
}

func (c *copies) list(w http.ResponseWriter, node int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := maps.Clone(c.data)
	for key := range items {
		switch {
		case !strings.HasSuffix(key, "/0"):
		case c.bug.gone, c.bug.apart && node == 1:
			delete(items, key)
		}
	}
	w.Header().Set(api.HeaderNodeID, fmt.Sprint(node))
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "causal-metadata": map[string]int{"writes": c.writes}})
}

func runCopies(t *testing.T, surface workload.Surface, bug bug) (Reports, string, error) {
	t.Helper()
	var out bytes.Buffer
	cfg := short(t, &out)
	cfg.Local, cfg.Workload.URLs, cfg.Models = 0, startCopies(t, bug), []workload.Model{workload.Causal}
	cfg.Workload.Surface, cfg.Converge = surface, 50*time.Millisecond
	cfg.Workload.Fresh, cfg.Workload.Handover = 5, 10
	if bug == (copies{}).bug { // a delete explains many missing values
		cfg.Workload.Deletes = 5
	}
	cfg.Workload.Duration, cfg.Workload.Count = 0, 2000
	r, err := Run(t.Context(), cfg)
	if err == nil {
		again, err := JudgeFile(cfg.HistoryFile, 0)
		if err != nil || !bug.twice && again.String() != r[0].Verdict.String() {
			t.Errorf("the saved history is judged differently: %v, err %v", &again, err)
		}
	}
	return r, out.String(), err
}

func TestARunOnATrueCausalBucketIsCausallyConsistent(t *testing.T) {
	for _, surface := range []workload.Surface{workload.V1, workload.Classic} {
		t.Run(string(surface), func(t *testing.T) {
			r, out, err := runCopies(t, surface, bug{})
			if err != nil || r.ExitCode() != 0 || !strings.Contains(out, "verdict: causally consistent (") || !strings.Contains(out, "replicas equal at the end") {
				t.Errorf("err %v\n%s", err, out)
			}
		})
	}
}

func TestBugsOfACausalBucketAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a cluster for seconds for each bug")
	}
	for _, test := range []struct {
		bug  bug
		want string
	}{
		{bug{stale: true}, "verdict: NOT causally consistent: "}, // the kind of violation depends on the run
		{bug{loses: true}, "verdict: NOT causally consistent: "},
		{bug{apart: true}, "divergence: "},
		{bug{gone: true}, "lost write: "},
		{bug{twice: true}, "is in two shards"},
	} {
		for _, surface := range []workload.Surface{workload.V1, workload.Classic} {
			r, out, err := runCopies(t, surface, test.bug)
			if err != nil || r.ExitCode() != 1 || !strings.Contains(out, test.want) {
				_, verdict, _ := strings.Cut(out, "verdict: ")
				t.Errorf("%+v on %s: err %v, want %q in\n%.600s", test.bug, surface, err, test.want, verdict)
			}
		}
	}
	if _, _, err := runCopies(t, workload.V1, bug{silent: true}); err == nil || !strings.Contains(err.Error(), "does not say what its client has seen") {
		t.Errorf("answers without a context: %v", err)
	}
}
