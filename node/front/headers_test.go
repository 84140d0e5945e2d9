package front

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/conns"
	"github.com/cohortkv/cohort/node/wire"
)

// harmless has a value for each honoured header with which a request ends as it
// does without the header.
var harmless = map[string]string{
	"Transfer-Encoding": "chunked", "Trailer": "X-Sum", "TE": "trailers", "Connection": "keep-alive", "Upgrade": "h2c",
	"Expect": "100-continue", "Origin": "http://node", "Sec-Fetch-Site": "same-origin",
	"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE",
	"If-Match": "*", "If-None-Match": `"x"`, "If-Modified-Since": "Sat, 29 Oct 1994 19:43:31 GMT",
	"If-Unmodified-Since": "Sat, 29 Oct 1994 19:43:31 GMT", "If-Range": `"x"`, "If": `(["x"])`, "If-": "x",
	"Range": "bytes=0-0", "Content-Range": "bytes 0-0/2", "Content-Type": "text/html", "Content-Encoding": "gzip",
	"Accept": "*/*", "Accept-Encoding": "identity", "Idempotency-Key": "1", "Last-Event-ID": "7",
	"Cohort-": "x", "Cohort-Session": "", "X-Causal-Metadata": "{}",
}

// kindRequest is a request of one kind, by its bit.
type kindRequest struct{ method, path, body string }

var kindRequests = [len(api.KindNames)]kindRequest{
	{"PUT", "/v1/kv/strong/k", "v"}, {"GET", "/v1/kv/strong/k", ""}, {"PUT", "/v1/kv/causal/k", "v"}, {"GET", "/v1/kv/causal/k", ""},
	{"GET", "/v1/kv/strong", ""}, {"PUT", "/data/k", `{"value":"v"}`}, {"GET", "/data/k", ""},
	{"POST", "/v1/cluster", ""}, {"GET", "/v1/cluster", ""},
}

func (r kindRequest) write(headers ...string) string {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(r.body))
	body := r.body
	for _, h := range headers {
		if strings.HasPrefix(h, "Transfer-Encoding") || strings.HasPrefix(h, "Content-Length") {
			length = ""
		}
		if h == "Transfer-Encoding: chunked" {
			body = "0\r\n\r\n"
			if r.body != "" {
				body = fmt.Sprintf("%x\r\n%s\r\n", len(r.body), r.body) + body
			}
		}
		length += h + "\r\n"
	}
	return r.method + " " + r.path + " HTTP/1.1\r\nHost: node\r\n" + length + "\r\n" + body
}

// send sends a request on a connection of its own and reads the answer.
func (n *node) send(t testing.TB, method, request string) (response, *bufio.Reader) {
	t.Helper()
	r := bufio.NewReader(n.raw(t, request))
	got := readAnswer(t, r, method)
	if got.status == 100 {
		got = readAnswer(t, r, method)
	}
	return got, r
}

func TestEveryHeaderGetsWhatTheTableSays(t *testing.T) {
	n := start(t)
	for _, r := range kindRequests {
		n.send(t, r.method, r.write()) // so that keys exist
	}
	for _, m := range api.Modifiers {
		name, value := m.Name, harmless[m.Name]
		if strings.HasSuffix(name, "-") {
			name += "Whatever"
		}
		for k, r := range kindRequests {
			kind := api.Kinds(1) << k
			if m.Name == api.HeaderIfNoneMatch && kind == api.StrongWrite {
				continue // only * there
			}
			header := name + ": " + value
			switch m.Name {
			case "Content-Length":
				header = fmt.Sprintf("Content-Length: %d", len(r.body))
			case "Host":
				continue // every request has one
			}
			plain, _ := n.send(t, r.method, r.write())
			got, _ := n.send(t, r.method, r.write(header))
			treatment := m.Treatment(kind)
			if treatment != api.Refused {
				if got.status != plain.status || got.body != plain.body && !strings.Contains(got.body, "request_id") {
					t.Errorf("%s %s with %s, which is %s: %d %s, without %d %s", r.method, r.path, header, treatment, got.status, got.body, plain.status, plain.body)
				}
				continue
			}
			if want := api.Codes()[m.RefusalCode(kind)]; got.status != want || !strings.Contains(got.body, name) {
				t.Errorf("%s %s with %s: %d %s, want %d and the name", r.method, r.path, header, got.status, got.body, want)
			}
		}
	}
}

