package front

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// problemOf reads a problem and checks what every problem has.
func problemOf(t testing.TB, got response) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil || got.header.Get("Content-Type") != api.TypeProblem {
		t.Fatalf("%d is no problem: %v %s", got.status, got.header, got.body)
	}
	want := api.NewProblem(p.Code, p.Detail, p.RequestID)
	want.Waiting = p.Waiting
	if !reflect.DeepEqual(p, want) || p.Status != got.status || p.Detail == "" || p.RequestID == "" || got.header.Get("Cohort-Node") != "3" {
		t.Errorf("status %d, problem %+v, headers %v", got.status, p, got.header)
	}
	if (got.header.Get("Retry-After") != "") != (p.Status == 503) {
		t.Errorf("%d has Retry-After %q", p.Status, got.header.Get("Retry-After"))
	}
	return p
}

func readAll(t testing.TB, c net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readAnswer(t testing.TB, r *bufio.Reader, method string) response {
	t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, strings.TrimSuffix(string(body), "\n")}
}

func TestEveryMethodOnEveryPath(t *testing.T) {
	n := start(t)
	takes := map[string]string{
		"/ping": "GET, HEAD", "/view": "GET, HEAD, PUT", "/data": "GET, HEAD", "/data/k": "GET, HEAD, PUT, DELETE",
		"/v1/kv/strong": "GET, HEAD", "/v1/kv/strong/k": "GET, HEAD, PUT, DELETE", "/v1/cluster": "GET, HEAD",
		"/v1/kv/causal": "GET, HEAD", "/v1/kv/causal/k": "GET, HEAD, PUT, DELETE", "/v1/ring": "GET, HEAD",
		"/livez": "GET, HEAD", "/readyz": "GET, HEAD",
	}
	for path, allow := range takes {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS", "TRACE", "FOO"} {
			got := n.ask(t, method, path, "")
			allowed := strings.Contains(", "+allow+",", ", "+method+",")
			if (got.status == 405) == allowed {
				t.Errorf("%s %s: %d", method, path, got.status)
			}
			if got.status == 405 && got.header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is %q", method, path, got.header.Get("Allow"))
			}
		}
	}
}

func TestErrorsBeforeTheHandlerAreProblemsToo(t *testing.T) {
	n := startLoopback(t, "strong")
	huge := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		request string
		code    api.Code
	}{
		"no HTTP":               {"hello\r\n\r\n", api.CodeBadRequest},
		"no such version":       {"GET / HTTP/x\r\n\r\n", api.CodeBadRequest},
		"a space in the path":   {"GET /v1/kv/strong/a b HTTP/1.1\r\nHost: localhost\r\n\r\n", api.CodeBadRequest},
		"a header without name": {"GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n", api.CodeBadRequest},
		"huge headers":          {"GET /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nX: " + huge + "\r\n\r\n", api.CodeHeadersTooLarge},
		"a huge path":           {"GET /v1/kv/strong/" + huge + " HTTP/1.1\r\nHost: localhost\r\n\r\n", api.CodeKeyTooLong},
		"a huge body": {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n" + strings.Repeat("x", 4000000),
			api.CodeValueTooLarge},
		"a huge body in chunks": {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3d0900\r\n" +
			strings.Repeat("x", 4000000) + "\r\n0\r\n\r\n", api.CodeValueTooLarge},
		"two lengths":                {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", api.CodeBadRequest},
		"length and chunks":          {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", api.CodeBadRequest},
		"chunks and length":          {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n", api.CodeBadRequest},
		"an encoding that none know": {"PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nx", api.CodeBadRequest},
		"a bad escape":               {"GET /v1/kv/strong/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", api.CodeBadKey},
	} {
		r := bufio.NewReader(n.raw(t, c.request))
		if p := problemOf(t, readAnswer(t, r, "GET")); p.Code != c.code {
			t.Errorf("%s: %+v", name, p)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("%s: the connection is still open: %v", name, err)
		}
	}
	if len(n.records) != 0 {
		t.Error("a request that could not be read was applied")
	}
}

func TestClassicErrorsBeforeTheHandlerAreClassic(t *testing.T) {
	n := startLoopback(t, "strong")
	for _, target := range []string{"/data/k", "http://localhost/data/k", "/view"} {
		body := strings.Repeat("x", api.MaxBody+1)
		c := n.raw(t, "PUT "+target+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3211265\r\n\r\n"+body)
		got := readAnswer(t, bufio.NewReader(c), "PUT")
		var e api.ClassicError
		if err := json.Unmarshal([]byte(got.body), &e); err != nil || got.status != 413 || e.Error == "" || got.header.Get("Node-Id") != "3" {
			t.Errorf("%s: %d %v %s", target, got.status, got.header, got.body)
		}
	}
}

func TestTheAbsoluteFormOfATargetIsTheSamePath(t *testing.T) {
	n := start(t)
	c := n.raw(t, "PUT http://elsewhere:80/data/a%2Fb HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{\"value\":\"x\"}")
	if got := readAnswer(t, bufio.NewReader(c), "PUT"); got.status != 201 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if _, stored := n.records["a/b"]; !stored {
		t.Errorf("stored %q", keysOf(n.records))
	}
}

func TestOldClientsGetAWholeStoreToo(t *testing.T) {
	const size = 128 << 10 // more than is produced at a time
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/k", strings.Repeat("x", size))
	n.ask(t, "PUT", "/v1/kv/strong/l", strings.Repeat("x", size))
	text := readAll(t, n.raw(t, "GET /data HTTP/1.0\r\n\r\n"))
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	var data map[string]string
	if err := json.Unmarshal([]byte(body), &data); err != nil || len(data["l"]) != size {
		t.Errorf("%v: %.200s", err, text)
	}
}

// FuzzRequests looks for input that gets no HTTP answer, or an answer with 500.
func FuzzRequests(f *testing.F) {
	f.Add([]byte("GET /data/x HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Add([]byte("PUT /view HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n{\"view\":[]}"))
	f.Add([]byte("GET /v1/kv/strong?prefix=%00&limit=1&cursor=AWu HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"\r\n\r\n"))
	f.Add([]byte("PUT /v1/kv/strong/%20 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"))
	n := startLoopback(f, "strong")
	f.Fuzz(func(t *testing.T, request []byte) {
		c := n.raw(t, string(request))
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			return // refused and closed while it was sent
		}
		r := bufio.NewReader(c)
		for {
			if _, err := r.Peek(1); err != nil {
				return
			}
			res, err := http.ReadResponse(r, nil)
			if err != nil || res.StatusCode >= 500 && res.StatusCode != 501 {
				t.Fatalf("%q: %v %v", request, res, err)
			}
			if bytes.Contains(request, []byte("HEAD ")) {
				return // its length is of a body that does not come
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return
			}
		}
	})
}
