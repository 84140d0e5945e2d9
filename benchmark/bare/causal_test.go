package bare

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

func TestACausalSessionGrowsByTheKeysThatItsClientKnows(t *testing.T) {
	kv := start(t, api.BucketStrong) + "/v1/kv/causal/"
	session := ""
	for i, c := range []struct {
		method, key, body, want string
		keys                    int
	}{
		{"GET", "x", "", "404 Cohort-Node=0 Cohort-View=1 Content-Type=application/problem+json " + string(problem), 0},
		{"PUT", "x", "a", `201 Cohort-Node=0 Cohort-View=1 Cohort-Version=1 ETag="1.0.1-00000000"`, 1},
		{"PUT", "x", "b", `204 Cohort-Node=0 Cohort-View=1 Cohort-Version=2 ETag="2.0.2-00000000"`, 1},
		{"PUT", "a%2fb", "c", `201 Cohort-Node=0 Cohort-View=1 Cohort-Version=3 ETag="3.0.3-00000000"`, 2},
		{"GET", "x", "", `200 Cohort-Node=0 Cohort-View=1 Cohort-Version=2 ETag="2.0.2-00000000" Content-Type=application/octet-stream b`, 2},
		{"GET", "y", "", "404 Cohort-Node=0 Cohort-View=1 Content-Type=application/problem+json " + string(problem), 2},
		{"DELETE", "y", "", "204 Cohort-Node=0 Cohort-View=1", 3},
		{"PATCH", "y", "", "405 Content-Type=text/plain; charset=utf-8 bare takes PUT, GET and DELETE", 0},
	} {
		got, next := askWith(t, session, c.method, kv+c.key, c.body)
		if diff := cmp.Diff(c.want, got); diff != "" || len(next) != c.keys*nameSize {
			t.Errorf("step %d, %s %s, session of %d:\n%s", i, c.method, c.key, len(next), diff)
		}
		session = next
	}
	for _, wrong := range []string{"0", strings.Repeat("x", nameSize), strings.Repeat("0", (maxKeys+1)*nameSize)} {
		if got, _ := askWith(t, wrong, "GET", kv+"x", ""); !strings.HasPrefix(got, "400 ") || !strings.HasSuffix(got, errSession.Error()) {
			t.Errorf("session %q: %s", wrong, got)
		}
	}
}

func TestCausalMetadataIsEchoedInClassicBodies(t *testing.T) {
	data := start(t, api.BucketCausal) + "/data/"
	put := ask(t, "PUT", data+"x", `{"value":"a"}`)
	const head = `200 Node-Id=0 Content-Type=application/json {"causal-metadata":`
	metadata, ok := strings.CutPrefix(put, head)
	if metadata = strings.TrimSuffix(metadata, "}"); !ok || len(metadata) != len(`{"session":""}`)+nameSize {
		t.Fatal(put)
	}
	with := `{"causal-metadata":` + metadata + `}`
	for i, c := range []struct{ method, key, body, want string }{
		{"GET", "x", with, `200 Node-Id=0 Content-Type=application/json {"value":"a","causal-metadata":` + metadata + `}`},
		{"GET", "y", with, `404 Node-Id=0 Content-Type=application/json {"error":"no such key","causal-metadata":` + metadata + `}`},
		{"GET", "y", "", `404 Node-Id=0 Content-Type=application/json {"error":"no such key","causal-metadata":{}}`},
		{"DELETE", "x", with, head + metadata + `}`},
		{"GET", "x", with, `404 Node-Id=0 Content-Type=application/json {"error":"no such key","causal-metadata":` + metadata + `}`},
		{"PUT", "x", with, `400 Content-Type=text/plain; charset=utf-8 ` + api.ErrNoValue.Error()},
		{"PUT", "x", `{"value":"a","causal-metadata":{"session":"0"}}`, `400 Content-Type=text/plain; charset=utf-8 ` + errSession.Error()},
	} {
		if diff := cmp.Diff(c.want, ask(t, c.method, data+c.key, c.body)); diff != "" {
			t.Errorf("step %d, %s %s:\n%s", i, c.method, c.key, diff)
		}
	}
}

func TestASessionKeepsTheKeysThatCameLast(t *testing.T) {
	name := func(i int) (n [nameSize]byte) { copy(n[:], fmt.Sprintf("%016x", i)); return n }
	var session []byte
	for i := range maxKeys + 2 {
		session = appendSession(nil, session, name(i))
	}
	session = appendSession(nil, session, name(5))
	var want []byte
	for i := 2; i < maxKeys+2; i++ {
		if n := name(i); i != 5 {
			want = append(want, n[:]...)
		}
	}
	last := name(5)
	want = append(want, last[:]...)
	if diff := cmp.Diff(string(want), string(session)); diff != "" {
		t.Error(diff)
	}
}
