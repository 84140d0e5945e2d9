package process

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// A version is lost with the only node that held it. A read and a list wait for it until an
// operator says that the node will not come back.
func TestAReaderOfALostVersionIsAnsweredOnceItsNodeIsForgotten(t *testing.T) {
	n := startCuttable(t)
	n.must(n.Isolate(2))
	written, err := n.Client(2).Put(t.Context(), api.BucketCausal, "k", []byte("lost"), client.Options{})
	n.must(err)
	n.forgetIs(2, "is a member of the view")
	n.must(n.Kill(2))
	n.putView(0, 1)

	type answer struct {
		what string
		err  error
	}
	answers := make(chan answer, 2)
	seen := client.Options{Session: written.Session}
	go func() {
		_, err := n.Client(0).Get(t.Context(), api.BucketCausal, "k", seen)
		answers <- answer{"the read", err}
	}()
	n.untilWaiting(0)
	go func() {
		_, _, err := n.Client(1).ListSession(t.Context(), "", 10, "", seen)
		answers <- answer{"the list", err}
	}()
	n.untilWaiting(1)
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	select {
	case a := <-answers:
		t.Fatalf("%s was answered before the node was forgotten: %v", a.what, a.err)
	case <-short.Done():
	}

	n.forgetIs(2, "node 2 is forgotten: 1 versions in 1 slots are lost")
	began := time.Now()
	for range 2 {
		a := <-answers
		if status, _ := refusal(a.err); a.err != nil && status != 404 {
			t.Errorf("%s: %v", a.what, a.err)
		}
		t.Logf("%s was answered %v after", a.what, time.Since(began))
	}
	if n.said(0, "causal_node_forgotten") != 1 {
		t.Error("the log does not say so")
	}
	again, err := n.Client(1).Put(t.Context(), api.BucketCausal, "k", []byte("again"), seen)
	n.must(err)
	got, err := n.Client(0).Get(t.Context(), api.BucketCausal, "k", client.Options{Session: again.Session})
	if err != nil || string(got.Value) != "again" {
		t.Errorf("the key reads %+v, %v", got, err)
	}
	n.forgetIs(7, "no view that this node knows has node 7")
}

// forgetIs runs cohort node forget at node 0, and checks its output.
func (n nodes) forgetIs(id int, want string) {
	n.t.Helper()
	path, err := binary()
	n.must(err)
	out, _ := exec.CommandContext(n.t.Context(), path, "node", "forget", string(rune('0'+id)), "--to", n.URL(0)).CombinedOutput()
	if !strings.Contains(string(out), want) {
		n.t.Errorf("cohort node forget %d says %q, want %q", id, out, want)
	}
}
