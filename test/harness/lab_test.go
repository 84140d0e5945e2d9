package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// fake is a world of one copy behind two nodes. The second node may answer wrongly.
type fake struct {
	t       *testing.T
	servers []*httptest.Server
	mu      sync.Mutex
	data    map[string]string
	next    uint64
	causal  bool                           // /data uses the causal model
	wrong   func(key, value string) string // what node 1 answers instead of a value; nil: the value
}

func (f *fake) Start(_ context.Context, n int) error {
	for node := range n {
		mux := http.NewServeMux()
		mux.HandleFunc("/view", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"result":"ready"}`) })
		if f.causal {
			mux.HandleFunc("/data", func(w http.ResponseWriter, r *http.Request) { f.speak(w, r, node) })
			mux.HandleFunc("/data/{key}", func(w http.ResponseWriter, r *http.Request) { f.speak(w, r, node) })
		} else {
			mux.HandleFunc("GET /data", f.all)
			mux.HandleFunc("/data/{key}", func(w http.ResponseWriter, r *http.Request) { f.one(w, r, node) })
		}
		s := httptest.NewServer(mux)
		f.t.Cleanup(s.Close)
		f.servers = append(f.servers, s)
	}
	return nil
}

func (f *fake) URL(node int) string { return f.servers[node].URL }

func (f *fake) Member(node int) api.Member {
	return api.Member{ID: uint64(node), Address: strings.TrimPrefix(f.URL(node), "http://")}
}

func (f *fake) all(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set(api.HeaderMsgNum, fmt.Sprint(f.next))
	_ = json.NewEncoder(w).Encode(f.data)
}

// speak answers as causal nodes do. One copy is consistent with every context.
func (f *fake) speak(w http.ResponseWriter, r *http.Request, node int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set(api.HeaderNodeID, fmt.Sprint(node))
	answer := map[string]any{"causal-metadata": map[string]uint64{"next": f.next}}
	key := strings.TrimPrefix(r.URL.Path, api.DataPrefix)
	value, found := f.data[key]
	if node == 1 && f.wrong != nil {
		value = f.wrong(key, value)
	}
	switch {
	case r.URL.Path == api.PathData:
		answer["items"] = f.items(node)
	case r.Method == http.MethodPut:
		var body struct{ Value string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.data[key] = body.Value
		f.next++
	case r.Method == http.MethodDelete:
		delete(f.data, key)
		f.next++
	case !found:
		w.WriteHeader(http.StatusNotFound)
	default:
		answer["value"] = value
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *fake) items(node int) map[string]string {
	items := map[string]string{}
	for key, value := range f.data {
		if node == 1 && f.wrong != nil {
			value = f.wrong(key, value)
		}
		items[key] = value
	}
	return items
}

func (f *fake) one(w http.ResponseWriter, r *http.Request, node int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.PathValue("key")
	value, found := f.data[key]
	w.Header().Set(api.HeaderMsgNum, fmt.Sprint(f.next))
	w.Header().Set(api.HeaderNodeID, fmt.Sprint(node))
	switch {
	case r.Method == http.MethodPut:
		var body struct{ Value string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.data[key] = body.Value
		f.next++
		w.WriteHeader(map[bool]int{true: http.StatusOK, false: http.StatusCreated}[found])
	case !found:
		w.WriteHeader(http.StatusNotFound)
	}
	switch {
	case r.Method == http.MethodDelete:
		delete(f.data, key)
		f.next++
	case r.Method == http.MethodGet && found:
		if node == 1 && f.wrong != nil {
			value = f.wrong(key, value)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"value": value})
	}
}

// verdict is a test whose failures are counted and not passed on.
type verdict struct {
	testing.TB
	failures []string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.failures = append(v.failures, fmt.Sprintf(format, args...))
}

func (v *verdict) Fatalf(format string, args ...any) { v.Errorf(format, args...); runtime.Goexit() }

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

// play returns the failures of a scenario of strong buckets.
func play(t *testing.T, wrong func(key, value string) string, scenario func(*Lab)) []string {
	t.Helper()
	return playIn(t, &fake{t: t, data: map[string]string{}, next: 1, wrong: wrong}, scenario)
}

// playSessions returns the failures of a scenario of causal buckets.
func playSessions(t *testing.T, wrong func(key, value string) string, scenario func(*Lab)) []string {
	t.Helper()
	return playIn(t, &fake{t: t, data: map[string]string{}, next: 1, wrong: wrong, causal: true}, scenario)
}

func playIn(t *testing.T, world *fake, scenario func(*Lab)) []string {
	t.Helper()
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lab := New(v, world)
		lab.Start(2)
		scenario(lab)
	}()
	<-done
	return v.failures
}

func story(l *Lab) {
	group := l.View(0, 1).TellMembers().Put("k", "old").Put("k", "new")
	group.EveryoneReads("k", "new")
	group.RandomOperations(50)
	l.Burst(20, 0, 1)
	l.Judge()
}

func TestACorrectWorldPasses(t *testing.T) {
	if complaints := play(t, nil, story); len(complaints) > 0 {
		t.Errorf("%q", complaints)
	}
}

func TestANodeThatServesOverwrittenValuesIsFound(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for the history that fails the judges
	stale := func(key, value string) string {
		if value == "new" {
			return "old"
		}
		return value
	}
	for name, scenario := range map[string]func(*Lab){
		"by everyone reading": func(l *Lab) {
			l.View(0, 1).TellMembers().Put("k", "old").Put("k", "new").EveryoneReads("k", "new")
		},
		"by the judges": func(l *Lab) {
			l.View(0, 1).TellMembers().Put("k", "old").Put("k", "new")
			l.Through(1).read(1, "k")
			l.Judge()
		},
	} {
		if complaints := play(t, stale, scenario); len(complaints) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestRandomOperationsFindAValueThatWasNeverWritten(t *testing.T) {
	invented := func(key, value string) string { return value + "!" }
	complaints := play(t, invented, func(l *Lab) { l.View(0, 1).TellMembers().RandomOperations(200) })
	if len(complaints) == 0 || !strings.Contains(complaints[0], "want") {
		t.Errorf("complaints: %q", complaints)
	}
}

// sessions is a scenario in which no request waits.
func sessions(l *Lab) {
	both := l.Shards([]int{0, 1}).TellMembers()
	writer := l.Session().Put(0, "k", "old").Put(1, "k", "new").Put(0, "gone", "soon").Delete(0, "gone")
	writer.Fork().Reads(1, "k", "new").Misses(0, "gone")
	writer.Fill(10, "more", 0, 1).ReadsBack(1, 0)
	load := l.Sessions(0, 1)
	load.Answered(100)
	load.Stop()
	both.EqualWithin(patience).JudgeSessions()
}

func TestSessionsOfACorrectWorldPass(t *testing.T) {
	if complaints := playSessions(t, nil, sessions); len(complaints) > 0 {
		t.Errorf("%q", complaints)
	}
}

func TestStaleReadsOfSessionsAreFound(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for the history that fails the judges
	stale := func(_, value string) string {
		if value == "new" {
			return "old"
		}
		return value
	}
	start := func(l *Lab) (*Group, *Session) {
		return l.Shards([]int{0, 1}).TellMembers(), l.Session().Put(0, "k", "old").Put(0, "k", "new")
	}
	for name, scenario := range map[string]func(*Lab){
		"by a reader":                  func(l *Lab) { _, s := start(l); s.Reads(1, "k", "new") },
		"by what every replica holds":  func(l *Lab) { g, s := start(l); g.HoldEach(s.Wrote()) },
		"by the judge, of a read":      func(l *Lab) { _, s := start(l); s.Reads(1, "k", "old"); l.Through(0).JudgeSessions() },
		"by the judge, of the replica": func(l *Lab) { g, _ := start(l); g.JudgeSessions() },
		"by the judge, of a listing":   func(l *Lab) { _, s := start(l); s.Lists(1); l.Through(0).JudgeSessions() },
	} {
		if complaints := playSessions(t, stale, scenario); len(complaints) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestAKeyInTwoShardsIsFound(t *testing.T) {
	complaints := playSessions(t, nil, func(l *Lab) {
		view := l.Shards([]int{0}, []int{1}).TellMembers()
		view.HoldEach(l.Session().Put(0, "k", "v").Wrote())
	})
	if len(complaints) == 0 || !strings.Contains(complaints[0], "is in two shards") {
		t.Errorf("complaints: %q", complaints)
	}
}
