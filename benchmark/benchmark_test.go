package benchmark

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/bare"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// TestMain turns this binary into the programs that a run starts: the baseline, or a node.
// The node is a store that takes views and does not replicate.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		fakeNode(os.Args[2:])
	case len(os.Args) > 6 && os.Args[1] == "bench" && os.Args[2] == "bare":
		ln, err := net.Listen("tcp", os.Args[4])
		if err != nil {
			panic(err)
		}
		panic(bare.New(os.Args[6]).Serve(ln))
	}
	os.Exit(m.Run())
}

func fakeNode(args []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	addr := flags.String("http", "", "")
	bucket := flags.String("default-bucket", "", "")
	for _, name := range []string{"id", "bus", "cluster", "log-level", "log-format"} {
		_ = flags.String(name, "", "")
	}
	_ = flags.Parse(args) // exits on error
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { panic(bare.New(*bucket).Serve(ln)) }()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: ln.Addr().String()})
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
	http.Handle("/", proxy)
	http.HandleFunc("PUT /view", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(api.ViewAnswer{Result: api.ViewReady, View: api.View{Flat: true}, Number: 1})
	})
	panic(http.ListenAndServe(*addr, nil))
}

// short returns the configuration of a run that takes a fraction of a second.
func short(t *testing.T, out io.Writer) Config {
	cfg := Default(out)
	cfg.Binary, cfg.LogDir, cfg.HistoryFile = os.Args[0], t.TempDir(), filepath.Join(t.TempDir(), "history")
	cfg.Workload.Clients, cfg.Workload.Keys = 8, 16
	cfg.Workload.Warmup, cfg.Workload.Duration, cfg.Workload.Timeout = 0, 150*time.Millisecond, 5*time.Second
	return cfg
}

func TestARunOfATrueStoreIsLinearizable(t *testing.T) {
	var out bytes.Buffer
	cfg := short(t, &out)
	cfg.Local = 1
	cfg.Faults = []fault.Fault{{Action: fault.Pause, Nodes: []int{0}, At: 20 * time.Millisecond, For: 20 * time.Millisecond}}
	all, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if all.ExitCode() != 0 || len(all) != 1 {
		t.Fatalf("%+v\n%s", all, out.String())
	}
	r := all[0]
	if r.ExitCode() != 0 || r.Figures.Done == 0 || r.Verdict.Slices < cfg.Workload.Keys || r.Figures.CPU < 0 {
		t.Fatalf("%+v\n%s", r, out.String())
	}
	for _, want := range []string{"fault: pause=0@20ms+20ms", "fault: resume=0", "p99.9", "longest wait", "ms  pause=0@20ms+20ms  ", "verdict: linearizable (witness "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	again, err := JudgeFile(cfg.HistoryFile, r.First)
	if err != nil || again.String() != r.Verdict.String() {
		t.Errorf("the saved history is judged differently: %v, err %v", &again, err)
	}
}

func TestARunOfStoresThatDoNotReplicateIsNot(t *testing.T) {
	var out bytes.Buffer
	cfg := short(t, &out)
	cfg.Local = 2
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.ExitCode() != 1 || !strings.Contains(out.String(), "verdict: NOT linearizable: ") {
		t.Fatal(out.String())
	}
}

// TestWritesLostWithThePrimaryAreMissed kills the only node with the writes after the last write.
// Only the final reads can detect the loss.
func TestWritesLostWithThePrimaryAreMissed(t *testing.T) {
	var out bytes.Buffer
	cfg := short(t, &out)
	cfg.Local = 2
	cfg.Workload.Gets, cfg.Workload.Deletes = 0, 0
	cfg.Workload.Duration, cfg.Workload.Count, cfg.Workload.Clients = 0, 40, 1
	cfg.Faults = []fault.Fault{{Action: fault.KillPrimary, At: 100 * time.Millisecond}}
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.ExitCode() != 1 {
		t.Fatal(out.String())
	}
}

func TestAnExistingClusterIsJudgedFromItsNumberOn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, ended := bare.New(api.BucketStrong), make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	defer func() { _ = s.Close(); <-ended }()
	var out bytes.Buffer
	var first []uint64
	for range 2 {
		cfg := short(t, &out)
		cfg.Local, cfg.Workload.URLs, cfg.Workload.Surface = 0, []string{"http://" + ln.Addr().String()}, workload.Classic
		r, err := Run(t.Context(), cfg)
		if err != nil || r.ExitCode() != 0 {
			t.Fatalf("err %v\n%s", err, out.String())
		}
		first = append(first, r[0].First)
	}
	if first[0] != 1 || first[1] <= 1 {
		t.Errorf("first numbers %v", first)
	}
}

