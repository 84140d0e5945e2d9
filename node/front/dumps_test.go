package front

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// fill gives a fake 40 MB, all of it shared.
func fill(n *node) {
	n.set(func(f *fake) {
		value := []byte(strings.Repeat("x", 200<<10))
		for i := range 200 {
			key := fmt.Sprintf("key-%03d", i)
			f.records[key] = wire.Record{Key: key, Value: value}
			f.items[key] = &wire.Item{Key: key, Value: value}
		}
	})
}

// begun asks for a dump and reads its first byte.
func begun(t *testing.T, n *node, version string) net.Conn {
	t.Helper()
	c := n.raw(t, "GET /data HTTP/"+version+"\r\nHost: localhost\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDumpsForSlowReadersAreMadeAsTheyAreSent(t *testing.T) {
	if testing.Short() {
		t.Skip("reads slowly for seconds")
	}
	for _, model := range []string{"strong", "causal"} {
		for _, version := range []string{"1.0", "1.1"} {
			n := startLoopback(t, model)
			fill(n)
			measured(t, fmt.Sprintf("16 readers of 40 MB that do not read, %s, HTTP/%s", model, version), 16<<20, func() func() {
				var all []net.Conn
				for range 16 {
					all = append(all, begun(t, n, version))
				}
				p := problemOfDump(t, n)
				if !strings.Contains(p.body, "dumps") || p.status != 503 || p.header.Get("Retry-After") == "" {
					t.Errorf("one more: %d %s", p.status, p.body)
				}
				return func() {
					closeAll(all)
					until(t, "all have ended", func() bool { return n.server.Connections() <= 1 && n.server.dumps.Count() == 0 })
				}
			})
			if got := problemOfDump(t, n); got.status != 200 || len(got.body) < 40_000_000 {
				t.Errorf("afterwards: %d, %d bytes", got.status, len(got.body))
			}
		}
	}
}

func problemOfDump(t *testing.T, n *node) response {
	t.Helper()
	return n.ask(t, "GET", "/data", "")
}

func TestAnOldClientGetsTheWholeStoreUntilTheConnectionEnds(t *testing.T) {
	for _, model := range []string{"strong", "causal"} {
		n := startLoopback(t, model)
		fill(n)
		text := readAll(t, n.raw(t, "GET /data HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
		head, body, _ := strings.Cut(text, "\r\n\r\n")
		var all map[string]any
		err := json.Unmarshal([]byte(body), &all)
		if items, causal := all["items"].(map[string]any); causal {
			all = items
		}
		if err != nil || len(all) != 200 || strings.Contains(head, "chunked") || !strings.Contains(head, "Connection: close") {
			t.Errorf("%s: %d keys, %v: %s", model, len(all), err, head)
		}
		if text := readAll(t, n.raw(t, "HEAD /data HTTP/1.0\r\n\r\n")); !strings.HasPrefix(text, "HTTP/1.1 200 ") || !strings.HasSuffix(text, "\r\n\r\n") {
			t.Errorf("HEAD: %s", text)
		}
	}
}

func TestADumpThatPinsTooMuchIsCutOff(t *testing.T) {
	n := startLimited(t, Limits{DumpBytes: 1000})
	fill(n)
	c := begun(t, n, "1.1")
	n.pinned.Store(1001)
	until(t, "the dump has ended", func() bool { return n.server.dumps.Count() == 0 })
	if _, err := io.Copy(io.Discard, c); err == nil {
		t.Log("the rest came by way of buffers")
	}
	until(t, "the connection is gone", func() bool { return n.server.Connections() == 0 })
}

func TestLargeAnswersCountAgainstTheBudget(t *testing.T) {
	n := startLimited(t, Limits{RequestBytes: 1 << 20})
	fill(n)
	n.set(func(f *fake) {
		f.records["escaped"] = wire.Record{Key: "escaped", Value: make([]byte, 500<<10)}
	})
	if p := n.ask(t, "GET", "/data/escaped", ""); p.status != 503 { // 3 MB of JSON
		t.Errorf("an answer larger than the budget: %d, %d bytes", p.status, len(p.body))
	}
	if p := n.ask(t, "GET", "/data/key-001", ""); p.status != 200 {
		t.Errorf("an answer that fits: %d", p.status)
	}
	var all []net.Conn
	for range 8 { // for some of them there is memory
		all = append(all, n.raw(t, "GET /v1/kv/strong/escaped HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	}
	problems := 0
	for _, c := range all {
		if got := readAnswer(t, bufio.NewReader(c), "GET"); got.status == 503 {
			if p := problemOf(t, got); p.Code != api.CodeOverloaded {
				t.Errorf("%+v", p)
			}
			problems++
		}
	}
	t.Logf("%d of 8 were refused", problems)
	until(t, "all is given back", func() bool { return n.server.budget.Used() == 0 })
}
