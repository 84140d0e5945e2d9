package screen

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// arrives reads a request: its line, and its header lines separated by bars.
func arrives(t *testing.T, line, headers string) *fasthttp.RequestCtx {
	t.Helper()
	text := line + "\r\nHost: n\r\n"
	if headers != "" {
		text += strings.ReplaceAll(headers, "|", "\r\n") + "\r\n"
	}
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(&fasthttp.Request{}, nil, nil)
	if err := ctx.Request.Header.Read(bufio.NewReader(strings.NewReader(text + "\r\n"))); err != nil {
		t.Fatal(err)
	}
	return ctx
}

var rules = Rules{Read: api.StrongRead, Write: api.StrongWrite, Parameters: []string{api.QueryTimeout, api.QueryTTL}}

func TestARefusalHasTheCodeOfWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		line, headers string
		want          api.Code
	}{
		{"GET /k HTTP/1.1", "", ""},
		{"GET /k?timeout=1s HTTP/1.1", "", ""},
		{"GET /k?timeout=1s&timeout=2s HTTP/1.1", "", api.CodeBadQuery},
		{"GET /k?prefix=a HTTP/1.1", "", api.CodeBadQuery},
		{"GET /k?timeout=% HTTP/1.1", "", api.CodeBadQuery},
		{"PUT /k?ttl=1s HTTP/1.1", "", api.CodeNotBuilt},
		{"PUT /k HTTP/1.1", "Origin: http://elsewhere", api.CodeCrossOrigin},
		{"GET /k HTTP/1.1", "Origin: http://elsewhere", ""},
		{"PUT /k HTTP/1.1", "Origin: http://elsewhere|Sec-Fetch-Site: same-origin", ""},
		{"PUT /k HTTP/1.1", "Expect: x", api.CodeBadExpectation},
		{"PUT /k HTTP/1.1", "Expect: 100-continue", ""},
		{"PUT /k HTTP/1.1", "If-Match: x", api.CodeBadCondition},
		{"PUT /k HTTP/1.1", "Cohort-Foo: x", api.CodeBadHeader},
		{"PUT /k HTTP/1.1", "Idempotency-Key: x", api.CodeNotBuilt},
	} {
		ctx := arrives(t, c.line, c.headers)
		seen, err := Frame(&ctx.Request.Header)
		if err != nil {
			t.Fatal(err)
		}
		if r := Check(ctx, &rules, seen); r.Code != c.want || r.Refuses() != (c.want != "") || r.Refuses() && r.Detail == "" {
			t.Errorf("%s with %q: %+v, want %q", c.line, c.headers, r, c.want)
		}
	}
	ctx := arrives(t, "GET /k?whatever=%zz HTTP/1.1", "")
	if r := Check(ctx, &Rules{AnyQuery: true, Read: api.OtherRead}, Headers{}); r.Refuses() {
		t.Errorf("where any query is taken: %+v", r)
	}
}

func TestWhatTwoReadersCouldFrameInTwoWaysIsNoRequest(t *testing.T) {
	for raw, want := range map[string]error{
		"A: b\r\n\r\n": nil, "A: b\n\r\n": errBareLF, "A: b\r\n c: d\r\n\r\n": errFolded, "A b: c\r\n\r\n": errName, "A\r\n\r\n": errName,
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": errTwoFrames, "Transfer-Encoding: gzip\r\n\r\n": errEncoding,
	} {
		if _, err := scan([]byte(raw)); err != want {
			t.Errorf("%q: %v, want %v", raw, err, want)
		}
	}
	for line, want := range map[string]error{"GET /k HTTP/1.0": nil, "GET /k#1 HTTP/1.1": errFragment, "GET /k HTTP/1.9": errProtocol} {
		if _, err := Frame(&arrives(t, line, "").Request.Header); err != want {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

func TestATimeoutIsAPositiveDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "?timeout=1.5s": 1500 * time.Millisecond, "?timeout=0": -1, "?timeout=x": -1, "?timeout=": -1} {
		got, r := Timeout(arrives(t, "GET /k"+text+" HTTP/1.1", ""))
		if r.Refuses() {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, %+v", text, got, r)
		}
	}
}
