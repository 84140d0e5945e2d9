package front

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestV1KeyOperations(t *testing.T) {
	n := start(t)
	const one, two = `"1-00000abc"`, `"2-00000abc"`
	for i, row := range []struct {
		method, header, body    string
		status                  int
		etag, version, msg, out string
	}{
		{"GET", "", "", 404, "", "", "1", "no such key"},
		{"PUT", "Content-Type: image/x", "a\x00b", 201, one, "1", "1", ""},
		{"GET", "", "", 200, one, "1", "2", "a\x00b"},
		{"HEAD", "", "", 200, one, "1", "2", ""},
		{"GET", "If-None-Match: " + one, "", 304, one, "1", "2", ""},
		{"GET", `If-None-Match: "x", W/` + one, "", 304, one, "1", "2", ""},
		{"GET", "If-None-Match: *", "", 304, one, "1", "2", ""},
		{"GET", "If-None-Match: " + two, "", 200, one, "1", "2", "a\x00b"},
		{"GET", "If-Match: " + two, "", 412, one, "1", "2", "another version"},
		{"GET", "Accept: application/json, */*", "", 200, one, "1", "2", "a\x00b"},
		{"PUT", "If-None-Match: *", "x", 412, one, "1", "", "another version"},
		{"PUT", "If-Match: " + two, "x", 412, one, "1", "", "another version"},
		{"PUT", `If-Match: "not-ours"`, "x", 412, one, "1", "", "another version"},
		{"PUT", "If-Match: W/" + one, "x", 412, one, "1", "", "another version"},
		{"DELETE", "If-Match: " + two, "", 412, one, "1", "", "another version"},
		{"PUT", "If-Match: " + one, "x", 204, two, "2", "2", ""},
		{"PUT", "If-Match: *", "x", 204, `"3-00000abc"`, "3", "3", ""},
		{"DELETE", "If-Match: *", "", 204, "", "", "4", ""},
		{"DELETE", "", "", 204, "", "", "5", ""},
		{"DELETE", "If-Match: *", "", 412, "", "", "", "does not exist"},
		{"PUT", "If-None-Match: *", "", 201, `"6-00000abc"`, "6", "6", ""},
	} {
		got := n.ask(t, row.method, "/v1/kv/strong/k", row.body, row.header)
		h := got.header
		if got.status != row.status || h.Get("Etag") != row.etag || h.Get("Cohort-Version") != row.version || h.Get("Msg-Num") != row.msg {
			t.Errorf("row %d: %s %s: %d %v", i, row.method, row.header, got.status, h)
		}
		if !strings.Contains(got.body, row.out) || row.out == "" && got.body != "" {
			t.Errorf("row %d: %s %s: body is %q", i, row.method, row.header, got.body)
		}
		if h.Get("Cohort-Node") != "3" || h.Get("Cohort-View") != "9" {
			t.Errorf("row %d: %v", i, h)
		}
	}
}

