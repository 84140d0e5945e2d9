package bare

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

// start runs a server on a free port until the test ends.
func start(t *testing.T, bucket string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, ended := New(bucket), make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// ask sends one request. It renders the answer with its status, body and important headers.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	line, _ := askWith(t, "", method, url, body)
	return line
}

// askWith is ask with a session. It also returns the session of the answer.
func askWith(t *testing.T, session, method, url, body string) (line, next string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if session != "" {
		req.Header.Set(api.HeaderSession, session)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	line = fmt.Sprint(res.StatusCode)
	for _, name := range []string{"Node-Id", "Msg-Num", "Cohort-Node", "Cohort-View", "Cohort-Version", "ETag", "Content-Type"} {
		if v := res.Header.Get(name); v != "" {
			line += fmt.Sprintf(" %s=%s", name, v)
		}
	}
	return strings.TrimSpace(line + " " + string(got)), res.Header.Get(api.HeaderSession)
}

func TestAnswersAreThoseOfCohort(t *testing.T) {
	url := start(t, api.BucketStrong)
	data, kv := url+"/data/", url+"/v1/kv/strong/"
	for i, c := range []struct{ method, url, body, want string }{
		{"GET", data + "x", "", `404 Node-Id=0 Msg-Num=1 Content-Type=application/json {"error":"no such key"}`},
		{"PUT", data + "x", `{"value":"a"}`, `201 Node-Id=0 Msg-Num=1 Content-Type=application/json {"result":"created"}`},
		{"PUT", data + "x", `{"value":"b"}`, `200 Node-Id=0 Msg-Num=2 Content-Type=application/json {"result":"replaced"}`},
		{"GET", data + "x", "", `200 Node-Id=0 Msg-Num=3 Content-Type=application/json {"value":"b"}`},
		{"GET", kv + "x", "", `200 Msg-Num=3 Cohort-Node=0 Cohort-View=1 Cohort-Version=2 ETag="2-00000000" Content-Type=text/plain; charset=utf-8 b`},
		{"PUT", kv + "x", "c", `204 Msg-Num=3 Cohort-Node=0 Cohort-View=1 Cohort-Version=3 ETag="3-00000000"`},
		{"PUT", kv + "a%2fb", "d", `201 Msg-Num=4 Cohort-Node=0 Cohort-View=1 Cohort-Version=4 ETag="4-00000000"`},
		{"GET", data + "a/b", "", `200 Node-Id=0 Msg-Num=5 Content-Type=application/json {"value":"d"}`},
		{"DELETE", data + "x", "", `200 Node-Id=0 Msg-Num=5 Content-Type=application/json {"result":"deleted"}`},
		{"DELETE", data + "x", "", `404 Node-Id=0 Msg-Num=6 Content-Type=application/json {"error":"no such key"}`},
		{"DELETE", kv + "x", "", `204 Msg-Num=7 Cohort-Node=0 Cohort-View=1`},
		{"PUT", data + "x", `{"val":1}`, `400 Content-Type=text/plain; charset=utf-8 the body has no "value"`},
		{"PATCH", kv + "x", "v", `405 Content-Type=text/plain; charset=utf-8 bare takes PUT, GET and DELETE`},
		{"GET", url + "/ping", "", `200 Content-Type=application/json {}`},
		{"GET", url + "/metrics", "", `404 Content-Type=text/plain; charset=utf-8 bare serves one key at a time`},
	} {
		if diff := cmp.Diff(c.want, ask(t, c.method, c.url, c.body)); diff != "" {
			t.Errorf("step %d, %s %s:\n%s", i, c.method, c.url, diff)
		}
	}
	if got := ask(t, "GET", kv+"gone", ""); !strings.HasPrefix(got, `404 Msg-Num=8 Cohort-Node=0 Cohort-View=1 Content-Type=application/problem+json {`) {
		t.Errorf("a key that is not there: %s", got)
	}
}
