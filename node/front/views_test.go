package front

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// reported is a node to which a view with three other members was put. Each of them
// takes the view differently.
func reported(t *testing.T) *node {
	n := start(t)
	n.set(func(f *fake) {
		f.outcome = core.ViewUnready
		f.report = &core.ViewReport{Members: []core.MemberReport{
			{Node: 4, Stand: core.MemberFollows},
			{Node: 5, Stand: core.MemberForeign, Held: ids.View{Number: 7}},
			{Node: 6, Stand: core.MemberSilent},
		}, Loss: &core.Loss{View: ids.View{Number: 9}, Expected: []ids.Node{4, 5}}}
		f.ways = func(id ids.Node) (why, detail string) { return "no route", "dial 6" }
	})
	return n
}

const fourMembers = `{"view":[{"address":"a:1","id":3},{"address":"b:1","id":4},{"address":"c:1","id":5},{"address":"d:1","id":6}]}`

func TestTheAnswerToAViewSaysHowEachMemberTakesIt(t *testing.T) {
	n := reported(t)
	for path, status := range map[string]int{"/view": http.StatusOK, "/v1/view": http.StatusAccepted} {
		got := n.ask(t, "PUT", path, fourMembers)
		var answer api.ViewAnswer
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != status {
			t.Fatalf("PUT %s: %d %s", path, got.status, got.body)
		}
		want := []api.ViewMember{
			{ID: 4, Address: "b:1", State: api.MemberFollows},
			{ID: 5, Address: "c:1", State: api.MemberForeign, Reason: "node 5 belongs to another cluster, where it holds view 7; put this view to it as well to take it in, or right the address"},
			{ID: 6, Address: "d:1", State: api.MemberUnreached, Reason: "no route: dial 6"},
		}
		if d := cmp.Diff(want, answer.Members); d != "" || answer.Ready || answer.Reason != want[1].Reason {
			t.Errorf("%s: ready %t, %q, members (-want +got):\n%s", path, answer.Ready, answer.Reason, d)
		}
		if len(answer.Warnings) != 1 || !strings.Contains(answer.Warnings[0], "held in view 9; started with --expect-data: node 4, node 5.") {
			t.Errorf("%s warns %q", path, answer.Warnings)
		}
		if path == "/view" && got.header.Get("Node-Id") == "" {
			t.Error("no Node-Id")
		}
	}
}

func TestADryRunSaysWhatWouldComeOfAView(t *testing.T) {
	n := reported(t)
	n.set(func(f *fake) { f.outcome = 0 })
	got := n.ask(t, "PUT", "/v1/view?dry-run=true", fourMembers)
	var answer api.ViewCheck
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK || len(answer.Members) != 3 || len(answer.Warnings) != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, path := range []string{"/v1/view?dry-run=yes", "/v1/view?dry-run=", "/v1/view?dry-runs=true"} {
		if p := problemOf(t, n.ask(t, "PUT", path, fourMembers)); p.Code != api.CodeBadQuery {
			t.Errorf("%s: %+v", path, p)
		}
	}
	n.ask(t, "PUT", "/v1/view?timeout=700ms", fourMembers)
	if n.limit != 700*wire.Millisecond {
		t.Errorf("the node may take %d ns", n.limit)
	}
	n.set(func(f *fake) { f.status = core.NodeStatus{} })
	if got := n.ask(t, "GET", "/v1/view", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"ready":true,"view":[]`) {
		t.Errorf("without a view: %d %s", got.status, got.body)
	}
	if got := n.ask(t, "DELETE", "/v1/view", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", got.status)
	}
}

func TestANodeTakesSoManyViewsAtATime(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.hold, f.abandoned = true, make(chan *Waiter, api.MaxPuts) })
	for range api.MaxPuts {
		n.raw(t, "PUT /view HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n"+emptyView)
		<-n.held
	}
	got := n.ask(t, "PUT", "/view", fourMembers)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "64") {
		t.Errorf("the next one: %d %s", got.status, got.body)
	}
}

func TestAViewHasSoManyMembers(t *testing.T) {
	list := make([]string, api.MaxMembers+1)
	for i := range list {
		list[i] = `{"id":` + strconv.Itoa(i) + `,"address":"h:` + strconv.Itoa(i+1) + `"}`
	}
	n := start(t)
	if got := n.ask(t, "PUT", "/view", `{"view":[`+strings.Join(list, ",")+`]}`); got.status != http.StatusBadRequest || !strings.Contains(got.body, "256") {
		t.Errorf("one too many: %d %s", got.status, got.body)
	}
	if got := n.ask(t, "PUT", "/view", `{"view":[`+strings.Join(list[1:], ",")+`]}`); got.status != http.StatusOK {
		t.Errorf("as many as there may be: %d %.200s", got.status, got.body)
	}
}
