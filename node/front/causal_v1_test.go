package front

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// One client. It sends the session of the last answer unless a row says otherwise.
func TestV1CausalKeyOperations(t *testing.T) {
	n := start(t)
	tag := func(counter, number int) string { // of the stream of view 9 by node 3 in its boot 5
		var origin []byte
		for _, part := range []uint64{9, 0, 0, 5} {
			origin = binary.LittleEndian.AppendUint64(origin, part)
		}
		sum := crc32.Checksum(origin, crc32.MakeTable(crc32.Castagnoli))
		return string(api.CausalVersion{Counter: uint64(counter), Node: 3, N: uint64(number), Fingerprint: sum}.AppendETag(nil))
	}
	one, two := tag(1, 2), tag(2, 3)
	session := ""
	for i, row := range []struct {
		method, header, body string
		status               int
		etag, version, out   string
		seen                 uint64 // counter of the key in the session
	}{
		{"GET", "", "", 404, "", "", "no such key", 0},
		{"PUT", "Content-Type: image/x", "a\x00b", 201, one, "1", "", 1},
		{"GET", "", "", 200, one, "1", "a\x00b", 1},
		{"HEAD", "", "", 200, one, "1", "", 1},
		{"GET", "Cohort-Session: ", "", 200, one, "1", "a\x00b", 1},
		{"GET", "If-None-Match: " + one, "", 304, one, "1", "", 1},
		{"GET", "If-None-Match: " + two, "", 200, one, "1", "a\x00b", 1},
		{"PUT", "", "x", 204, two, "2", "", 2},
		{"GET", "Accept: application/json", "", 200, two, "2", `"content_type":"application/octet-stream"`, 2},
		{"DELETE", "", "", 204, "", "", "", 3},
		{"GET", "", "", 404, "", "", "no such key", 3},
		{"DELETE", "", "", 204, "", "", "", 4},
		{"PUT", "", "x", 201, tag(5, 6), "5", "", 5},
		{"PUT", "", "x", 204, tag(6, 7), "6", "", 6},
	} {
		headers := []string{"Cohort-Session: " + session, row.header}
		got := n.ask(t, row.method, "/v1/kv/causal/k", row.body, headers...)
		h := got.header
		if got.status != row.status || h.Get("Etag") != row.etag || h.Get("Cohort-Version") != row.version || h.Get("Msg-Num") != "" {
			t.Errorf("row %d: %s %s: %d %v", i, row.method, row.header, got.status, h)
		}
		if !strings.Contains(got.body, row.out) || row.out == "" && got.body != "" {
			t.Errorf("row %d: %s %s: body is %q", i, row.method, row.header, got.body)
		}
		session = h.Get("Cohort-Session")
		c, err := wire.ParseContext("test", nil, session)
		if err != nil || named(c, "k").Counter != row.seen {
			t.Errorf("row %d: %s: the session has seen %+v, %v", i, row.method, c, err)
		}
	}
}

