package process

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// leaves bounds the time until a node has ended after SIGTERM.
const leaves = 5 * time.Second

func TestATerminatedNodeAnswersWaitingRequestsFirst(t *testing.T) {
	n := startServing(t)
	n.must(n.Pause(2))
	answer := make(chan error, 1)
	go func() {
		_, err := n.Client(1).PutData(context.WithoutCancel(t.Context()), "k", "v")
		answer <- err
	}()
	n.untilWaiting(1)
	began := time.Now()
	n.must(n.Process(1).Terminate())
	if took := time.Since(began); took > leaves {
		t.Errorf("it left after %v", took)
	}
	if err := <-answer; client.OutcomeOf(api.Put, err) != api.Unknown || !strings.Contains(err.Error(), "waiting for node 2, silent for ") {
		t.Errorf("a write that waited for a silent member was answered with %v", err)
	}
	said, err := os.ReadFile(n.LogFile(1))
	n.must(err)
	if !strings.Contains(string(said), "node down") {
		t.Error("it does not say that it ended")
	}
	n.must(n.Resume(2))
}

// untilWaiting returns when a request waits at node i.
func (n nodes) untilWaiting(i int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	for {
		var metrics strings.Builder
		n.must(n.Client(i).Metrics(ctx, &metrics))
		if strings.Contains(metrics.String(), "\ncohort_requests_waiting 1\n") {
			return
		}
	}
}

func TestANodeThatRestartedEmptyTakesPartAgainOnceAViewIsPut(t *testing.T) {
	n := startServing(t)
	_, err := n.Client(0).PutData(t.Context(), "k", "kept")
	n.must(err)
	for _, i := range []int{2, 0} { // a backup, then the primary: a restarted primary learns the data before it serves
		n.must(n.Kill(i))
		n.must(n.Restart(t.Context(), i))
		_, err := n.Client(i).GetData(t.Context(), "k")
		wantStatus(t, err, 503)
		_, err = n.Client(i).PutData(t.Context(), "k", "lost")
		wantStatus(t, err, 503)
		n.putView(0, 1, 2)
		for _, through := range n.All() {
			a, err := n.Client(through).GetData(t.Context(), "k")
			if err != nil || string(a.Value) != "kept" || a.MsgNum != 2 {
				t.Errorf("node %d restarted; node %d answers %+v, %v", i, through, a, err)
			}
		}
	}
}

func TestANodeThatIsTakenOutOfItsViewRefuses(t *testing.T) {
	n := startServing(t)
	answer, err := n.Client(2).PutView(t.Context(), api.ViewRequest{View: api.View{Flat: true}})
	if err != nil || answer.Result != api.ViewNotServed {
		t.Fatalf("an empty view: %+v, %v", answer, err)
	}
	_, err = n.Client(2).GetData(t.Context(), "k")
	wantStatus(t, err, 503)
	n.putView(0, 1)
	_, err = n.Client(0).PutData(t.Context(), "k", "v")
	n.must(err)
	_, err = n.Client(2).GetData(t.Context(), "k")
	wantStatus(t, err, 503)
}
