package front

import (
	"context"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/internal/described"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// fake is a node of one. It decides every request at once, or holds all of them.
type fake struct {
	held      chan *Waiter // gets requests that are held
	abandoned chan *Waiter // gets waiters that are abandoned
	pinned    atomic.Int64 // by every snapshot

	mu      sync.Mutex
	records map[string]wire.Record
	items   map[string]*wire.Item
	next    uint64
	status  core.NodeStatus
	outage  api.Outage
	stuck   string
	lag     core.Lag
	outcome core.Outcome // of every request; zero: done
	result  wire.Status  // of every write; zero: its real result
	hold    bool
	waits   map[*Waiter]bool
	layout  wire.Layout
	force   bool
	limit   wire.Instant
	report  *core.ViewReport // of every view
	ways    func(ids.Node) (why, detail string)

	forgotten core.ForgetResult
}

func newFake() *fake {
	f := &fake{
		held:      make(chan *Waiter, 16),
		abandoned: make(chan *Waiter, 16),
		records:   map[string]wire.Record{},
		items:     map[string]*wire.Item{},
		next:      1,
		waits:     map[*Waiter]bool{},
	}
	f.status = core.NodeStatus{Present: true, Member: true, Serving: true, Primary: 3}
	f.status.View.ID.Number = 9
	f.status.View.Layout = wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: 3, Address: "a:8081"}}}}}
	return f
}

func (f *fake) Write(w *Waiter, op wire.Op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer(w, core.Done, func() core.Reply { return core.Reply{Result: f.apply(op)} })
}

func (f *fake) Read(w *Waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer(w, core.Done, func() core.Reply { return core.Reply{} })
}

func (f *fake) Lag(w *Waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lag := f.lag
	f.answer(w, core.Done, func() core.Reply { return core.Reply{Lag: &lag} })
}

func (f *fake) PutView(w *Waiter, put core.PutView) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.layout, f.force, f.limit = put.Layout, put.Force, put.Limit
	outcome := core.ViewServed
	if put.Check {
		outcome = core.ViewChecked
	}
	f.answer(w, outcome, func() core.Reply {
		if !put.Check {
			f.status.View.Layout = put.Layout
		}
		return core.Reply{View: f.report}
	})
}

func (f *fake) Forget(w *Waiter, _ ids.Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	res := f.forgotten
	f.answer(w, core.Done, func() core.Reply { return core.Reply{Forget: &res} })
}

// answer holds the request, or answers it. The caller holds f.mu.
func (f *fake) answer(w *Waiter, outcome core.Outcome, do func() core.Reply) {
	if f.hold {
		f.waits[w] = true
		f.held <- w
		return
	}
	if f.outcome != 0 {
		outcome = f.outcome
	}
	w.Reply = core.Reply{}
	if outcome != core.NotInView {
		w.Reply = do()
	}
	w.Reply.Outcome = outcome
	w.Done <- struct{}{}
}

func (f *fake) apply(op wire.Op) wire.Result {
	old, exists := f.records[op.Key]
	switch {
	case f.result != 0:
		return wire.Result{Status: f.result}
	case op.Condition == wire.IfAbsent && exists, op.Condition == wire.IfPresent && !exists,
		op.Condition == wire.IfVersion && (!exists || op.Match != old.Version):
		return wire.Result{Status: wire.PreconditionFailed, MsgNum: f.next, Version: old.Version}
	}
	result := wire.Result{MsgNum: f.next, Status: wire.Created}
	f.next++
	switch {
	case op.Kind == wire.OpDelete && exists:
		result.Status = wire.Deleted
		delete(f.records, op.Key)
		return result
	case op.Kind == wire.OpDelete:
		result.Status = wire.Absent
		return result
	case exists:
		result.Status = wire.Replaced
	}
	result.Version = wire.Version{MsgNum: result.MsgNum, Fingerprint: 0xabc}
	f.records[op.Key] = wire.Record{Key: op.Key, Value: op.Value, ContentType: op.ContentType, Version: result.Version}
	return result
}

// release ends a request that is held.
func (f *fake) release(w *Waiter, outcome core.Outcome, result wire.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.waits, w)
	w.Reply = core.Reply{Outcome: outcome, Result: result}
	w.Done <- struct{}{}
}

