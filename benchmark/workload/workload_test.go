package workload

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/bare"
	"github.com/cohortkv/cohort/benchmark/check/linear"
	"github.com/cohortkv/cohort/benchmark/history"
)

func startBare(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, ended := bare.New(api.BucketStrong), make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return "http://" + ln.Addr().String()
}

// small is a workload of a thousand counted operations.
func small(urls ...string) Config {
	cfg := Default()
	cfg.URLs, cfg.Clients, cfg.Keys, cfg.Deletes = urls, 8, 20, 10
	cfg.Warmup, cfg.Duration, cfg.Count, cfg.Timeout = 0, 0, 1000, 5*time.Second
	return cfg
}

func count(ops []history.Op, o history.Outcome) (n int) {
	for _, op := range ops {
		if op.Outcome == o {
			n++
		}
	}
	return n
}

func TestAWorkloadOnBothSurfacesIsRecordedTruly(t *testing.T) {
	for _, surface := range []Surface{V1, Classic} {
		t.Run(string(surface), func(t *testing.T) {
			cfg, rec := small(startBare(t)), history.NewRecorder()
			cfg.Surface, cfg.Preload, cfg.Warmup = surface, true, 10*time.Millisecond
			var began, ended int
			cfg.Begin, cfg.End = func() { began++ }, func() { ended++ }
			result, err := Run(t.Context(), cfg, rec)
			if err != nil {
				t.Fatal(err)
			}
			ops := rec.Ops()
			if count(ops, history.OK) != len(ops) || began != 1 || ended != 1 {
				t.Fatalf("%d of %d operations took effect; measured from %d to %d times", count(ops, history.OK), len(ops), began, ended)
			}
			measured := 0
			for _, op := range ops {
				if op.Start >= result.From && op.End <= result.To {
					measured++
				}
			}
			if measured != cfg.Count {
				t.Fatalf("%d operations were measured, want %d", measured, cfg.Count)
			}
			if v := linear.Witness(ops, 1); len(v) > 0 {
				t.Fatal(v)
			}
		})
	}
}

func TestATimedWorkloadEnds(t *testing.T) {
	cfg, rec := small(startBare(t)), history.NewRecorder()
	cfg.Count, cfg.Duration = 0, 50*time.Millisecond
	result, err := Run(t.Context(), cfg, rec)
	if err != nil || result.To-result.From < int64(cfg.Duration) || len(rec.Ops()) == 0 {
		t.Fatalf("%+v, %d operations, err %v", result, len(rec.Ops()), err)
	}
}

func TestTheSameSeedAsksTheSame(t *testing.T) {
	asked := func() string {
		cfg, rec := small(startBare(t)), history.NewRecorder()
		cfg.Clients, cfg.Count = 1, 200
		if _, err := Run(t.Context(), cfg, rec); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, op := range rec.Ops() {
			b.WriteString(op.Kind.String() + op.Key + " ")
		}
		return b.String()
	}
	if a, b := asked(), asked(); a != b {
		t.Fatalf("%s\n%s", a, b)
	}
}

// deaf receives requests and never answers. It counts them, and if hangUp is set closes the
// connection after each.
func deaf(t *testing.T, hangUp bool) (url string, requests chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests = make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				requests <- req.Method + " " + req.URL.Path
			}
			if hangUp {
				_ = conn.Close()
			} else {
				t.Cleanup(func() { _ = conn.Close() })
			}
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-ended })
	return "http://" + ln.Addr().String(), requests
}

func TestAWriteWithoutAnAnswerIsSentOnceAndUnknown(t *testing.T) {
	for name, hangUp := range map[string]bool{"closed": true, "silent": false} {
		t.Run(name, func(t *testing.T) {
			url, requests := deaf(t, hangUp)
			cfg, rec := small(url), history.NewRecorder()
			cfg.Clients, cfg.Count, cfg.Timeout = 1, 3, 50*time.Millisecond
			cfg.Puts, cfg.Gets, cfg.Deletes = 1, 0, 0
			if _, err := Run(t.Context(), cfg, rec); err != nil {
				t.Fatal(err)
			}
			ops := rec.Ops()
			if len(requests) != 3 || len(ops) != 3 || count(ops, history.Unknown) != 3 {
				t.Fatalf("%d requests, operations %v", len(requests), ops)
			}
			if ops[0].Client == ops[1].Client || ops[0].Value == ops[1].Value {
				t.Fatalf("the client went on under its old id: %v", ops)
			}
		})
	}
}