func TestASessionMayComeInTheQuery(t *testing.T) {
	n := start(t)
	x := n.ask(t, "PUT", "/v1/kv/causal/x", "v").header.Get("Cohort-Session")
	y := n.ask(t, "PUT", "/v1/kv/causal/y", "v").header.Get("Cohort-Session")
	for _, c := range []struct{ query, header, want string }{
		{"?session=" + x, "", x},
		{"?session=" + x, y, y}, // the header wins
		{"?session=", y, y},
		{"?session=", "", ""},
		{"?timeout=1s&session=" + x, "", x},
	} {
		got := n.ask(t, "GET", "/v1/kv/causal/unknown"+c.query, "", "Cohort-Session: "+c.header).header.Get("Cohort-Session")
		if c.want == "" {
			c.want = string(wire.AppendContextText(nil, "test", nil, wire.Context{}))
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestATimeoutOfASessionSaysThatItIsNotVisible(t *testing.T) {
	n := start(t)
	session := n.ask(t, "PUT", "/v1/kv/causal/x", "v").header.Get("Cohort-Session")
	n.set(func(f *fake) { f.hold = true })
	for _, c := range []struct {
		method, path, session string
		want                  api.Code
	}{
		{"GET", "/v1/kv/causal/x", session, api.CodeSessionNotVisible},
		{"GET", "/v1/kv/causal", session, api.CodeSessionNotVisible},
		{"GET", "/v1/kv/causal/x", "", api.CodeReadUnanswered},
		{"PUT", "/v1/kv/causal/x", session, api.CodeOutcomeUnknown},
		{"DELETE", "/v1/kv/causal/x", "", api.CodeOutcomeUnknown},
	} {
		p := problemOf(t, n.ask(t, c.method, c.path+"?timeout=5ms", "", "Cohort-Session: "+c.session))
		if w := <-n.held; p.Code != c.want || <-n.abandoned != w {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
		}
	}
	if n.server.Waiting() != 0 {
		t.Errorf("%d still wait", n.server.Waiting())
	}
}

func TestACausalListShowsEveryKeyOnceAndTheSessionHasSeenThem(t *testing.T) {
	n := start(t)
	var want []string
	for i := range 10 {
		key := fmt.Sprintf("a%d", i)
		n.ask(t, "PUT", "/v1/kv/causal/"+key, "v")
		n.ask(t, "PUT", "/v1/kv/causal/b"+key, "v")
		want = append(want, key)
	}
	n.ask(t, "DELETE", "/v1/kv/causal/a3", "")
	want = slices.Delete(want, 3, 4)
	var seen []string
	session := ""
	for cursor := ""; ; {
		got := n.ask(t, "GET", api.ListPath("causal", "a", 4, cursor), "", "Cohort-Session: "+session)
		var list api.List
		if err := json.Unmarshal([]byte(got.body), &list); err != nil || got.status != 200 || len(list.Items) > 4 {
			t.Fatalf("%d %s: %v", got.status, got.body, err)
		}
		for _, item := range list.Items {
			seen = append(seen, item.Name())
		}
		session = got.header.Get("Cohort-Session")
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	slices.Sort(seen)
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	c, err := wire.ParseContext("test", nil, session)
	if err != nil || len(c.Exact) != 10 || named(c, "a3").Counter != 2 {
		t.Errorf("what is deleted was seen, too: %+v, %v", c, err)
	}
}

func TestTheRingSaysWhoOwnsAKey(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) {
		f.status.View.Layout = wire.Layout{Shards: []wire.Shard{
			{Name: "a", Members: []wire.Member{{ID: 4, Address: "a:1"}}},
			{Name: "b", Members: []wire.Member{{ID: 3, Address: "b:1"}, {ID: 5, Address: "c:1", Bus: "c:9"}}},
			{Name: "nobody"},
		}}
		f.status.View.ID.Number = 10
	})
	owners := map[string]bool{}
	for i := range 20 {
		got := n.ask(t, "GET", fmt.Sprintf("/v1/ring?key=k%d", i), "")
		var place api.Place
		if err := json.Unmarshal([]byte(got.body), &place); err != nil || got.status != 200 {
			t.Fatalf("%d %s: %v", got.status, got.body, err)
		}
		owners[*place.Shard] = true
		want := []api.Member{{ID: 4, Address: "a:1"}}
		if *place.Shard == "b" {
			want = []api.Member{{ID: 3, Address: "b:1"}, {ID: 5, Address: "c:1", Bus: "c:9"}}
		}
		if diff := cmp.Diff(want, place.Members); diff != "" || *place.Primary != 3 || place.Number != 10 || int(place.Slot) >= place.Slots {
			t.Errorf("%s: %s", got.body, diff)
		}
	}
	if !owners["a"] || !owners["b"] || len(owners) != 2 {
		t.Errorf("twenty keys are owned by %v", owners)
	}
	n.set(func(f *fake) { f.status = core.NodeStatus{} })
	if got := n.ask(t, "GET", "/v1/ring?key=%ff", ""); !strings.Contains(got.body, `{"key_b64":"/w==",`) ||
		!strings.Contains(got.body, `"shard":null,"members":[],"primary":null,"number":0}`) {
		t.Error(got.body)
	}
}

func TestReadinessOfTheCausalModel(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.status.Serving, f.status.Causal, f.status.CausalReady = false, true, true })
	if got := n.ask(t, "GET", "/readyz?model=causal", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	n.set(func(f *fake) { f.status.CausalReady = false })
	if p := problemOf(t, n.ask(t, "GET", "/readyz?model=causal", "")); p.Code != api.CodeNotReady || !strings.Contains(p.Detail, "slots") {
		t.Errorf("%+v", p)
	}
}
