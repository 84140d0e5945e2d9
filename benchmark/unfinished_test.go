package benchmark

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/bare"
)

// fading serves a real store for some requests. Then it stops answering, and calls silent
// once.
func fading(t *testing.T, requests int64, silent func()) (at string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	store, ended := bare.New(api.BucketStrong), make(chan error, 1)
	go func() { ended <- store.Serve(ln) }()
	t.Cleanup(func() { _ = store.Close(); <-ended })
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: ln.Addr().String()})
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
	var asked atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n == requests:
			silent()
			fallthrough
		case n > requests:
			_, _ = io.Copy(io.Discard, r.Body) // otherwise the context of the request does not end with the client
			<-r.Context().Done()
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL
}

func TestARunWhoseClusterStopsAnsweringReportsPartialResults(t *testing.T) {
	var out bytes.Buffer
	cfg := short(t, &out)
	cfg.Local, cfg.Workload.URLs = 0, []string{fading(t, 200, func() {})}
	cfg.Workload.Duration = 3 * time.Second // the server falls silent before the end, on a slow machine too
	cfg.Workload.Timeout, cfg.Workload.Patience = 50*time.Millisecond, 100*time.Millisecond
	r, err := Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "0 of 16 done") {
		t.Errorf("error %v", err)
	}
	wantPartial(t, r, out.String())
}

func TestAnInterruptedRunReportsPartialResults(t *testing.T) {
	var out bytes.Buffer
	cfg := short(t, &out)
	ctx, interrupt := context.WithCancel(t.Context())
	cfg.Local, cfg.Workload.URLs, cfg.Workload.Duration = 0, []string{fading(t, 200, interrupt)}, time.Hour
	r, err := Run(ctx, cfg)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	wantPartial(t, r, out.String())
}

// wantPartial expects figures and a verdict for the requests before the server stopped
// answering, and an exit status other than 0.
func wantPartial(t *testing.T, all Reports, out string) {
	t.Helper()
	if len(all) != 1 || all[0].Figures.Done < 100 || all[0].Verdict == nil || !all[0].Verdict.Clean() || all.ExitCode() != 1 {
		t.Fatalf("%+v", all)
	}
	for _, want := range []string{"unfinished: ", "verdict: linearizable", "history: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