func TestAReadWithoutAnAnswerSaysNothing(t *testing.T) {
	url, _ := deaf(t, true)
	cfg, rec := small(url), history.NewRecorder()
	cfg.Clients, cfg.Count, cfg.Puts, cfg.Gets, cfg.Deletes = 1, 2, 0, 1, 0
	if _, err := Run(t.Context(), cfg, rec); err != nil {
		t.Fatal(err)
	}
	if ops := rec.Ops(); count(ops, history.NotApplied) != 2 {
		t.Fatal(ops)
	}
}

func TestClientsOfADeadNodeGoToTheNext(t *testing.T) {
	dead, _ := deaf(t, true)
	cfg, rec := small(dead, startBare(t)), history.NewRecorder()
	if _, err := Run(t.Context(), cfg, rec); err != nil {
		t.Fatal(err)
	}
	ops := rec.Ops()
	if silent := len(ops) - count(ops, history.OK); silent == 0 || silent > cfg.Clients {
		t.Fatalf("%d of %d operations of %d clients had no answer", silent, len(ops), cfg.Clients)
	}
}

func TestTheEndOfTheContextEndsRequestsThatWait(t *testing.T) {
	url, requests := deaf(t, false)
	cfg, rec := small(url), history.NewRecorder()
	cfg.Clients, cfg.Timeout = 1, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-requests; cancel() }()
	if _, err := Run(ctx, cfg, rec); err == nil {
		t.Fatal("the run says that it was complete")
	}
	if ops := rec.Ops(); len(ops) != 1 || ops[0].Outcome == history.OK {
		t.Fatal(ops)
	}
}

func TestValuesAreRecognizedOnlyWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(MinValueSize, 200).Draw(t, "size")
		v := history.NewValue(history.ClientID(rapid.Uint32Range(1, 1<<20).Draw(t, "client")), rapid.Uint32Min(1).Draw(t, "n"))
		b := appendValue(nil, v, size)
		if len(b) != size || parseValue(b, size, nil) != v {
			t.Fatalf("%v became %q, which is %v", v, b, parseValue(b, size, nil))
		}
		at := rapid.IntRange(0, size-1).Draw(t, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if got := parseValue(b, size, nil); got == v {
			t.Fatalf("%q is taken for %v", b, got)
		}
		if got := parseValue(b[:at], size, nil); !got.Foreign() {
			t.Fatalf("%q is taken for %v", b[:at], got)
		}
	})
}

func TestConfigurationsThatMakeNoSense(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"no URL":                func(c *Config) { c.URLs = nil },
		"not http://host:port":  func(c *Config) { c.URLs = []string{"ftp://a:1"} },
		"is not host:port":      func(c *Config) { c.URLs = []string{"http://a"} },
		"surface":               func(c *Config) { c.Surface = "v2" },
		"clients: 0":            func(c *Config) { c.Clients = 0 },
		"keys: 0":               func(c *Config) { c.Keys = 0 },
		"prefix":                func(c *Config) { c.Prefix = strings.Repeat("p", 1024) },
		"value size: 15":        func(c *Config) { c.ValueSize = 15 },
		"mix: 0/0/0":            func(c *Config) { c.Puts, c.Gets, c.Deletes = 0, 0, 0 },
		"warm-up":               func(c *Config) { c.Warmup = -1 },
		"a duration or a count": func(c *Config) { c.Duration = time.Second },
		"timeout":               func(c *Config) { c.Timeout = 0 },
	} {
		cfg := small("http://127.0.0.1:1")
		spoil(&cfg)
		if _, err := Run(t.Context(), cfg, history.NewRecorder()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err %v, want %q in it", err, want)
		}
	}
}
