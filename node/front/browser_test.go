package front

import (
	"net"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

func TestStoredBytesAreConfinedInBrowsers(t *testing.T) {
	n := start(t)
	for _, bucket := range []string{"strong", "causal"} {
		path := "/v1/kv/" + bucket + "/page.html"
		n.ask(t, "PUT", path, "<script>alert(1)</script>", "Content-Type: text/html")
		for _, method := range []string{"GET", "HEAD"} {
			got := n.ask(t, method, path, "")
			if got.status != 200 || got.header.Get("X-Content-Type-Options") != "nosniff" ||
				got.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
				t.Errorf("%s %s: %d %v", method, path, got.status, got.header)
			}
		}
	}
}

func TestANodeOnALoopbackAddressAnswersOnlyToItsNames(t *testing.T) {
	n := startLoopback(t, "strong")
	for _, path := range []string{"/data/k", "/view", "/ping", "/v1/kv/strong/k", "/v1/cluster", "/livez", "/metrics", "/nothing"} {
		for host, want := range map[string]bool{
			"localhost:8081": true, "127.0.0.1": true, "[::1]:1": true, "evil.example:8081": false, "10.0.0.1": false, "": true,
		} {
			request := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
			if host == "" {
				request = "GET " + path + " HTTP/1.0\r\n\r\n"
			}
			if got, _ := n.send(t, "GET", request); (got.status != 421) != want {
				t.Errorf("%s with Host %q: %d %s", path, host, got.status, got.body)
			}
		}
	}
	got, _ := n.send(t, "GET", "GET http://evil.example/data HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got.status != 421 {
		t.Errorf("a foreign name in the request line: %d %s", got.status, got.body)
	}
}

// A container port that is published on 127.0.0.1 leads to a listener on all
// addresses.
func TestANodeOnAllAddressesAnswersToEveryName(t *testing.T) {
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	n := serve(t, ln, func() (net.Conn, error) { return net.Dial("tcp", "127.0.0.1:"+port) }, "strong")
	if got := n.ask(t, "GET", "/ping", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAPageOfAnotherOriginCannotWrite(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		headers string
		allowed bool
	}{
		{"", true},
		{"Origin: http://localhost", true},
		{"Origin: http://LOCALHOST", true},
		{"Origin: https://evil.example", false},
		{"Origin: http://localhost:3000", false},
		{"Origin: null", false},
		{"Sec-Fetch-Site: same-origin|Origin: http://localhost", true},
		{"Sec-Fetch-Site: none", true},
		{"Sec-Fetch-Site: same-site|Origin: http://localhost", false},
		{"Sec-Fetch-Site: cross-site", false},
	} {
		headers := strings.Split(c.headers, "|")
		for _, r := range []kindRequest{
			{"PUT", "/data/k", `{"value":"v"}`}, {"DELETE", "/data/k", ""}, {"PUT", "/view", `{"view":[]}`},
			{"PUT", "/v1/kv/strong/k", "v"}, {"DELETE", "/v1/kv/causal/k", ""}, {"POST", "/v1/kv/strong/_batch", ""},
		} {
			got := n.ask(t, r.method, r.path, r.body, headers...)
			if (got.status != 403) != c.allowed {
				t.Errorf("%s %s with %s: %d %s", r.method, r.path, c.headers, got.status, got.body)
			}
		}
		if got := n.ask(t, "GET", "/ping", "", headers...); got.status != 200 {
			t.Errorf("a read with %s: %d %s", c.headers, got.status, got.body)
		}
	}
	if p := problemOf(t, n.ask(t, "PUT", "/v1/kv/strong/k", "v", "Origin: null")); p.Code != api.CodeCrossOrigin {
		t.Errorf("%+v", p)
	}
}
