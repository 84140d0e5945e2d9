package front

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// said is what a classic answer of a causal bucket contains.
type said struct {
	Value    *string           `json:"value"`
	Error    string            `json:"error"`
	Items    map[string]string `json:"items"`
	Metadata json.RawMessage   `json:"causal-metadata"`
}

func saidBy(t testing.TB, got response) (s said) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), &s); err != nil {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	return s
}

// seenIn are the counters of the keys that the metadata mentions.
func seenIn(t testing.TB, metadata string, keys ...string) map[string]uint64 {
	t.Helper()
	session, err := api.ParseMetadata([]byte(metadata))
	if err != nil {
		t.Fatalf("%s: %v", metadata, err)
	}
	seen := map[string]uint64{}
	if len(session) == 0 {
		return seen
	}
	c, err := wire.ParseContext("test", nil, string(session))
	if err != nil {
		t.Fatalf("%s: %v", metadata, err)
	}
	for _, key := range keys {
		if v := named(c, key); !v.IsZero() {
			seen[key] = v.Counter
		}
	}
	if len(seen) != len(c.Exact) {
		t.Errorf("%s names other keys than %v", metadata, keys)
	}
	return seen
}

// The causal answers of the classic surface, one after another, for one client that
// sends back the metadata of each answer.
func TestClassicCausalOperationsAnswerAsTheTableSays(t *testing.T) {
	n := startWith(t, "causal")
	metadata := "{}"
	for i, row := range []struct {
		method, path, body string // ~: the metadata
		status             int
		want               string
		seen               map[string]uint64
	}{
		{"GET", "/data/x", `{"causal-metadata":~}`, 404, `{"error":"no such key","causal-metadata":~}`, map[string]uint64{}},
		{"PUT", "/data/x", `{"value":"one","causal-metadata":~}`, 200, `{"causal-metadata":~}`, map[string]uint64{"x": 1}},
		{"PUT", "/data/x", `{"causal-metadata":~,"value":""}`, 200, `{"causal-metadata":~}`, map[string]uint64{"x": 2}},
		{"GET", "/data/x", `{"causal-metadata":~}`, 200, `{"value":"","causal-metadata":~}`, map[string]uint64{"x": 2}},
		{"GET", "/data/y", `{"causal-metadata":~}`, 404, `{"error":"no such key","causal-metadata":~}`, map[string]uint64{"x": 2}},
		{"PUT", "/data/a%2Fb", `{ "value" : "ü\"" , "other": [1], "causal-metadata" : ~ }`, 200, `{"causal-metadata":~}`, map[string]uint64{"x": 2, "a/b": 1}},
		{"GET", "/data", `{"causal-metadata":~}`, 200, `{"items":{"a/b":"ü\"","x":""},"causal-metadata":~}`, map[string]uint64{"x": 2, "a/b": 1}},
		{"DELETE", "/data/x", `{"causal-metadata":~}`, 200, `{"causal-metadata":~}`, map[string]uint64{"x": 3, "a/b": 1}},
		{"DELETE", "/data/z", `{"causal-metadata":~}`, 200, `{"causal-metadata":~}`, map[string]uint64{"x": 3, "a/b": 1, "z": 1}},
		{"GET", "/data/x", `{"causal-metadata":~}`, 404, `{"error":"no such key","causal-metadata":~}`, map[string]uint64{"x": 3, "a/b": 1, "z": 1}},
		{"GET", "/data/x", ``, 404, `{"error":"no such key","causal-metadata":~}`, map[string]uint64{"x": 3}},
		{"GET", "/data", ``, 200, `{"items":{"a/b":"ü\""},"causal-metadata":~}`, map[string]uint64{"x": 3, "a/b": 1, "z": 1}},
	} {
		got := n.ask(t, row.method, row.path, strings.ReplaceAll(row.body, "~", metadata))
		metadata = string(saidBy(t, got).Metadata)
		if want := strings.ReplaceAll(row.want, "~", metadata); got.status != row.status || got.body != want {
			t.Errorf("row %d: %s %s: %d %s, want %s", i, row.method, row.path, got.status, got.body, want)
		}
		if diff := cmp.Diff(row.seen, seenIn(t, metadata, "x", "y", "z", "a/b")); diff != "" {
			t.Errorf("row %d: %s %s: %s", i, row.method, row.path, diff)
		}
		if got.header.Get("Node-Id") != "3" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("row %d: headers are %v", i, got.header)
		}
	}
}