func TestAHeaderThatIsNoListIsRefusedTwice(t *testing.T) {
	n := start(t)
	for _, m := range api.Modifiers {
		for k, r := range kindRequests {
			if kind := api.Kinds(1) << k; !m.Once || m.Treatment(kind) == api.Refused {
				continue
			}
			header := m.Name + ": " + harmless[m.Name]
			if m.Name == "Content-Length" {
				header = fmt.Sprintf("Content-Length: %d", len(r.body))
			}
			if got, _ := n.send(t, r.method, r.write(header, strings.ToLower(header))); got.status != 400 {
				t.Errorf("%s %s with two %s: %d %s", r.method, r.path, m.Name, got.status, got.body)
			}
		}
	}
}

// A condition, and the effect of a request with it on a strong key at version 1.
func TestConditionsAreReadAsTheListsThatTheyAre(t *testing.T) {
	const one = `"1-00000abc"`
	for _, c := range []struct {
		method  string
		headers string
		status  int
	}{
		{"PUT", "If-Match: ", 400},
		{"PUT", "If-Match:", 400},
		{"PUT", "If-Match: ,", 400},
		{"PUT", "If-Match: 1-00000abc", 400},
		{"PUT", `If-Match: "1-00000abc`, 400},
		{"PUT", "If-Match: *, " + one, 400},
		{"PUT", "If-Match: " + one + " " + one, 400},
		{"PUT", "If-None-Match: ", 400},
		{"PUT", "If-None-Match: " + one, 400},
		{"PUT", "If-Match: " + one + "|If-None-Match: *", 400},
		{"DELETE", "If-Match: ", 400},
		{"DELETE", "If-None-Match: ", 400},
		{"PUT", `If-Match: "9-00000abc", ` + one, 204},
		{"PUT", `If-Match: "9-00000abc"|If-Match: ` + one, 204},
		{"PUT", `If-Match: "8-00000abc", "9-00000abc" ,,` + one + `, "a,b"`, 204},
		{"PUT", `If-Match: "8-00000abc", "9-00000abc"`, 412},
		{"PUT", "If-Match: W/" + one, 412},
		{"PUT", `If-Match: W/` + one + `, "2-00000abc"`, 412},
		{"PUT", `If-Match: "1-00000abc,"`, 412},
		{"PUT", "If-None-Match: *", 412},
		{"DELETE", `If-Match: "9-00000abc"|If-Match: ` + one, 204},
		{"DELETE", `If-Match: "9-00000abc"`, 412},
		{"GET", "If-Match: ", 400},
		{"GET", "If-None-Match: ", 400},
		{"GET", "If-None-Match: x", 400},
		{"GET", `If-None-Match: "x"|If-None-Match: ` + one, 304},
		{"GET", `If-None-Match: "x"|If-None-Match: W/` + one, 304},
		{"GET", `If-None-Match: "x"|If-None-Match: "y"`, 200},
		{"GET", `If-Match: "x"|If-Match: ` + one, 200},
		{"GET", `If-Match: "x"|If-Match: W/` + one, 412},
		{"GET", `If-Match: *`, 200},
	} {
		n := start(t)
		n.ask(t, "PUT", "/v1/kv/strong/k", "old")
		request := kindRequest{c.method, "/v1/kv/strong/k", "new"}.write(strings.Split(c.headers, "|")...)
		got, _ := n.send(t, c.method, request)
		if got.status != c.status {
			t.Errorf("%s with %s: %d %s", c.method, c.headers, got.status, got.body)
		}
		if kept := string(n.records["k"].Value) == "old"; kept != (c.status != 204) {
			t.Errorf("%s with %s: %d, and the key holds %q", c.method, c.headers, got.status, n.records["k"].Value)
		}
	}
}