func TestAComparisonPrintsOneTable(t *testing.T) {
	var out bytes.Buffer
	cfg := DefaultCompare(&out)
	cfg.Nodes, cfg.Binary, cfg.LogDir = 2, os.Args[0], t.TempDir()
	cfg.Connections, cfg.Rounds, cfg.Keys = []int{1, 4}, 2, 50
	cfg.Warmup, cfg.Duration = 0, 40*time.Millisecond
	r, err := Compare(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.ExitCode() != 0 || len(r.Pairs) != 4 || len(r.Pairs[0].Ratios()) != 2 {
		t.Fatalf("%+v", r)
	}
	for _, want := range []string{"PUT at the primary, 1 connections", "GET at the primary, 4 connections", "PUT through a backup, 4 connections",
		"bare op/s", "cohort CPU/op", "verdict: linearizable"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestAComparisonOfCausalBuckets has nodes that do not replicate. Only sessions that use both nodes
// may read too old data.
func TestAComparisonOfCausalBuckets(t *testing.T) {
	for _, surface := range []workload.Surface{workload.V1, workload.Classic} {
		var out bytes.Buffer
		cfg := DefaultCompare(&out)
		cfg.Nodes, cfg.Binary, cfg.LogDir, cfg.Model, cfg.Surface = 2, os.Args[0], t.TempDir(), workload.Causal, surface
		cfg.Connections, cfg.Rounds, cfg.Keys = []int{4}, 1, 50
		cfg.Warmup, cfg.Duration = 0, 100*time.Millisecond
		r, err := Compare(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Pairs) != 4 || r.Verdict.Operations == 0 || !r.Verdict.Causal {
			t.Errorf("%s: %+v", surface, r)
		}
		for _, history := range regexp.MustCompile(`(?m)^.*: history: `).FindAllString(out.String(), -1) {
			if !strings.Contains(history, " at all nodes") || !strings.Contains(history, ", cohort: ") {
				t.Errorf("%s: found against what has one store: %s", surface, history)
			}
		}
		for _, want := range []string{"causal PUT at all nodes, 4 connections", "causal GET at one, 4 connections", "verdict: "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", surface, want, out.String())
			}
		}
	}
}

func TestConfigurationsThatMakeNoSense(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"not both":             func(c *Config) { c.Workload.URLs = []string{"http://a:1"} },
		"no URL":               func(c *Config) { c.Local = 0 },
		"cannot be judged":     func(c *Config) { c.Workload.Clients, c.Workload.Keys = 64, 12 },
		"use at least 13 keys": func(c *Config) { c.Workload.Clients, c.Workload.Keys = 64, 12 },
		"there is no node 3":   func(c *Config) { c.Faults = []fault.Fault{{Action: fault.Pause, Nodes: []int{3}, For: 1}} },
		"ends after the run":   func(c *Config) { c.Faults = []fault.Fault{{Action: fault.KillPrimary, At: time.Hour}} },
		"1 of 1 nodes":         func(c *Config) { c.Local, c.Faults = 1, []fault.Fault{{Action: fault.KillPrimary}} },
		"no writer":            func(c *Config) { c.Out = nil },
		"clients: 0":           func(c *Config) { c.Workload.Clients = 0 },
		"only local nodes can be": func(c *Config) {
			c.Local, c.Workload.URLs, c.Faults = 0, []string{"http://a:1"}, []fault.Fault{{Action: fault.KillPrimary}}
		},
	} {
		cfg := short(t, io.Discard)
		spoil(&cfg)
		if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err %v, want %q in it", err, want)
		}
	}
	good := DefaultCompare(io.Discard)
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*CompareConfig){
		"no backup":        func(c *CompareConfig) { c.Nodes = 1 },
		"no numbers":       func(c *CompareConfig) { c.Connections = nil },
		"rounds":           func(c *CompareConfig) { c.Rounds = 0 },
		"cannot be judged": func(c *CompareConfig) { c.Keys = 51 },
		"value size":       func(c *CompareConfig) { c.ValueSize = 1 },
		"duration":         func(c *CompareConfig) { c.Duration = -1 },
	} {
		cfg := DefaultCompare(io.Discard)
		spoil(&cfg)
		if _, err := Compare(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err %v, want %q in it", err, want)
		}
	}
}