func TestMetadataIsTakenInEveryFormThatAClientMayEchoItIn(t *testing.T) {
	n := startWith(t, "causal")
	object := string(saidBy(t, n.ask(t, "PUT", "/data/x", `{"value":"v"}`)).Metadata)
	session, err := api.ParseMetadata([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	other := string(saidBy(t, n.ask(t, "PUT", "/data/y", `{"value":"v"}`)).Metadata)
	for _, c := range []struct {
		body, header string
		seen         map[string]uint64
	}{
		{`{"causal-metadata":` + object + `}`, "", map[string]uint64{"x": 1}},
		{`{"causal-metadata": { "session" : "` + string(session) + `" } }`, "", map[string]uint64{"x": 1}},
		{`{"causal-metadata":"` + string(session) + `"}`, "", map[string]uint64{"x": 1}},
		{`{"causal-metadata":{"session":"\u0041` + string(session[1:]) + `"}}`, "", map[string]uint64{"x": 1}}, // they begin with A
		{``, object, map[string]uint64{"x": 1}},
		{``, string(session), map[string]uint64{"x": 1}},
		{``, `"` + string(session) + `"`, map[string]uint64{"x": 1}},
		{`{}`, object, map[string]uint64{"x": 1}},
		{`{"causal-metadata":` + other + `}`, object, map[string]uint64{"y": 1}}, // the body wins
		{`{"causal-metadata":{}}`, object, map[string]uint64{}},
		{`{"causal-metadata":null}`, object, map[string]uint64{}},
		{`{"causal-metadata": {  } }`, "", map[string]uint64{}},
		{`{"causal-metadata":{}}`, "", map[string]uint64{}},
		{``, "{}", map[string]uint64{}},
		{``, "", map[string]uint64{}},
	} {
		got := n.ask(t, "GET", "/data/unknown", c.body, "X-Causal-Metadata: "+c.header)
		if got.status != 404 {
			t.Errorf("%s, header %s: %d %s", c.body, c.header, got.status, got.body)
			continue
		}
		if diff := cmp.Diff(c.seen, seenIn(t, string(saidBy(t, got).Metadata), "x", "y")); diff != "" {
			t.Errorf("%s, header %s: %s", c.body, c.header, diff)
		}
	}
}

func TestClassicCausalRequestsThatAreNoGood(t *testing.T) {
	n := startWith(t, "causal")
	foreign := wire.AppendContextText(nil, "another", nil, with(wire.Context{}, &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}}))
	for _, c := range []struct {
		method, body string
		want         string
	}{
		{"PUT", ``, "missing"},
		{"PUT", `x`, "not JSON"},
		{"PUT", `[]`, "not a JSON object"},
		{"PUT", `{}`, `no "value"`},
		{"PUT", `{"causal-metadata":{}}`, `no "value"`},
		{"PUT", `{"value":7}`, "not a string"},
		{"PUT", `{"value":null,"causal-metadata":{}}`, "not a string"},
		{"PUT", `{"value":"v","causal-metadata":7}`, "session"},
		{"PUT", `{"value":"v","causal-metadata":[]}`, "session"},
		{"PUT", `{"value":"v","causal-metadata":true}`, "session"},
		{"PUT", `{"value":"v","causal-metadata":""}`, "not made by a node"},
		{"PUT", `{"value":"v","causal-metadata":{"x":1}}`, "not made by a node"},
		{"PUT", `{"value":"v","causal-metadata":{"session":7}}`, "not made by a node"},
		{"PUT", `{"value":"v","causal-metadata":{"session":""}}`, "not made by a node"},
		{"PUT", `{"value":"v","causal-metadata":"AAAA"}`, "session"},
		{"PUT", `{"value":"v","causal-metadata":{"session":"` + strings.Repeat("A", 20000) + `"}}`, "at most"},
		{"PUT", `{"value":"v","causal-metadata":{"session":"` + string(foreign) + `"}}`, "another cluster"},
		{"GET", `nonsense`, "not JSON"},
		{"GET", `{"causal-metadata":"nonsense"}`, "session"},
		{"DELETE", `{"causal-metadata":{"a":{}}}`, "not made by a node"},
	} {
		got := n.ask(t, c.method, "/data/x", c.body)
		if got.status != 400 || !strings.Contains(saidBy(t, got).Error, c.want) || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %.60s: %d %s", c.method, c.body, got.status, got.body)
		}
	}
	if got := n.ask(t, "GET", "/data", `{"causal-metadata":"nonsense"}`); got.status != 400 {
		t.Errorf("list: %d %s", got.status, got.body)
	}
	if got := n.ask(t, "PUT", "/data/x", `{"value":"`+strings.Repeat("x", api.MaxValue+1)+`"}`); got.status != 413 {
		t.Errorf("a large value: %d", got.status)
	}
	if len(n.items) != 0 {
		t.Errorf("a refused write was applied: %v", n.items)
	}
}

