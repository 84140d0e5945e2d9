package front

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

const rawPut = "PUT /data/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{\"value\":\"x\"}"

func TestARequestWhoseClientLeavesIsTakenBack(t *testing.T) {
	for name, request := range map[string]string{
		"causal write": "PUT /v1/kv/causal/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
		"causal read":  "GET /v1/kv/causal/k HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"causal list":  "GET /v1/kv/causal HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"write":        rawPut,
		"read":         "GET /data/k HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"dump":         "GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"list":         "GET /v1/kv/strong HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"conditional":  "DELETE /v1/kv/strong/k?timeout=1h HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\n\r\n",
		"view":         "PUT /view HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n{\"view\":[]}",
	} {
		t.Run(name, func(t *testing.T) {
			n := startLoopback(t, "strong")
			n.set(func(f *fake) { f.hold = true })
			c := n.raw(t, request)
			w := <-n.held
			_ = c.Close()
			if got := <-n.abandoned; got != w {
				t.Error("another request was taken back")
			}
		})
	}
}

func TestAClientThatSendsSomethingAndLeavesIsGone(t *testing.T) {
	const next = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, pipelined := range map[string]bool{"with the request": true, "while it waits": false} {
		t.Run(name, func(t *testing.T) {
			n := startLoopback(t, "strong")
			n.set(func(f *fake) { f.hold = true })
			first := rawPut
			if pipelined {
				first += strings.Repeat(next, 1000) // more than is read at once
			}
			c := n.raw(t, first)
			w := <-n.held
			if _, err := io.WriteString(c, next); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			if got := <-n.abandoned; got != w {
				t.Error("another request was taken back")
			}
		})
	}
}

func TestAResetClientIsGone(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) { f.hold = true })
	c := n.raw(t, rawPut)
	<-n.held
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	<-n.abandoned
}

func TestAHalfClosedClientIsGoneAndStillToldTheTruth(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) { f.hold = true })
	c := n.raw(t, rawPut)
	<-n.held
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-n.abandoned
	if text := readAll(t, c); !strings.HasPrefix(text, "HTTP/1.1 504 ") {
		t.Error(text)
	}
}

func TestAClientThatSendsItsNextRequestIsNotGone(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) { f.hold = true })
	patient := n.raw(t, rawPut)
	w := <-n.held
	if _, err := io.WriteString(patient, "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	leaver := n.raw(t, rawPut)
	<-n.held
	_ = leaver.Close()
	if <-n.abandoned == w { // the patient request was checked before, or at the same time
		t.Error("a client that is there was taken for gone")
	}
	n.release(w, core.Done, wire.Result{Status: wire.Created, MsgNum: 5})
	r := bufio.NewReader(patient)
	if got := readAnswer(t, r, "PUT"); got.status != 201 || got.header.Get("Msg-Num") != "5" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if got := readAnswer(t, r, "GET"); got.status != 200 {
		t.Errorf("ping: %d", got.status)
	}
}

func TestATimeoutOfAWriteIsUnknownAndOfAReadIsNot(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.hold = true })
	for _, c := range []struct {
		method, path string
		want         api.Code
	}{
		{"PUT", "/v1/kv/strong/k?timeout=5ms", api.CodeOutcomeUnknown},
		{"DELETE", "/v1/kv/strong/k?timeout=5ms", api.CodeOutcomeUnknown},
		{"GET", "/v1/kv/strong/k?timeout=5ms", api.CodeReadUnanswered},
		{"GET", "/v1/kv/strong?timeout=5ms", api.CodeReadUnanswered},
	} {
		p := problemOf(t, n.ask(t, c.method, c.path, ""))
		if w := <-n.held; p.Code != c.want || <-n.abandoned != w {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
		}
	}
	if n.server.Waiting() != 0 {
		t.Errorf("%d still wait", n.server.Waiting())
	}
}

// An answer and the end of a timeout occur at the same time, again and again. Each
// request must get one of the two, and never the answer of another request.
func TestAnswersAndTimeoutsMayMeet(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) { f.hold = true })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range uint64(200) {
			w := <-n.held
			n.mu.Lock()
			if n.waits[w] {
				delete(n.waits, w)
				w.Reply = core.Reply{Outcome: core.Done, Result: wire.Result{Status: wire.Deleted, MsgNum: i}}
				w.Done <- struct{}{}
			}
			n.mu.Unlock()
			select {
			case <-n.abandoned:
			default:
			}
		}
	}()
	for range 200 {
		if got := n.ask(t, "DELETE", "/v1/kv/strong/k?timeout=10us", ""); got.status != 204 && got.status != 504 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	<-ended
}

func TestShutdownAnswersWhatWaitsAndClosesTheRest(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) { f.hold = true })
	silent := n.raw(t, "")
	write := n.raw(t, rawPut)
	<-n.held
	read := n.raw(t, "GET /v1/kv/strong/k HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-n.held
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := n.server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if text := readAll(t, write); !strings.HasPrefix(text, "HTTP/1.1 504 ") || !strings.Contains(text, "Connection: close") {
		t.Error(text)
	}
	r := bufio.NewReader(read)
	if p := problemOf(t, readAnswer(t, r, "GET")); p.Code != api.CodeShuttingDown {
		t.Errorf("%+v", p)
	}
	if text := readAll(t, silent); text != "" {
		t.Error(text)
	}
	if n.server.Connections() != 0 {
		t.Errorf("%d connections are open", n.server.Connections())
	}
}

func TestAnAnswerThatComesDuringShutdownIsDelivered(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) { f.hold = true })
	c := n.raw(t, rawPut)
	w := <-n.held
	down := make(chan error, 1)
	go func() { down <- n.server.Shutdown(context.Background()) }()
	for { // until the listener is closed
		probe, err := n.dial()
		if err != nil {
			break
		}
		_ = probe.Close()
	}
	n.release(w, core.Done, wire.Result{Status: wire.Replaced, MsgNum: 8})
	if text := readAll(t, c); !strings.HasPrefix(text, "HTTP/1.1 200 ") {
		t.Error(text)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestShutdownKeepsItsBoundWhenAClientDoesNotRead(t *testing.T) {
	n := startLoopback(t, "strong")
	n.set(func(f *fake) {
		for i := range 200 {
			key := strings.Repeat("k", i+1)
			f.records[key] = wire.Record{Key: key, Value: make([]byte, 100<<10)}
		}
	})
	c := n.raw(t, "GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // wait until the answer has begun
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := n.server.Shutdown(ctx); err == nil {
		t.Error("a shutdown that had to cut a connection does not say so")
	}
}

func TestAServerThatWasShutDownBeforeItServesDoesNot(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Node: 3, Backend: newFake()})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("the listener is open")
	}
}
