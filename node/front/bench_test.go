package front

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// instant is a backend without cost, so that the front alone is measured.
type instant struct {
	*fake
	result wire.Result
	record wire.Record
	causal core.CausalResult
}

func (b *instant) Write(w *Waiter, _ wire.Op) {
	w.Reply = core.Reply{Outcome: core.Done, Result: b.result}
	w.Done <- struct{}{}
}

func (b *instant) Read(w *Waiter) {
	w.Reply = core.Reply{Outcome: core.Done}
	w.Done <- struct{}{}
}

func (b *instant) CausalWrite(w *Waiter, _ wire.Op, _ wire.Context) { b.answerCausal(w) }

func (b *instant) CausalRead(w *Waiter, _ string, _ wire.Context) { b.answerCausal(w) }

func (b *instant) answerCausal(w *Waiter) {
	w.Reply = core.Reply{Outcome: core.Done, Causal: &b.causal}
	w.Done <- struct{}{}
}

func (b *instant) State() State                              { return b }
func (b *instant) Get(string) (wire.Record, bool, uint64)    { return b.record, true, 1234567 }
func (b *instant) Status() core.NodeStatus                   { return b.fake.status }
func (b *instant) Outage() api.Outage                        { return api.Outage{} }
func (b *instant) Holds() api.Holds                          { return api.Holds{} }
func (b *instant) Stuck() string                             { return "" }
func (b *instant) Ways() func(ids.Node) (why, detail string) { return nil }

func newInstant() *instant {
	version := wire.Version{MsgNum: 1234567, Fingerprint: 0xdeadbeef}
	return &instant{
		causal: core.CausalResult{
			Item:    &wire.Item{Value: bytes.Repeat([]byte("x"), 128), ContentType: api.TypeBytes, Version: seenBefore(1).Exact[0].Version},
			Context: seenBefore(3),
		},
		fake:   newFake(),
		result: wire.Result{Status: wire.Replaced, MsgNum: 1234567, Version: version},
		record: wire.Record{Value: bytes.Repeat([]byte("x"), 128), ContentType: api.TypeBytes, Version: version},
	}
}

// seenBefore is the context of a client that has seen the given number of keys.
func seenBefore(keys int) (c wire.Context) {
	stream := wire.Stream{View: ids.View{Number: 9, Author: 1, Boot: 1 << 60}, Node: 2, Boot: 1 << 61}
	for i := range uint64(keys) {
		version := wire.CausalVersion{Counter: i + 7, Dot: wire.Dot{Stream: stream, N: 1234567 + i}}
		c.Exact = append(c.Exact, wire.Dependency{Hash: (i + 1) * 0x9e3779b97f4a7c15, Version: version})
	}
	return c
}

// BenchmarkCausalRequest is BenchmarkRequest for causal buckets, with clients that
// have seen some keys.
func BenchmarkCausalRequest(b *testing.B) {
	for _, keys := range []int{0, 3, 128} {
		session := string(wire.AppendContextText(nil, "test", nil, seenBefore(keys)))
		metadata := `"causal-metadata":{"session":"` + session + `"}}`
		for _, c := range []struct{ name, method, path, body, header string }{
			{"classic/PUT", "PUT", "/data/key-0001234567", `{"value":"` + strings.Repeat("x", 128) + `",` + metadata, ""},
			{"classic/GET", "GET", "/data/key-0001234567", "{" + metadata, ""},
			{"v1/PUT", "PUT", "/v1/kv/causal/key-0001234567", strings.Repeat("x", 128), session},
			{"v1/GET", "GET", "/v1/kv/causal/key-0001234567", "", session},
		} {
			b.Run(fmt.Sprintf("%s/seen=%d", c.name, keys), func(b *testing.B) {
				s := New(Config{Node: 3, Backend: newInstant(), Cluster: "test", DefaultBucket: api.BucketCausal})
				var headers []string
				if c.header != "" {
					headers = append(headers, api.HeaderSession+": "+c.header)
				}
				var ctx fasthttp.RequestCtx
				arrive(b, &ctx, c.method, c.path, c.body, headers...)
				b.ReportAllocs()
				for b.Loop() {
					ctx.Response.Reset()
					s.handle(&ctx)
				}
				if ctx.Response.StatusCode() >= 300 {
					b.Fatal(ctx.Response.String())
				}
			})
		}
	}
}

// arrive reads a request as Go's client sends it.
func arrive(b *testing.B, ctx *fasthttp.RequestCtx, method, path, body string, headers ...string) {
	headers = append(headers, "Host: 127.0.0.1:8081", "User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip")
	if body != "" {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)), "Content-Type: "+api.TypeBytes)
	}
	text := method + " " + path + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
	ctx.Init(&fasthttp.Request{}, nil, nil)
	if err := ctx.Request.Read(bufio.NewReaderSize(strings.NewReader(text), headerLimit)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRequest measures handlers without sockets and HTTP parsing.
func BenchmarkRequest(b *testing.B) {
	body, _ := api.AppendValue(nil, bytes.Repeat([]byte("x"), 128))
	for _, c := range []struct {
		name, method, path string
		body               []byte
	}{
		{"classic/PUT", "PUT", "/data/key-0001234567", body},
		{"classic/GET", "GET", "/data/key-0001234567", nil},
		{"v1/PUT", "PUT", "/v1/kv/strong/key-0001234567", bytes.Repeat([]byte("x"), 128)},
		{"v1/GET", "GET", "/v1/kv/strong/key-0001234567", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Config{Node: 3, Backend: newInstant()})
			var ctx fasthttp.RequestCtx
			arrive(b, &ctx, c.method, c.path, string(c.body))
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				s.handle(&ctx)
			}
			if ctx.Response.StatusCode() >= 300 {
				b.Fatal(ctx.Response.String())
			}
		})
	}
}

// BenchmarkServed measures requests over a connection that is kept, with HTTP
// parsing and the reading of bodies; with tokens, whose client sends one.
func BenchmarkServed(b *testing.B) {
	for _, size := range []int{0, 16, 1 << 10, 4 << 10, 64 << 10, 512 << 10} {
		b.Run(fmt.Sprintf("PUT/%d", size), func(b *testing.B) { benchServed(b, size, nil, "") })
	}
	guard, err := access.Open(access.Config{Tokens: tokens(b, map[string]string{"app": "read:strong/other/ read,write:strong/"})})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("PUT/16/token", func(b *testing.B) { benchServed(b, 16, guard, bearer("app")+"\r\n") })
}

func benchServed(b *testing.B, size int, guard *access.Guard, header string) {
	ln := fasthttputil.NewInmemoryListener()
	s := New(Config{Node: 3, Backend: newInstant(), Guard: guard})
	go func() { _ = s.Serve(ln) }()
	defer ln.Close()
	c, err := ln.Dial()
	if err != nil {
		b.Fatal(err)
	}
	request := []byte(fmt.Sprintf("PUT /v1/kv/strong/key HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s",
		header, size, strings.Repeat("x", size)))
	r := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		status, err := r.ReadString('\n')
		if err != nil || !strings.Contains(status, "204") {
			b.Fatal(status, err)
		}
		for line := status; line != "\r\n"; {
			if line, err = r.ReadString('\n'); err != nil {
				b.Fatal(err)
			}
		}
	}
}
