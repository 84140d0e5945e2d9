// Package harness is a small language for what happens to a cluster: who is
// told which view, who is cut off, killed, moved or emptied, what is written and
// read meanwhile, what has to wait and for how long. A scenario reads like the
// sentence that it tests:
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
// It is played in a World: real processes (Processes), or containers on real
// networks (test/containers). Every request on a key is recorded, and judged at
// the end by both judges of benchmark/check/linear; where an operator let groups
// part, each group's line of history is judged by itself (docs/views.md §5).
//
// Clients of causal buckets carry what they have seen from node to node (Session):
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
// What they do is recorded by itself, and judged by benchmark/check/causal, which
// takes versions into account as little as clients can.
//
// A word that the cluster does not keep ends the test. All methods belong to the
// test's goroutine.
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
	// patience ends a wait that has no bound of its own: what should take no
	// time at all.
	patience = 30 * time.Second
	// startPatience is added for each node to start.
	startPatience = 5 * time.Second
	// Room is by how much a promised bound may be missed on a machine that is
	// busy with other things. How long it took is printed.
	Room = 3
)

// Lab is one scenario in one world.
type Lab struct {
	t        testing.TB
	world    World
	began    time.Time
	nodes    []*client.Client
	clients  map[int]*nodeClient // that the test's goroutine uses, by node
	recorder *recorder
	timeline *history.Recorder // what sessions did, on the recorder's clock
	unique   int               // texts made so far
	open     []*Waiting        // requests that were held, ended or not
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

// Unique makes a text a value that was not written before: the judges need to
// know which write a read has seen.
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

// withTimeout is a context for a step of the test that should end soon.
func (l *Lab) withTimeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(l.t.Context(), patience)
}

// say tells the story, with the time since the scenario began.
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

// until polls for something that comes about by itself.
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