func (f *fake) Abandon(w *Waiter) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.waits[w] {
		return false
	}
	delete(f.waits, w)
	f.abandoned <- w
	return true
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) State() State { return f }

func (f *fake) Status() core.NodeStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *fake) Get(key string) (wire.Record, bool, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	record, found := f.records[key]
	return record, found, f.next
}

func (f *fake) Bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for key, r := range f.records {
		sum += len(key) + len(r.Value)
	}
	for key, it := range f.items {
		sum += len(key) + len(it.Value)
	}
	return int64(sum)
}

func (f *fake) Growth(causal bool, key string, value int) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, found := f.records[key]; found && !causal {
		return int64(value - len(r.Value))
	}
	if it, found := f.items[key]; found && causal {
		return int64(value - len(it.Value))
	}
	return int64(len(key) + value)
}

func (f *fake) Snapshot() Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &frozen{pinned: &f.pinned, next: f.next, records: maps.Clone(f.records)}
}

type frozen struct {
	pinned  *atomic.Int64
	next    uint64
	records map[string]wire.Record
}

func (f *frozen) Next() uint64 { return f.next }
func (f *frozen) Len() int     { return len(f.records) }

func (f *frozen) Pinned() int64 { return f.pinned.Load() }

func (f *frozen) From(after *string) iter.Seq[wire.Record] {
	return func(yield func(wire.Record) bool) {
		for _, key := range slices.Sorted(maps.Keys(f.records)) {
			if (after == nil || key > *after) && !yield(f.records[key]) {
				return
			}
		}
	}
}

// node is a served front with a client.
type node struct {
	*fake
	server *Server
	dial   func() (net.Conn, error)
	http   *http.Client
	scheme string // http or https
}

// start serves a fake over an in-memory listener.
func start(t testing.TB) *node { return startWith(t, "strong") }

// startWith serves a fake whose /data speaks the given model.
func startWith(t testing.TB, model string) *node {
	ln := fasthttputil.NewInmemoryListener()
	return serve(t, ln, ln.Dial, model)
}

// startLoopback serves a fake over a real socket.
func startLoopback(t testing.TB, model string) *node {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }, model)
}

func serve(t testing.TB, ln net.Listener, dial func() (net.Conn, error), model string) *node {
	return serveWith(t, ln, dial, Config{DefaultBucket: model})
}

// startLimited serves a fake over a real socket, within bounds.
func startLimited(t testing.TB, l Limits) *node {
	return startConfigured(t, Config{Limits: l})
}

// startConfigured serves a fake over a real socket as a Config says.
func startConfigured(t testing.TB, cfg Config) *node {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveWith(t, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }, cfg)
}

// serveWith serves a fake as a Config says.
func serveWith(t testing.TB, ln net.Listener, dial func() (net.Conn, error), cfg Config) *node {
	n := &node{fake: newFake(), dial: dial, scheme: "http"}
	cfg.Node, cfg.Backend, cfg.Cluster = 3, n.fake, "test"
	n.server = New(cfg)
	ended := make(chan error, 1)
	go func() { ended <- n.server.Serve(ln) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
	n.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // connections that a test left open are cut
		_ = n.server.Shutdown(ctx)
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return n
}

// response is an answer that was read.
type response struct {
	status int
	header http.Header
	body   string
}

// ask sends one request, and compares the answer with the OpenAPI document. headers
// are "Name: value".
func (n *node) ask(t testing.TB, method, path, body string, headers ...string) response {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, n.scheme+"://localhost"+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	res, err := n.http.Do(req)
	if err != nil {
		t.Fatalf("%s %.80s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %.80s: %v", method, path, err)
	}
	got := described.Answer{Method: method, Path: path, Status: res.StatusCode, Header: res.Header, Body: text}
	if err := described.Default().Check(got); err != nil {
		t.Error(err)
	}
	return response{res.StatusCode, res.Header, strings.TrimSuffix(string(text), "\n")}
}

// raw sends bytes on a connection of their own and returns it.
func (n *node) raw(t testing.TB, request string) net.Conn {
	t.Helper()
	c, err := n.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fake) Ways() func(ids.Node) (why, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ways
}

func (f *fake) Outage() api.Outage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outage
}

func (f *fake) Holds() api.Holds { return api.Holds{Keys: 1, CausalKeys: 2, Tombstones: 3, Bytes: 4} }

func (f *fake) Stuck() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stuck
}