func TestTheNameOfTheETagHeaderIsSpelledAsEverybodyDoes(t *testing.T) {
	n := start(t)
	c := n.raw(t, "PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
	if text := readAll(t, c); !strings.Contains(text, "\r\nETag: \"1-00000abc\"\r\n") {
		t.Error(text)
	}
}

func TestContentTypesAreKept(t *testing.T) {
	n := start(t)
	for given, want := range map[string]string{
		"":                         "application/octet-stream",
		"text/plain":               "text/plain",
		"application/json":         "application/json",
		"Image/X; a=b":             "Image/X; a=b",
		"multipart/form-data":      "multipart/form-data",
		"text/plain;charset=UTF-8": "text/plain;charset=UTF-8",
	} {
		body := "--b\r\nnot really\r\n"
		n.ask(t, "PUT", "/v1/kv/strong/k", body, "Content-Type: "+given)
		if got := n.ask(t, "GET", "/v1/kv/strong/k", ""); got.header.Get("Content-Type") != want || got.body+"\n" != body {
			t.Errorf("%q came back as %q with %q", given, got.header.Get("Content-Type"), got.body)
		}
	}
	n.ask(t, "PUT", "/data/k", `{"value":"x"}`)
	if got := n.ask(t, "GET", "/v1/kv/strong/k", "").header.Get("Content-Type"); got != api.TypeText {
		t.Errorf("a classic value is %q", got)
	}
	long := "Content-Type: text/" + strings.Repeat("x", api.MaxContentType)
	if p := problemOf(t, n.ask(t, "PUT", "/v1/kv/strong/k", "x", long)); p.Code != api.CodeBadContentType {
		t.Errorf("%+v", p)
	}
}

func TestAClientThatAcceptsOnlyJSONLearnsAboutTheValue(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/k%ff", "abc")
	got := n.ask(t, "GET", "/v1/kv/strong/k%ff", "", "Accept: application/json")
	var m api.Metadata
	if err := json.Unmarshal([]byte(got.body), &m); err != nil {
		t.Fatal(err)
	}
	want := api.Metadata{KeyBase64: []byte("k\xff"), ETag: `"1-00000abc"`, Version: 1, Size: 3, ContentType: api.TypeBytes}
	if diff := cmp.Diff(want, m); diff != "" || got.header.Get("Content-Type") != api.TypeJSON {
		t.Error(diff, got.header)
	}
}

func TestRequestsThatV1Refuses(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		method, path, header, body string
		code                       api.Code
	}{
		{"GET", "/nothing", "", "", api.CodeNoSuchPath},
		{"GET", "/", "", "", api.CodeNoSuchPath},
		{"GET", "/v1/kv", "", "", api.CodeNoSuchPath},
		{"GET", "/v1/kv/", "", "", api.CodeNoSuchBucket},
		{"GET", "/v1/kv/other/k", "", "", api.CodeNoSuchBucket},
		{"PUT", "/v1/kv/other", "", "", api.CodeNoSuchBucket},
		{"POST", "/v1/txn", "", "", api.CodeNotBuilt},
		{"GET", "/v1/ring", "", "", api.CodeBadQuery},
		{"GET", "/v1/ring?key=", "", "", api.CodeBadQuery},
		{"GET", "/v1/ring?key=" + strings.Repeat("k", api.MaxKey+1), "", "", api.CodeKeyTooLong},
		{"PUT", "/v1/kv/causal/k", `If-Match: "a"`, "x", api.CodeBadCondition},
		{"PUT", "/v1/kv/causal/k", `If-None-Match: *`, "x", api.CodeBadCondition},
		{"DELETE", "/v1/kv/causal/k", `If-Match: *`, "", api.CodeBadCondition},
		{"GET", "/v1/kv/causal/k", "Cohort-Session: nonsense", "", api.CodeBadSession},
		{"PUT", "/v1/kv/causal/k?session=nonsense", "", "x", api.CodeBadSession},
		{"GET", "/v1/kv/causal?session=nonsense", "", "", api.CodeBadSession},
		{"GET", "/v1/kv/causal?limit=0", "", "", api.CodeBadQuery},
		{"PUT", "/v1/kv/causal/k?ttl=3s", "", "x", api.CodeNotBuilt},
		{"GET", "/v1/kv/causal/k", "Accept: text/event-stream", "", api.CodeNotBuilt},
		{"PUT", "/v1/kv/causal/", "", "x", api.CodeBadKey},
		{"POST", "/v1/kv/strong/_batch", "", "", api.CodeNotBuilt},
		{"PUT", "/v1/kv/strong/k?ttl=3s", "", "x", api.CodeNotBuilt},
		{"PUT", "/v1/kv/strong/k", "Idempotency-Key: 1", "x", api.CodeNotBuilt},
		{"GET", "/v1/kv/strong/k", "Accept: text/event-stream", "", api.CodeNotBuilt},
		{"GET", "/v1/kv/strong", "Accept: text/event-stream", "", api.CodeNotBuilt},
		{"GET", "/v1/kv/strong/", "", "", api.CodeBadKey},
		{"PUT", "/v1/kv/strong/", "", "x", api.CodeBadKey},
		{"GET", "/v1/kv/strong/k?timeout=1", "", "", api.CodeBadQuery},
		{"GET", "/v1/kv/strong/k?timeout=-1s", "", "", api.CodeBadQuery},
		{"GET", "/v1/kv/strong/k?timeout=", "", "", api.CodeBadQuery},
		{"PUT", "/v1/kv/strong/k", "If-Match: 1-2", "", api.CodeBadCondition},
		{"PUT", "/v1/kv/strong/k", `If-Match: "a" "b"`, "", api.CodeBadCondition},
		{"GET", "/v1/kv/strong/k", `If-Match: "a`, "", api.CodeBadCondition},
		{"PUT", "/v1/kv/strong/k", `If-None-Match: "a"`, "", api.CodeBadCondition},
		{"DELETE", "/v1/kv/strong/k", `If-None-Match: *`, "", api.CodeBadCondition},
		{"GET", "/v1/kv/strong/" + strings.Repeat("k", api.MaxKey+1), "", "", api.CodeKeyTooLong},
		{"PUT", "/v1/kv/strong/k", "", strings.Repeat("x", api.MaxValue+1), api.CodeValueTooLarge},
		{"PATCH", "/v1/kv/strong/k", "", "", api.CodeMethodNotAllowed},
		{"PUT", "/v1/kv/strong", "", "", api.CodeMethodNotAllowed},
		{"GET", "/readyz?model=x", "", "", api.CodeBadQuery},
		{"GET", "/readyz?model=", "", "", api.CodeBadQuery},
		{"GET", "/metrics", "", "", api.CodeNoSuchPath},
	} {
		if p := problemOf(t, n.ask(t, c.method, c.path, c.body, c.header)); p.Code != c.code {
			t.Errorf("%s %.40s %s: %+v", c.method, c.path, c.header, p)
		}
	}
	if len(n.records) > 0 {
		t.Error("a refused write was applied")
	}
}

