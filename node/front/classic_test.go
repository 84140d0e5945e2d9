package front

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// The strong answers of the classic surface, one after another on one store.
func TestClassicKeyOperationsAnswerAsTheTableSays(t *testing.T) {
	n := start(t)
	for i, row := range []struct {
		method, path, body string
		status             int
		msgNum             string
		want               string
	}{
		{"GET", "/data/x", "", 404, "1", `{"error":"no such key"}`},
		{"PUT", "/data/x", `{"value":"one"}`, 201, "1", `{"result":"created"}`},
		{"GET", "/data/x", "", 200, "2", `{"value":"one"}`},
		{"GET", "/data/x", `{"causal-metadata":{}}`, 200, "2", `{"value":"one"}`},
		{"PUT", "/data/x", `{"value":""}`, 200, "2", `{"result":"replaced"}`},
		{"GET", "/data/x", "", 200, "3", `{"value":""}`},
		{"GET", "/data", "", 200, "3", `{"x":""}`},
		{"DELETE", "/data/x", "ignored", 200, "3", `{"result":"deleted"}`},
		{"DELETE", "/data/x", "", 404, "4", `{"error":"no such key"}`},
		{"GET", "/data", "", 200, "5", `{}`},
		{"PUT", "/data/a/b%2Fc", `{"value":"\u00fc\"\n"}`, 201, "5", `{"result":"created"}`},
		{"GET", "/data/a%2Fb/c", "", 200, "6", `{"value":"ü\"\n"}`},
		{"HEAD", "/data/a%2Fb/c", "", 200, "6", ``},
		{"GET", "/data", "", 200, "6", `{"a/b/c":"ü\"\n"}`},
	} {
		got := n.ask(t, row.method, row.path, row.body)
		if got.status != row.status || got.header.Get("Msg-Num") != row.msgNum || got.body != row.want {
			t.Errorf("row %d: %s %s: %d, Msg-Num %s, %s", i, row.method, row.path, got.status, got.header.Get("Msg-Num"), got.body)
		}
		if got.header.Get("Node-Id") != "3" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("row %d: headers are %v", i, got.header)
		}
	}
}

func TestClassicWritesThatAreNoGood(t *testing.T) {
	n := start(t)
	big := strings.Repeat("x", api.MaxValue+1)
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/data/x", ``, 400, "missing"},
		{"/data/x", `x`, 400, "not JSON"},
		{"/data/x", `[]`, 400, "not a JSON object"},
		{"/data/x", `{}`, 400, `no "value"`},
		{"/data/x", `{"value":7}`, 400, "not a string"},
		{"/data/x", `{"value":null}`, 400, "not a string"},
		{"/data/", `{"value":"x"}`, 400, "empty"},
		{"/data/" + strings.Repeat("k", api.MaxKey+1), `{"value":"x"}`, 414, "longer"},
		{"/data/x", `{"value":"` + big + `"}`, 413, "at most"},
	} {
		got := n.ask(t, "PUT", c.path, c.body)
		var e api.ClassicError
		if err := json.Unmarshal([]byte(got.body), &e); err != nil || got.status != c.status || !strings.Contains(e.Error, c.want) {
			t.Errorf("PUT %.20s %.20s: %d %s (%v)", c.path, c.body, got.status, got.body, err)
		}
		if got.header.Get("Msg-Num") != "" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("PUT %.20s %.20s: headers are %v", c.path, c.body, got.header)
		}
	}
	if len(n.records) != 0 {
		t.Errorf("a refused write was applied: %v", keysOf(n.records))
	}
}

func TestTheLargestKeyAndValueAreTaken(t *testing.T) {
	n := start(t)
	path := "/data/" + strings.Repeat("%00", api.MaxKey)
	body, _ := api.AppendValue(nil, []byte(strings.Repeat("\x01", api.MaxValue)))
	if got := n.ask(t, "PUT", path, string(body)); got.status != 201 {
		t.Fatalf("PUT: %d %.100s", got.status, got.body)
	}
	if got := n.ask(t, "GET", path, ""); got.status != 200 || got.body != string(body) {
		t.Fatalf("GET: %d, %d bytes", got.status, len(got.body))
	}
}

