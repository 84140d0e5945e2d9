package front

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

func TestForgettingANodeIsAnsweredByWhatBecameOfIt(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		method, path string
		result       core.ForgetResult
		status       int
		want         string
	}{
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetDone, Versions: 3, Slots: 2, Requests: 4}, 200,
			`{"node":2,"done":true,"lost_versions":3,"lost_slots":2,"waiting_requests":4}`},
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetPending, Waiting: []ids.Node{1}}, 202, `"done":false`},
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetPending, Waiting: []ids.Node{1}}, 202, `"waiting_for":[1]`},
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetMember}, 409, string(api.CodeNodeInUse)},
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetHeard}, 409, "still heard"},
		{"POST", "/v1/nodes/2/forget", core.ForgetResult{Fate: core.ForgetUnknown}, 404, string(api.CodeNoSuchNode)},
		{"POST", "/v1/nodes/x/forget", core.ForgetResult{}, 404, string(api.CodeNoSuchNode)},
		{"POST", "/v1/nodes/-1/forget", core.ForgetResult{}, 404, string(api.CodeNoSuchNode)},
		{"GET", "/v1/nodes/2/forget", core.ForgetResult{}, 405, "POST"},
		{"POST", "/v1/nodes/forget", core.ForgetResult{}, 404, string(api.CodeNoSuchPath)},
		{"POST", "/v1/nodes/2/forget?force=1", core.ForgetResult{}, 400, string(api.CodeBadQuery)},
	} {
		n.set(func(f *fake) { f.forgotten = c.result })
		got := n.ask(t, c.method, c.path, "")
		if got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s, %+v: %d %s", c.method, c.path, c.result, got.status, got.body)
		}
	}
	n.set(func(f *fake) { f.outcome = core.NotInView })
	if got := n.ask(t, "POST", "/v1/nodes/2/forget", ""); got.status != 503 {
		t.Errorf("outside a view: %d %s", got.status, got.body)
	}
}