func TestTwoConditionsContradictEachOther(t *testing.T) {
	n := start(t)
	p := problemOf(t, n.ask(t, "PUT", "/v1/kv/strong/k", "x", "If-Match: *", "If-None-Match: *"))
	if p.Code != api.CodeBadCondition {
		t.Errorf("%+v", p)
	}
}

func TestClusterShowsWhatTheNodeKnows(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) {
		f.status.Serving, f.status.Waiting, f.status.Reason = false, []core.Wait{{Node: 7}}, "waiting for members to join the round"
		f.outage = silentSeven()
		f.status.Ballot = ids.Ballot{View: ids.View{Number: 9}, Round: 2}
		f.status.Causal, f.status.CausalReady, f.status.Owned, f.status.Other = true, true, 16384, 2
		f.lag = core.Lag{Length: 12, Commit: 11, Members: []core.MemberLag{
			{Node: 4, Greeted: true, Silent: 50 * wire.Millisecond, Logged: true, Log: 11, Replica: true, Missing: 2, Unacked: 1},
			{Node: 5},
		}}
	})
	got := n.ask(t, "GET", "/v1/cluster", "")
	got.body = regexp.MustCompile(`"started":"[^"]+Z"`).ReplaceAllString(got.body, `"started":"then"`)
	want := `{"node":3,"view":[{"id":3,"address":"a:8081"}],"number":9,"member":true,"left_behind":false,"serving":false,` +
		`"primary":3,"ballot":{"view":9,"round":2},"waiting":[{"node":7,"since":"2026-01-02T03:04:05Z","seconds":7.2,"why":"connection refused","detail":"dial a:9081","absent":true}],` +
		`"reason":"waiting for node 7, silent for 7.2 s (connection refused); to go on without it: ` + "`cohort view remove 7`" + `",` +
		`"causal":{"serving":true,"ready":true,"slots_owned":16384,"slots_for_others":2,"slots":16384,"shards":{"":16384},` +
		`"waiting":[{"shard":"b","members":[8,9],"seconds":3}]},"holds":{"keys":1,"causal_keys":2,"causal_tombstones":3,"bytes":4},"started":"then","log":{"position":12,"committed":11},"members":[` +
		`{"id":4,"silent_seconds":0.05,"log_position":11,"causal":{"missing":2,"unacknowledged":1}},` +
		`{"id":5,"silent_seconds":null,"log_position":null,"causal":null}]}`
	if got.status != 200 || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
	n.set(func(f *fake) { f.status, f.outage = core.NodeStatus{}, api.Outage{} })
	if got := n.ask(t, "GET", "/v1/cluster", ""); !strings.Contains(got.body, `"primary":null,"ballot":null,"waiting":[]`) {
		t.Error(got.body)
	}
}