func TestAVersionThatComesBetweenIsMatchedToo(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/k", "old")
	n.set(func(f *fake) { f.hold = true })
	done := make(chan response, 1)
	go func() {
		done <- n.ask(t, "PUT", "/v1/kv/strong/k?timeout=1m", "new", `If-Match: "1-00000abc", "2-00000abc", "3-00000abc"`)
	}()
	has := func(number uint64) wire.Result {
		return wire.Result{Status: wire.PreconditionFailed, Version: wire.Version{MsgNum: number, Fingerprint: 0xabc}}
	}
	n.release(<-n.held, core.Done, has(3))
	n.release(<-n.held, core.Done, has(2))
	n.release(<-n.held, core.Done, has(4))
	if got := <-done; got.status != 412 || got.header.Get("ETag") != `"4-00000abc"` {
		t.Errorf("%d %v", got.status, got.header)
	}
}

// A request that two readers could frame in two ways is refused, and the bytes that
// follow on its connection are never read as a request.
func TestWhatIsFramedInTwoWaysEndsItsConnection(t *testing.T) {
	smuggled := "PUT /data/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n" + `{"value":"x"}`
	for name, headers := range map[string]string{
		"identity":                 "Transfer-Encoding: identity\r\n",
		"identity and a length":    "Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
		"nothing":                  "Transfer-Encoding: \r\n",
		"gzip, chunked":            "Transfer-Encoding: gzip, chunked\r\n",
		"chunked twice":            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"chunked, chunked":         "Transfer-Encoding: chunked, chunked\r\n",
		"quoted":                   "Transfer-Encoding: \"chunked\"\r\n",
		"with a parameter":         "Transfer-Encoding: chunked;x=y\r\n",
		"xchunked":                 "Transfer-Encoding: xchunked\r\n",
		"a vertical tab":           "Transfer-Encoding: \vchunked\r\n",
		"a length and chunked":     "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
		"chunked and a length":     "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
		"two lengths":              "Content-Length: 4\r\nContent-Length: 0\r\n",
		"two equal lengths":        "Content-Length: 0\r\nContent-Length: 0\r\n",
		"a list of lengths":        "Content-Length: 0, 0\r\n",
		"a signed length":          "Content-Length: +0\r\n",
		"a negative length":        "Content-Length: -1\r\n",
		"a length in hex":          "Content-Length: 0x0\r\n",
		"no length":                "Content-Length: \r\n",
		"a huge length":            "Content-Length: 18446744073709551616\r\n",
		"a space before the colon": "Content-Length : 0\r\n",
		"a space in a name":        "Transfer Encoding: chunked\r\n",
		"a folded header":          "X: y\r\n Content-Length: 4\r\n",
		"a folded encoding":        "Transfer-Encoding:\r\n chunked\r\n",
		"folded by a tab":          "X: y\r\n\tz\r\n",
		"a line that ends with LF": "X: y\nContent-Length: 0\r\n",
		"a bare CR":                "X: y\rContent-Length: 4\r\n",
		"a zero byte":              "X: y\x00z\r\n",
		"two hosts":                "Host: m\r\n",
		"a line without a colon":   "Content-Length 4\r\n",
	} {
		n := startLoopback(t, "strong")
		request := "PUT /data/k HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + smuggled
		r := bufio.NewReader(n.raw(t, request))
		if got := readAnswer(t, r, "PUT"); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		_, _ = io.Copy(io.Discard, r) // until it is closed, or reset because of what was not read
		n.set(func(f *fake) {
			if len(f.records) != 0 {
				t.Errorf("%s: stored %q", name, keysOf(f.records))
			}
		})
	}
}

