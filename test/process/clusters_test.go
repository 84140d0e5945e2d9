package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
)

// TestNodesOfAnotherClusterAreNotTakenOver has two clusters with the default name. The
// operator of the second cluster mistypes an address.
func TestNodesOfAnotherClusterAreNotTakenOver(t *testing.T) {
	n := startMore(t, 5, false)
	n.putView(0, 1, 2)
	_, err := n.Client(0).PutData(t.Context(), "k", "theirs")
	n.must(err)
	n.putView(3)
	_, err = n.Client(3).PutData(t.Context(), "k", "ours")
	n.must(err)
	for _, put := range []int{3, 4} { // a node of the other cluster, and one without a view
		answer, err := n.Client(put).PutView(t.Context(), api.ViewRequest{View: n.View(2, 3, 4)})
		n.must(err)
		member := memberOf(answer, 2)
		if answer.Ready || member.State != api.MemberForeign || !strings.Contains(answer.Reason, "belongs to another cluster") {
			t.Errorf("the list put to node %d: %+v", put, answer)
		}
	}
	for _, i := range []int{0, 1, 2} {
		value, err := n.Client(i).GetData(t.Context(), "k")
		n.must(err)
		if string(value.Value) != "theirs" {
			t.Errorf("node %d has %q", i, value.Value)
		}
	}
	for _, i := range []int{2, 4} {
		said, err := os.ReadFile(n.LogFile(i))
		n.must(err)
		if lines := strings.Count(string(said), "other_cluster"); lines < 1 || lines > 2 {
			t.Errorf("node %d says so %d times", i, lines)
		}
	}
	n.putView(0, 1)
	answer, err := n.Client(2).PutView(t.Context(), api.ViewRequest{View: n.View(2, 3, 4)}) // the list was put to this node too: its operator agrees
	n.must(err)
	if !answer.Ready {
		t.Errorf("put to the node itself: %+v", answer)
	}
}

func memberOf(answer api.ViewAnswer, id uint64) api.ViewMember {
	for _, m := range answer.Members {
		if m.ID == id {
			return m
		}
	}
	return api.ViewMember{}
}

// stalled is the time without progress after which a PUT reports it.
const stalled = 3 * time.Second

// TestTheAnswerToAViewSaysWhyAMemberIsNotReached makes each kind of mistake once.
func TestTheAnswerToAViewSaysWhyAMemberIsNotReached(t *testing.T) {
	n := start(t)
	for name, c := range map[string]struct {
		change func(m []api.Member)
		want   string
	}{
		"nobody at the bus port": {func(m []api.Member) { m[1].Bus = "127.0.0.1:1" }, "connection refused"},
		"swapped ids":            {func(m []api.Member) { m[1].Bus, m[2].Bus = m[2].Bus, m[1].Bus }, "another node is there"},
		"the HTTP port":          {func(m []api.Member) { m[1].Bus = m[1].Address }, "no answer"},
		"no such name":           {func(m []api.Member) { m[1].Bus = "nowhere.invalid:9081" }, "name not found"},
	} {
		t.Run(name, func(t *testing.T) {
			view := n.View(0, 1, 2)
			c.change(view.Shards[0].Members)
			began := time.Now()
			answer, err := n.Client(0).PutView(t.Context(), api.ViewRequest{View: view})
			n.must(err)
			took := time.Since(began)
			t.Logf("answered after %v", took)
			if took > 2*stalled { // the answer comes after 8 s at the latest
				t.Errorf("answered after %v: nothing can have got on after the first moments", took)
			}
			if m := memberOf(answer, 1); answer.Ready || m.State != api.MemberUnreached || !strings.Contains(m.Reason, c.want) || !strings.Contains(answer.Reason, m.Address) {
				t.Errorf("ready %t, %q, node 1: %+v", answer.Ready, answer.Reason, m)
			}
		})
	}
	said, err := os.ReadFile(n.LogFile(0))
	n.must(err)
	if lines := strings.Count(string(said), "member_unheard"); lines < 1 || lines > 2 {
		t.Errorf("it says so %d times, want once a minute and peer", lines)
	}
}