func TestTheDocumentForToolsIsServed(t *testing.T) {
	n := start(t)
	got := n.ask(t, "GET", "/openapi.yaml", "")
	if got.status != 200 || got.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(got.body, "openapi: 3.1.0\n") {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestReadinessTellsTheTruth(t *testing.T) {
	n := start(t)
	serving := core.NodeStatus{Present: true, Member: true, Serving: true, CausalReady: true, Causal: true}
	waits, behind, unready := serving, serving, serving
	waits.Waiting = []core.Wait{{Node: 7}}
	behind.LeftBehind, behind.Serving = true, false
	unready.CausalReady = false
	for _, c := range []struct {
		path   string
		status core.NodeStatus
		outage api.Outage
		stuck  string
		want   int
		says   string
	}{
		{"/livez", core.NodeStatus{}, api.Outage{}, "", 200, ""},
		{"/livez", serving, api.Outage{}, "a step has not ended", 503, "a step has not ended"},
		{"/readyz", core.NodeStatus{}, api.Outage{}, "", 503, "this node has no view"},
		{"/readyz", core.NodeStatus{Present: true}, api.Outage{}, "", 503, "not in its view"},
		{"/readyz", behind, api.Outage{}, "", 503, "left behind"},
		{"/readyz", serving, api.Outage{}, "", 200, ""},
		{"/readyz", waits, silentSeven(), "", 200, ""},
		{"/readyz", serving, api.Outage{Bus: "login refused"}, "", 503, "login refused"},
		{"/readyz?model=strong", serving, api.Outage{}, "", 200, ""},
		{"/readyz?model=strong", core.NodeStatus{}, api.Outage{}, "", 503, "no view"},
		{"/readyz?model=strong", waits, silentSeven(), "", 503, "strong: waiting for node 7, silent for 7.2 s (connection refused); to go on without it: `cohort view remove 7`"},
		{"/readyz?model=causal", serving, api.Outage{}, "", 200, ""},
		{"/readyz?model=causal", serving, silentSeven(), "", 200, `shard "b" (nodes 8 and 9), silent for 3.0 s`},
		{"/readyz?model=causal", unready, api.Outage{}, "", 503, "not brought in"},
	} {
		n.set(func(f *fake) { f.status, f.outage, f.stuck = c.status, c.outage, c.stuck })
		got := n.ask(t, "GET", c.path, "")
		var said struct{ Reason, Detail string }
		if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != c.want || !strings.Contains(said.Reason+said.Detail, c.says) {
			t.Errorf("%s: want %d %s, got %d %s", c.path, c.want, c.says, got.status, got.body)
		}
	}
}

// silentSeven is an outage: of two other members, node 7 is silent. Shard b is
// silent too.
func silentSeven() api.Outage {
	return api.Outage{
		Strong: []api.Wait{{Node: 7, Since: "2026-01-02T03:04:05Z", Seconds: 7.2, Why: "connection refused", Detail: "dial a:9081", Absent: true}},
		Shards: []api.ShardWait{{Shard: "b", Members: []uint64{8, 9}, Seconds: 3}},
		Others: 2,
	}
}

func TestARequestThatWaitedInVainSaysForWhom(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.hold, f.outage = true, silentSeven() })
	advice := "waiting for node 7, silent for 7.2 s (connection refused); to go on without it: `cohort view remove 7`"
	for _, c := range []struct {
		method, path string
		code         api.Code
		says         string
		names        int
	}{
		{"GET", "/v1/kv/strong/k", api.CodeReadUnanswered, "the request's timeout ran out; " + advice, 1},
		{"PUT", "/v1/kv/strong/k", api.CodeOutcomeUnknown, "it may have taken effect, or may yet; " + advice, 1},
		{"GET", "/v1/kv/strong", api.CodeReadUnanswered, advice, 1},
		{"GET", "/v1/kv/causal/k", api.CodeReadUnanswered, `shard "b" (nodes 8 and 9), silent for 3.0 s`, 0},
		{"PUT", "/v1/kv/causal/k", api.CodeOutcomeUnknown, `shard "b" (nodes 8 and 9), silent for 3.0 s`, 0},
	} {
		p := problemOf(t, n.ask(t, c.method, c.path+"?timeout=1ms", "x"))
		if p.Code != c.code || !strings.Contains(p.Detail, c.says) || len(p.Waiting) != c.names {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
		}
	}
}
