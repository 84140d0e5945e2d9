package scenario

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

// fake is a world of one copy behind two nodes, of which the second may lie.
type fake struct {
	t       *testing.T
	servers []*httptest.Server
	mu      sync.Mutex
	data    map[string]string
	next    uint64
	lie     func(key, value string) string // what node 1 reads instead; nil: the truth
}

func (f *fake) Start(_ context.Context, n int) error {
	for node := range n {
		mux := http.NewServeMux()
		mux.HandleFunc("/view", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"result":"ready"}`) })
		mux.HandleFunc("GET /data", f.all)
		mux.HandleFunc("/data/{key}", func(w http.ResponseWriter, r *http.Request) { f.one(w, r, node) })
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
		if node == 1 && f.lie != nil {
			value = f.lie(key, value)
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

// play returns what a scenario complained about.
func play(t *testing.T, lie func(key, value string) string, scenario func(*Lab)) []string {
	t.Helper()
	v := &verdict{TB: t}
	world := &fake{t: t, data: map[string]string{}, next: 1, lie: lie}
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

func TestAWorldThatKeepsItsWordIsAcquitted(t *testing.T) {
	if complaints := play(t, nil, story); len(complaints) > 0 {
		t.Errorf("%q", complaints)
	}
}

func TestANodeThatServesWhatWasOverwrittenIsFound(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for the history that is found guilty
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

func TestRandomOperationsFindAValueThatNobodyWrote(t *testing.T) {
	invented := func(key, value string) string { return value + "!" }
	complaints := play(t, invented, func(l *Lab) { l.View(0, 1).TellMembers().RandomOperations(200) })
	if len(complaints) == 0 || !strings.Contains(complaints[0], "want") {
		t.Errorf("complaints: %q", complaints)
	}
}