// TestARestartOfAllNodesIsNotSilent restarts all nodes: each knows only what it heard while
// other nodes had data.
func TestARestartOfAllNodesIsNotSilent(t *testing.T) {
	n := startServing(t)
	_, err := n.Client(0).PutData(t.Context(), "k", "lost")
	n.must(err)
	for _, i := range []int{0, 1, 2} {
		n.must(n.Kill(i))
		n.must(n.Restart(t.Context(), i))
		if i < 2 {
			n.untilHeard(i)
		}
	}
	check, err := n.Client(1).CheckView(t.Context(), api.ViewRequest{View: n.View(0, 1, 2)})
	n.must(err)
	if len(check.Warnings) != 1 || !strings.Contains(check.Warnings[0], "no member of this list has the data that was held in view") {
		t.Errorf("a dry run says %+v", check)
	}
	answer, err := n.Client(1).PutView(t.Context(), api.ViewRequest{View: n.View(0, 1, 2)})
	n.must(err)
	if len(answer.Warnings) != 1 || !answer.Ready {
		t.Errorf("the view is answered by %+v", answer)
	}
	said, err := os.ReadFile(n.LogFile(1))
	n.must(err)
	if !strings.Contains(string(said), "data_lost") {
		t.Error("the log does not say so")
	}
}

// TestNodesThatExpectDataAreNotPutIntoAnEmptyClusterInSilence restarts all members at once.
// None of them can have heard of any data, so --expect-data is the only evidence.
func TestNodesThatExpectDataAreNotPutIntoAnEmptyClusterInSilence(t *testing.T) {
	n := startConfigured(t, func(c *cluster.Config) { c.Extra = []string{"--expect-data"} })
	n.putView(0, 1, 2)
	_, err := n.Client(0).PutData(t.Context(), "k", "lost")
	n.must(err)
	for _, i := range n.All() {
		n.must(n.Kill(i))
	}
	for _, i := range n.All() {
		n.must(n.Restart(t.Context(), i))
	}
	const warning = "no member of this list has any data; started with --expect-data: node 0, node 1, node 2."
	request := api.ViewRequest{View: n.View(0, 1, 2)}

	members := []string{"view", "set", "--to", n.URL(0)}
	for _, m := range request.View.Shards[0].Members {
		members = append(members, fmt.Sprintf("%d=%s,bus=%s", m.ID, m.Address, m.Bus))
	}
	if said, err := n.run(members...); err == nil || !strings.Contains(said, warning) || !strings.Contains(said, "Nothing was changed; to put the view anyway: --force") {
		t.Errorf("cohort view set: %v, it says %q", err, said)
	}
	if view, err := n.Client(0).View(t.Context()); err != nil || len(view.Shards) != 0 {
		t.Errorf("the node was put into %+v, %v", view, err)
	}
	answer, err := n.Client(0).PutView(t.Context(), request)
	n.must(err)
	if len(answer.Warnings) != 1 || !strings.Contains(answer.Warnings[0], warning) || !answer.Ready {
		t.Errorf("PUT /view is answered by %+v", answer)
	}
	if n.said(0, "level=WARN msg=data_lost ") != 2 { // for the first view of all, and for this one
		t.Error("the log does not say so")
	}

	for _, i := range n.All() {
		n.must(n.Kill(i))
	}
	for _, i := range n.All() {
		n.must(n.Restart(t.Context(), i))
	}
	if said, err := n.run(append(members, "--force")...); err != nil || !strings.Contains(said, "warning: "+warning) {
		t.Errorf("cohort view set --force: %v, it says %q", err, said)
	}
}

// run runs a command and returns its output.
func (n nodes) run(args ...string) (string, error) {
	n.t.Helper()
	path, err := binary()
	n.must(err)
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(said), err
}

// untilHeard returns when a node without data has heard that there is data.
func (n nodes) untilHeard(i int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	for {
		check, err := n.Client(i).CheckView(ctx, api.ViewRequest{View: n.View(i)})
		n.must(err)
		if len(check.Warnings) > 0 {
			return
		}
	}
}