func TestDataIsTheCausalBucketWhereThatIsTheDefault(t *testing.T) {
	n := startWith(t, "causal")
	n.ask(t, "PUT", "/v1/kv/causal/k", "a\xffb")
	if got := n.ask(t, "GET", "/data/k", ""); *saidBy(t, got).Value != "a\ufffdb" || got.header.Get("Cohort-Lossy") != "utf-8" {
		t.Errorf("%s %v", got.body, got.header)
	}
	if got := n.ask(t, "GET", "/data", ""); saidBy(t, got).Items["k"] != "a\ufffdb" || got.header.Get("Cohort-Lossy") != "utf-8" {
		t.Errorf("%s %v", got.body, got.header)
	}
	n.ask(t, "PUT", "/data/k", `{"value":"text"}`)
	if got := n.ask(t, "GET", "/v1/kv/causal/k", ""); got.body != "text" || got.header.Get("Content-Type") != api.TypeText {
		t.Errorf("%s %v", got.body, got.header)
	}
	if got := n.ask(t, "GET", "/v1/kv/strong/k", ""); got.status != 404 {
		t.Errorf("the strong bucket has it, too: %d", got.status)
	}
}

func TestALargeShardIsStreamedWhole(t *testing.T) {
	n := startWith(t, "causal")
	want := map[string]string{}
	n.set(func(f *fake) {
		for i := range 40 {
			key, value := strings.Repeat("k", i+1), strings.Repeat(string(rune('a'+i%26)), 20000)
			want[key] = value
			version := wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: uint64(i + 1)}}
			f.items[key] = &wire.Item{Key: key, Value: []byte(value), Version: version}
		}
	})
	got := saidBy(t, n.ask(t, "GET", "/data", ""))
	if diff := cmp.Diff(want, got.Items); diff != "" {
		t.Error(diff)
	}
	session, err := api.ParseMetadata(got.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := wire.ParseContext("test", nil, string(session)); err != nil || len(c.Exact) != 40 {
		t.Errorf("%d entries, %v", len(c.Exact), err)
	}
}

func TestOnlyARemovedNodeAnswersClassicCausalRequestsWith503(t *testing.T) {
	n := startWith(t, "causal")
	n.set(func(f *fake) { f.outcome = core.NotInView })
	for _, request := range [][3]string{{"GET", "/data/x"}, {"GET", "/data"}, {"PUT", "/data/x", `{"value":"x"}`}, {"DELETE", "/data/x"}} {
		if got := n.ask(t, request[0], request[1], request[2]); got.status != 503 || saidBy(t, got).Error == "" {
			t.Errorf("%s %s: %d %s", request[0], request[1], got.status, got.body)
		}
	}
}

func TestAClassicCausalReadIsAnswered408InTheEnd(t *testing.T) {
	n := startConfigured(t, Config{DefaultBucket: "causal", patience: 5 * time.Millisecond})
	n.set(func(f *fake) { f.hold = true })
	for _, path := range []string{"/data/x", "/data"} {
		if got := n.ask(t, "GET", path, ""); got.status != 408 || saidBy(t, got).Error == "" {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
		if w := <-n.held; <-n.abandoned != w {
			t.Error("another request was taken back")
		}
	}
}

func BenchmarkCausalBodies(b *testing.B) {
	session := strings.Repeat("A", 120)
	for name, body := range map[string]string{
		"plain":   fmt.Sprintf(`{"value":"%s","causal-metadata":{"session":"%s"}}`, strings.Repeat("x", 128), session),
		"escaped": fmt.Sprintf(`{"value":"%s\n","causal-metadata":{"session":"%s"}}`, strings.Repeat("x", 128), session),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := api.ParseCausalBody([]byte(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
