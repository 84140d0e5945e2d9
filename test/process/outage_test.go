package process

import (
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// glance is the interval at which a test checks a condition.
const glance = 20 * time.Millisecond

// until checks a condition until it holds, and returns how long that took.
func (n nodes) until(what string, holds func(context.Context) bool) time.Duration {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	pace := time.NewTicker(glance)
	defer pace.Stop()
	for began := time.Now(); ; {
		if holds(ctx) {
			return time.Since(began)
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			n.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// refusal returns the status and the problem of a node's error answer.
func refusal(err error) (status int, problem api.Problem) {
	var e *client.StatusError
	if errors.As(err, &e) {
		return e.Status, e.Problem
	}
	return 0, problem
}

// A member that is killed, paused, cut off or told to leave causes an outage of strong
// buckets. Every surface of the other nodes reports the outage while it lasts, and not
// before or after.
func TestAnOutageOfStrongBucketsShowsEverywhere(t *testing.T) {
	for _, test := range []struct {
		name       string
		start      func(*testing.T) nodes
		begin, end func(nodes) error
		why        string // regular expression
	}{
		{"killed", startServing, func(n nodes) error { return n.Kill(2) }, func(n nodes) error {
			return errors.Join(n.Restart(t.Context(), 2), n.PutView(t.Context(), 0, 1, 2))
		}, `^connection refused$`},
		{"stopped", startServing, func(n nodes) error { return n.Pause(2) }, func(n nodes) error { return n.Resume(2) }, `^(silent|no answer|closed by the other side)$`},
		{"told the empty list", startServing, func(n nodes) error {
			_, err := n.Client(2).PutView(t.Context(), api.ViewRequest{View: api.View{Flat: true}})
			return err
		}, func(n nodes) error { return n.PutView(t.Context(), 0, 1, 2) }, `^(silent|no answer)$`},
		{"cut off", startCuttable, func(n nodes) error { return n.Isolate(2) }, func(n nodes) error { return n.HealAll() }, `^(silent|no answer|closed by the other side)$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := test.start(t)
			for _, i := range []int{0, 1} {
				n.showsNoOutage(i)
			}
			n.must(test.begin(n))
			for _, i := range []int{0, 1} {
				t.Logf("node %d is unready after %v", i, n.until("unready", func(ctx context.Context) bool {
					status, _ := refusal(n.Client(i).Ready(ctx, api.BucketStrong))
					return status == http.StatusServiceUnavailable
				}))
				n.showsOutage(i, test.why)
			}
			n.must(test.end(n))
			for _, i := range []int{0, 1} {
				t.Logf("node %d is ready after %v", i, n.until("ready", func(ctx context.Context) bool {
					return n.Client(i).Ready(ctx, api.BucketStrong) == nil
				}))
				n.showsNoOutage(i)
				n.until("a line that says that it is over", func(context.Context) bool { return n.said(i, "level=INFO msg=strong_wait_over ") == 1 })
				if lines := n.said(i, "level=WARN msg=strong_waits "); lines != 1 {
					t.Errorf("node %d said %d times that it waits", i, lines)
				}
			}
		})
	}
}

// said counts lines with a text in the log of a node.
func (n nodes) said(i int, text string) int {
	log, err := os.ReadFile(n.LogFile(i))
	n.must(err)
	return strings.Count(string(log), text)
}

func (n nodes) showsNoOutage(i int) {
	n.t.Helper()
	cluster, err := n.Client(i).Cluster(n.t.Context())
	if err != nil || !cluster.Serving || len(cluster.Waiting) > 0 || cluster.Reason != "" {
		n.t.Errorf("node %d shows %+v, %v", i, cluster, err)
	}
	metrics := n.metrics(i)
	if !strings.Contains(metrics, "\ncohort_serving 1\n") || !strings.Contains(metrics, "\ncohort_waiting_members 0\n") {
		n.t.Errorf("node %d: metrics\n%s", i, metrics)
	}
}

func (n nodes) metrics(i int) string {
	var metrics strings.Builder
	n.must(n.Client(i).Metrics(n.t.Context(), &metrics))
	return metrics.String()
}

// showsOutage checks every report of node i while node 2 is away. The reason of the network
// may show a moment later than the silence.
func (n nodes) showsOutage(i int, why string) {
	t, ctx, node := n.t, n.t.Context(), n.Client(i)
	t.Helper()
	reason := regexp.MustCompile(why)
	n.until("the reason "+why, func(ctx context.Context) bool {
		cluster, err := node.Cluster(ctx)
		n.must(err)
		return len(cluster.Waiting) == 1 && reason.MatchString(cluster.Waiting[0].Why)
	})
	says := func(what string, want int, err error) {
		t.Helper()
		status, p := refusal(err)
		if status != want || !strings.Contains(p.Detail, "waiting for node 2, silent for ") || !strings.Contains(p.Detail, "; to go on without it: `cohort view remove 2`") {
			t.Errorf("node %d, %s: %v", i, what, err)
		}
		if len(p.Waiting) != 1 || p.Waiting[0].Node != 2 || p.Waiting[0].Seconds < 0.4 || !p.Waiting[0].Absent || p.Waiting[0].Since == "" {
			t.Errorf("node %d, %s: waiting_for %+v", i, what, p.Waiting)
		}
	}
	soon := client.Options{Timeout: 100 * time.Millisecond}
	says("/readyz?model=strong", 503, node.Ready(ctx, api.BucketStrong))
	_, err := node.Get(ctx, api.BucketStrong, "k", soon)
	says("a read", 503, err)
	_, err = node.Put(ctx, api.BucketStrong, "k", nil, soon)
	says("a write", 504, err)
	if node.Ready(ctx, "") != nil || node.Ready(ctx, api.BucketCausal) != nil || node.Live(ctx) != nil {
		t.Errorf("node %d is not ready for causal requests, or not alive", i)
	}
	cluster, err := node.Cluster(ctx)
	if err != nil || cluster.Serving || !strings.HasPrefix(cluster.Reason, "waiting for node 2, silent for ") {
		t.Errorf("node %d shows %+v, %v", i, cluster, err)
	}
	metrics := n.metrics(i)
	for _, want := range []string{"\ncohort_serving 0\n", "\ncohort_waiting_members 1\n", "\ncohort_waiting_seconds{peer=\"2\",why=\""} {
		if !strings.Contains(metrics, want) {
			t.Errorf("node %d: no %q in its metrics", i, want)
		}
	}
	n.until("a line that says so", func(context.Context) bool { return n.said(i, "level=WARN msg=strong_waits ") == 1 })
}

// Two ids were swapped when the view was put. The primary reports this of both members, and
// the correct view ends it.
func TestAViewWithSwappedIdsSaysSoUntilItIsPutRight(t *testing.T) {
	n := start(t)
	view := n.View(0, 1, 2)
	members := view.Shards[0].Members
	members[1].ID, members[2].ID = 2, 1
	answer, err := n.Client(0).PutView(t.Context(), api.ViewRequest{View: view})
	if err != nil || answer.Result == api.ViewReady {
		t.Fatalf("%+v, %v", answer, err)
	}
	n.until("both members are said to be others", func(ctx context.Context) bool {
		_, p := refusal(n.Client(0).Ready(ctx, api.BucketStrong))
		return len(p.Waiting) == 2 && p.Waiting[0].Why == "another node is there" && p.Waiting[1].Why == "another node is there"
	})
	n.putView(0, 1, 2)
	n.until("ready", func(ctx context.Context) bool { return n.Client(0).Ready(ctx, api.BucketStrong) == nil })
}

func TestANodeInNoViewIsNotReadyAndAlive(t *testing.T) {
	n := start(t)
	for _, model := range []string{"", api.BucketStrong, api.BucketCausal} {
		if status, p := refusal(n.Client(0).Ready(t.Context(), model)); status != 503 || !strings.Contains(p.Detail, "no view") {
			t.Errorf("%s: %d %+v", model, status, p)
		}
	}
	n.must(n.Client(0).Live(t.Context()))
}

// Messages of the primary do not reach node 2; all others do. No node is silent to the
// primary or to node 1, and yet every write waits. Both nodes must report this.
func TestACutOfOneDirectionShowsAtNodesThatHearEverybody(t *testing.T) {
	n := startCuttable(t)
	n.must(n.Cut(0, 2))
	for i, why := range map[int]string{0: api.WhyDeaf, 1: api.WhyApart} {
		n.until("node 2 is waited for", func(ctx context.Context) bool {
			_, p := refusal(n.Client(i).Ready(ctx, api.BucketStrong))
			if len(p.Waiting) == 0 {
				return false
			}
			if p.Waiting[0].Node != 2 || p.Waiting[0].Absent {
				t.Errorf("node %d: %+v", i, p)
			}
			return p.Waiting[0].Why == why || i == 0 // the primary may see a more precise reason on its own bus
		})
	}
	n.must(n.HealAll())
	for _, i := range n.All() {
		n.until("ready", func(ctx context.Context) bool { return n.Client(i).Ready(ctx, api.BucketStrong) == nil })
	}
}