func TestEveryKeyIsTheSameKeyOnBothSurfaces(t *testing.T) {
	n := start(t)
	rapid.Check(t, func(rt *rapid.T) {
		key := string(rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(rt, "key"))
		n.set(func(f *fake) { clear(f.records) })
		if got := n.ask(t, "PUT", api.DataPath(key), `{"value":"v"}`); got.status != 201 {
			rt.Fatalf("PUT %q: %d %s", key, got.status, got.body)
		}
		n.set(func(f *fake) {
			if _, ok := f.records[key]; !ok || len(f.records) != 1 {
				rt.Errorf("%q was stored as %q", key, keysOf(f.records))
			}
		})
		if got := n.ask(t, "GET", api.KVPath("strong", key), ""); got.status != 200 || got.body != "v" {
			rt.Fatalf("GET %q: %d %s", key, got.status, got.body)
		}
		if got := n.ask(t, "DELETE", api.KVPath("strong", key), ""); got.status != 204 {
			rt.Fatalf("DELETE %q: %d %s", key, got.status, got.body)
		}
		if got := n.ask(t, "GET", api.DataPath(key), ""); got.status != 404 {
			rt.Fatalf("GET %q: %d %s", key, got.status, got.body)
		}
	})
}

func keysOf(m map[string]wire.Record) []string { return slices.Sorted(maps.Keys(m)) }

func TestAValueThatIsNoTextIsShownWithReplacementsAndSaysSo(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/b", "a\xffb")
	if got := n.ask(t, "GET", "/data/b", ""); got.body != `{"value":"a\ufffdb"}` || got.header.Get("Cohort-Lossy") != "utf-8" {
		t.Errorf("GET /data/b: %s %v", got.body, got.header)
	}
	if got := n.ask(t, "GET", "/data", ""); got.body != `{"b":"a\ufffdb"}` || got.header.Get("Cohort-Lossy") != "utf-8" {
		t.Errorf("GET /data: %s %v", got.body, got.header)
	}
	n.ask(t, "PUT", "/v1/kv/strong/b", "ab")
	if got := n.ask(t, "GET", "/data", ""); got.body != `{"b":"ab"}` || got.header.Get("Cohort-Lossy") != "" {
		t.Errorf("GET /data: %s %v", got.body, got.header)
	}
}

func TestALargeStoreIsStreamedWhole(t *testing.T) {
	n := start(t)
	want := map[string]string{}
	n.set(func(f *fake) {
		for i := range 40 {
			key, value := strings.Repeat("k", i+1), strings.Repeat(string(rune('a'+i%26)), 20000)
			want[key] = value
			f.records[key] = wire.Record{Key: key, Value: []byte(value)}
		}
		f.next = 41
	})
	got := n.ask(t, "GET", "/data", "")
	var data map[string]string
	if err := json.Unmarshal([]byte(got.body), &data); err != nil || got.header.Get("Msg-Num") != "41" {
		t.Fatalf("%v, Msg-Num %s", err, got.header.Get("Msg-Num"))
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Error(diff)
	}
	if got := n.ask(t, "HEAD", "/data", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
}

func TestWhatIsNotAppliedIsA503(t *testing.T) {
	n := start(t)
	for want, status := range map[string]core.NodeStatus{
		"no view":         {},
		"not in its view": {Present: true},
		"left behind":     {Present: true, Member: true, LeftBehind: true},
	} {
		n.set(func(f *fake) { f.outcome, f.status = core.NotInView, status })
		for _, request := range [][3]string{{"GET", "/data/x"}, {"GET", "/data"}, {"PUT", "/data/x", `{"value":"x"}`}, {"DELETE", "/data/x"}} {
			got := n.ask(t, request[0], request[1], request[2])
			if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, want) || got.header.Get("Msg-Num") != "" {
				t.Errorf("%s %s: %d %s %v", request[0], request[1], got.status, got.body, got.header)
			}
		}
		for _, path := range []string{"/v1/kv/strong/x", "/v1/kv/strong"} {
			if p := problemOf(t, n.ask(t, "GET", path, "")); p.Status != 503 || !p.Retryable || p.Code != api.CodeNotInView {
				t.Errorf("GET %s: %+v", path, p)
			}
		}
		if got := n.ask(t, "GET", "/ping", ""); got.status != 200 {
			t.Errorf("GET /ping: %d", got.status)
		}
	}
}