// A request may be refused before its body was read, and a route may take no body.
// In neither case is the body read as the next request.
func TestTheBodyOfARefusedRequestIsNeverARequest(t *testing.T) {
	smuggled := "PUT /data/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n" + `{"value":"x"}`
	for _, size := range []int{0, conns.SmallBody, 200 << 10, 600 << 10} {
		body := strings.Repeat(smuggled, 1+size/len(smuggled))
		for _, line := range []string{"PUT /v1/kv/strong/k|If-Match: ", "PUT /data/k|If-None-Match: *", "GET /ping|X: y", "POST /v1/txn|X: y", "PUT /data/k?x=y|X: y",
			"PUT /data/k|Host: evil.example", "PUT /data/k|Origin: null", "GET /v1/kv/strong/k|X: y"} {
			start, header, _ := strings.Cut(line, "|")
			host := "Host: localhost\r\n"
			if strings.HasPrefix(header, "Host") {
				host = ""
			}
			for framing, framed := range map[string]string{
				fmt.Sprintf("Content-Length: %d", len(body)): body,
				"Transfer-Encoding: chunked":                 fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
			} {
				n := startLoopback(t, "strong")
				c := n.raw(t, "")
				go func() {
					_, _ = io.WriteString(c, start+" HTTP/1.1\r\n"+host+header+"\r\n"+framing+"\r\n\r\n"+framed+"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				}()
				text, _ := io.ReadAll(c) // to its end, or until it is reset
				n.set(func(f *fake) {
					if answers := strings.Count(string(text), "HTTP/1.1 "); answers > 2 || len(f.records) > 0 {
						t.Errorf("%s, %s, %d bytes: %d answers, stored %q", line, framing, len(body), answers, keysOf(f.records))
					}
				})
			}
		}
	}
}

func TestSeveralLinesOfAcceptAreOneList(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/k", "bytes")
	read := kindRequest{"GET", "/v1/kv/strong/k", ""}
	for _, c := range []struct {
		headers []string
		status  int
		body    string
	}{
		{[]string{"Accept: application/json"}, 200, `"etag"`},
		{[]string{"Accept: application/json", "Accept: */*"}, 200, "bytes"},
		{[]string{"Accept: */*", "Accept: application/json"}, 200, "bytes"},
		{[]string{"Accept: */*", "Accept: text/event-stream"}, 501, "watches"},
	} {
		if got, _ := n.send(t, "GET", read.write(c.headers...)); got.status != c.status || !strings.Contains(got.body, c.body) {
			t.Errorf("%v: %d %s", c.headers, got.status, got.body)
		}
	}
}

func TestARequestLineThatSaysMoreThanAPathIsRefused(t *testing.T) {
	n := start(t)
	for _, line := range []string{"PUT /v1/kv/strong/k#1 HTTP/1.1", "PUT /data/k#1 HTTP/1.1", "PUT /v1/kv/strong/k HTTP/2.0", "PUT /v1/kv/strong/k HTTP/1.9", "PUT /data/k HTTP/0.9"} {
		got, r := n.send(t, "PUT", line+"\r\nHost: n\r\nContent-Length: 13\r\n\r\n"+`{"value":"x"}`)
		if _, err := r.ReadByte(); got.status != 400 || err != io.EOF {
			t.Errorf("%s: %d %s, then %v", line, got.status, got.body, err)
		}
	}
	if len(n.records) > 0 {
		t.Errorf("stored %q", keysOf(n.records))
	}
}

func TestOnlyOneExpectationIsMet(t *testing.T) {
	n := start(t)
	put := kindRequest{"PUT", "/v1/kv/strong/k", "v"}
	for header, want := range map[string]int{
		"Expect: 100-continue": 201, "Expect: 100-Continue": 201, "Expect: 200-ok": 417, "Expect: ": 417, "Expect: 100-continue, x": 417,
	} {
		n.set(func(f *fake) { delete(f.records, "k") })
		if got, _ := n.send(t, "PUT", put.write(header)); got.status != want {
			t.Errorf("%s: %d %s", header, got.status, got.body)
		}
	}
}

func TestWhatStandsBehindABodyIsNoCondition(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/k", "old")
	request := "PUT /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnew\r\n0\r\nIf-Match: \"9-00000abc\"\r\n\r\n"
	if got, _ := n.send(t, "PUT", request); got.status != 400 || string(n.records["k"].Value) != "old" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAMisspeltHeaderOfOursIsNamed(t *testing.T) {
	n := start(t)
	got := n.ask(t, "GET", "/v1/kv/causal/k", "", "Cohort-Sesion: x", "Cohort-Session: ")
	if p := problemOf(t, got); p.Code != api.CodeBadHeader || !strings.Contains(p.Detail, "Cohort-Sesion") || !strings.Contains(p.Detail, "Cohort-Session") {
		t.Errorf("%+v", p)
	}
}
