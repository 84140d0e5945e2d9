// Package harness is a language for scenarios of a cluster: views that operators put,
// faults, requests that must succeed, and requests that must wait (docs/testing.md §8). A
// scenario reads like the sentence that it tests:
//
//	lab.Start(3)
//	lab.View(0, 1, 2).TellMembers()
//	lab.Cut(2)
//	w := lab.Through(0).PutWaits("k", "v")
//	lab.Heal(2)
//	w.EndsWithin(5 * time.Second)
//	lab.Through(0, 1, 2).EveryoneReads("k", "v")
//	lab.Judge()
//
// A scenario runs in a World: real processes (Processes), or containers on real networks
// (test/containers). Every request on a key is recorded. At the end both judges of
// benchmark/check/linear check the history. If an operator parted groups, the history of
// each group is judged by itself (docs/views.md §5).
//
// Clients of causal buckets carry their context from node to node (Session):
//
//	lab.Shards([]int{0, 1}, []int{2, 3}).TellMembers()
//	lab.Cut(1)
//	writer := lab.Session().Put(0, "k", "v")
//	w := writer.GetWaits(1, "k")
//	lab.Session().Misses(1, "k")
//	lab.Heal(1)
//	w.Reads(2*time.Second, "v")
//	lab.Through(lab.All()...).JudgeSessions()
//
// Their requests are recorded separately and judged by benchmark/check/causal. That judge
// uses versions no more than clients can.
//
// A step that the cluster does not fulfil ends the test. Only the goroutine of the test may
// call the methods.
package harness

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/client"
)

const (
	// patience ends a wait without a bound of its own, which should take no time.
	patience = 30 * time.Second
	// startPatience is the additional time for each node that starts.
	startPatience = 5 * time.Second
	// Room is the factor by which a promised bound may be exceeded, because the machine may
	// be busy. The real time is printed.
	Room = 3
)

// Lab is one scenario in one world.
type Lab struct {
	t        testing.TB
	world    World
	began    time.Time
	nodes    []*client.Client
	clients  map[int]*nodeClient // by node: the client of the test's goroutine
	recorder *recorder
	timeline *history.Recorder // the requests of sessions, on the recorder's clock
	unique   int               // number of texts made so far
	open     []*Waiting        // requests that waited at a node, ended or not
}

// New returns a lab without nodes.
func New(t testing.TB, world World) *Lab {
	l := &Lab{t: t, world: world, began: time.Now(), clients: map[int]*nodeClient{}, recorder: newRecorder()}
	l.timeline = l.recorder.history.Beside()
	return l
}

// Start starts nodes 0 to n-1. They have no view.
func (l *Lab) Start(n int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience+time.Duration(n)*startPatience)
	defer cancel()
	l.must(l.world.Start(ctx, n))
	for node := range n {
		c, err := client.New(l.world.URL(node), nil)
		l.must(err)
		l.t.Cleanup(c.Close)
		l.nodes = append(l.nodes, c)
	}
	l.say("%d nodes are up", n)
}

// Unique returns a value that begins with text and that was not written before. The judges
// need unique values to find the write that a read has seen.
func (l *Lab) Unique(text string) string {
	l.unique++
	return fmt.Sprintf("%s (%d)", text, l.unique)
}

// All lists all nodes.
func (l *Lab) All() []int {
	all := make([]int, len(l.nodes))
	for i := range all {
		all[i] = i
	}
	return all
}

// T is the test that plays the scenario.
func (l *Lab) T() testing.TB { return l.t }

// withTimeout returns a context for a step that should end soon.
func (l *Lab) withTimeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(l.t.Context(), patience)
}

// say logs a step of the scenario, with the time since its begin.
func (l *Lab) say(format string, args ...any) {
	l.t.Helper()
	l.t.Logf("%7.3f s  %s", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

func (l *Lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// until polls a condition until it holds.
func (l *Lab) until(ctx context.Context, what string, holds func() bool) {
	l.t.Helper()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for !holds() {
		select {
		case <-pause.C:
		case <-ctx.Done():
			l.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
