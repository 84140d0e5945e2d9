package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cohortkv/cohort/client"
)

// Waiting is a request that waits at a node.
type Waiting struct {
	lab    *Lab
	what   string
	node   int
	leave  context.CancelFunc
	answer *client.Answer
	err    error
	ended  chan struct{} // closed after answer and err are set
}

// PutWaits sends a write through the next node and returns when it waits there.
func (g *Group) PutWaits(key, value string) *Waiting {
	g.lab.t.Helper()
	return g.waits("PUT "+key, func(ctx context.Context, h *nodeClient) (*client.Answer, error) { return h.put(ctx, key, value) })
}

// GetWaits sends a read through the next node and returns when it waits there.
func (g *Group) GetWaits(key string) *Waiting {
	g.lab.t.Helper()
	return g.waits("GET "+key, func(ctx context.Context, h *nodeClient) (*client.Answer, error) { return h.get(ctx, key) })
}

// DeleteWaits sends a delete through the next node and returns when it waits
// there.
func (g *Group) DeleteWaits(key string) *Waiting {
	g.lab.t.Helper()
	return g.waits("DELETE "+key, func(ctx context.Context, h *nodeClient) (*client.Answer, error) { return h.delete(ctx, key) })
}

func (g *Group) waits(what string, send func(context.Context, *nodeClient) (*client.Answer, error)) *Waiting {
	g.lab.t.Helper()
	node := g.next()
	h := g.lab.newClient(node)
	return g.lab.hold(what, node, func(ctx context.Context) (*client.Answer, error) { return send(ctx, h) })
}

// hold sends a request to a node and returns when it waits there.
func (l *Lab) hold(what string, node int, send func(context.Context) (*client.Answer, error)) *Waiting {
	l.t.Helper()
	ctx, leave := context.WithCancel(l.t.Context())
	w := &Waiting{lab: l, what: fmt.Sprintf("%s through node %d", what, node), node: node, leave: leave, ended: make(chan struct{})}
	l.open = append(l.open, w)
	before := l.waiting(node)
	go func() {
		defer close(w.ended)
		w.answer, w.err = send(ctx)
	}()
	l.t.Cleanup(func() { leave(); <-w.ended })
	w.until("waits", func() bool { w.StillWaits(); return l.waiting(node) > before })
	l.say("%s waits", w.what)
	return w
}

// StillWaits fails the test if the request was answered.
func (w *Waiting) StillWaits() {
	w.lab.t.Helper()
	select {
	case <-w.ended:
		w.lab.t.Fatalf("%s was answered and should wait: %+v, %v", w.what, w.answer, w.err)
	default:
	}
}

// StillWaitsAfter fails the test if the request is answered within d.
func (w *Waiting) StillWaitsAfter(d time.Duration) {
	w.lab.t.Helper()
	select {
	case <-w.ended:
	case <-time.After(d):
	}
	w.StillWaits()
}

// EndsWithin fails the test unless the request takes effect within a bound that the API
// promises, times Room.
func (w *Waiting) EndsWithin(bound time.Duration) {
	w.lab.t.Helper()
	began := time.Now()
	select {
	case <-w.ended:
	case <-time.After(Room * bound):
		w.lab.explain(w.node)
		w.lab.t.Fatalf("%s still waits after %v", w.what, Room*bound)
	}
	if w.err != nil {
		w.lab.t.Fatalf("%s waited and then: %v", w.what, w.err)
	}
	w.lab.say("%s ended with %d after %v (bound %v)", w.what, w.answer.Status, time.Since(began).Round(time.Millisecond), bound)
}

// Reads fails the test unless the request, a read, is answered with one of some values
// within a bound that the API promises, times Room. An empty value stands for a 404.
func (w *Waiting) Reads(bound time.Duration, values ...string) {
	w.lab.t.Helper()
	w.EndsWithin(bound)
	got := string(w.answer.Value)
	if !slices.Contains(values, got) || w.answer.Found() != (got != "") {
		w.lab.t.Errorf("%s waited and then: %d %q, want one of %q", w.what, w.answer.Status, got, values)
	}
}

// IsRefused fails the test unless the request ends with 503: it has no effect.
func (w *Waiting) IsRefused() {
	w.lab.t.Helper()
	select {
	case <-w.ended:
		w.lab.Through(w.node).refused(w.what, w.node, w.err)
	case <-time.After(patience):
		w.lab.t.Fatalf("%s still waits after %v", w.what, patience)
	}
}

// ClientLeaves closes the client's connection, and returns when the node has noticed.
func (w *Waiting) ClientLeaves() {
	w.lab.t.Helper()
	w.StillWaits()
	before := w.lab.waiting(w.node)
	w.leave()
	<-w.ended
	if !errors.Is(w.err, context.Canceled) {
		w.lab.t.Fatalf("%s: %+v, %v, and its client had left", w.what, w.answer, w.err)
	}
	w.until("has noticed that its client left", func() bool { return w.lab.waiting(w.node) < before })
	w.lab.say("the client of %s left", w.what)
}

func (w *Waiting) until(what string, holds func() bool) {
	w.lab.t.Helper()
	ctx, cancel := w.lab.withTimeout()
	defer cancel()
	w.lab.until(ctx, w.what+" "+what, holds)
}

// waiting returns how many requests wait at a node.
func (l *Lab) waiting(node int) (n int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	var metrics strings.Builder
	l.must(l.nodes[node].Metrics(ctx, &metrics))
	_, rest, found := strings.Cut(metrics.String(), "\ncohort_requests_waiting ")
	if _, err := fmt.Sscan(rest, &n); !found || err != nil {
		l.t.Fatalf("node %d does not say how many requests wait: %v", node, err)
	}
	return n
}