func TestAWriteWhoseResultWasLostIsUnknown(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.result = wire.Unknown })
	if got := n.ask(t, "PUT", "/data/x", `{"value":"x"}`); got.status != 504 {
		t.Errorf("classic: %d %s", got.status, got.body)
	}
	if p := problemOf(t, n.ask(t, "PUT", "/v1/kv/strong/x", "x")); p.Status != 504 || p.Outcome != api.Unknown {
		t.Errorf("v1: %+v", p)
	}
}

func TestViewsAreTakenAndShownInTheirShape(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		put, shown string
		force      bool
	}{
		{`{"view":[{"address":"b:1","id":2},{"id":1,"address":"a:1","bus":"a:9"}]}`, `[{"id":1,"address":"a:1","bus":"a:9"},{"id":2,"address":"b:1"}]`, false},
		{`{"view":{"B":[],"A":[{"address":"a:1","id":0,"x":1}]},"force":true}`, `{"A":[{"id":0,"address":"a:1"}],"B":[]}`, true},
		{`{"view":[]}`, `[]`, false},
		{`{"view":{}}`, `{}`, false},
	} {
		got := n.ask(t, "PUT", "/view", c.put)
		if got.status != 200 || got.body != `{"result":"ready","view":`+c.shown+`,"number":9,"ready":true,"members":[]}` || n.force != c.force {
			t.Errorf("PUT %s: %d %s", c.put, got.status, got.body)
		}
		if got := n.ask(t, "GET", "/view", ""); got.status != 200 || got.body != `{"view":`+c.shown+`}` {
			t.Errorf("GET after %s: %d %s", c.put, got.status, got.body)
		}
	}
	n.set(func(f *fake) { f.status = core.NodeStatus{} })
	if got := n.ask(t, "GET", "/view", ""); got.body != `{"view":[]}` {
		t.Errorf("without a view: %s", got.body)
	}
}

func TestEveryEndOfAPutViewIs200(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		outcome core.Outcome
		member  bool
		want    api.ViewResult
	}{
		{core.ViewServed, true, api.ViewReady},
		{core.ViewServed, false, api.ViewNotServed},
		{core.ViewUnready, true, api.ViewUnready},
		{core.ViewOvertaken, true, api.ViewOvertaken},
	} {
		n.set(func(f *fake) { f.outcome, f.status.Member = c.outcome, c.member })
		got := n.ask(t, "PUT", "/view", `{"view":[{"address":"a:8081","id":3}]}`)
		var document map[string]any
		if err := json.Unmarshal([]byte(got.body), &document); err != nil || got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", c.want, got.status, got.body)
		}
		if _, metadata := document["causal-metadata"]; metadata || document["result"] != string(c.want) {
			t.Errorf("%s: %s", c.want, got.body)
		}
		if (document["reason"] == nil) != (c.want == api.ViewReady) {
			t.Errorf("%s: reason is %v", c.want, document["reason"])
		}
	}
}

func TestViewsThatAreNoGoodReachNobody(t *testing.T) {
	n := start(t)
	for _, body := range []string{``, `x`, `{}`, `{"view":1}`, `{"view":[{"address":"a:0","id":1}]}`, `{"view":[{"address":"a:1","id":-1}]}`,
		`{"view":[{"address":"a:1","id":1},{"address":"b:1","id":1}]}`} {
		got := n.ask(t, "PUT", "/view", body)
		var e api.ClassicError
		if err := json.Unmarshal([]byte(got.body), &e); err != nil || got.status != 400 || e.Error == "" {
			t.Errorf("PUT %s: %d %s", body, got.status, got.body)
		}
	}
	if n.layout.Shards != nil {
		t.Errorf("the backend got %v", n.layout)
	}
}
