package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/workload"
)

func TestBenchFlagsBecomeItsConfiguration(t *testing.T) {
	tests := []struct {
		args string
		want func(*benchmark.Config)
	}{
		{"", func(*benchmark.Config) {}},
		{"--local 5", func(c *benchmark.Config) { c.Local = 5 }},
		{"--url http://a:1 --url http://b:1", func(c *benchmark.Config) {
			c.Local, c.Workload.URLs = 0, []string{"http://a:1", "http://b:1"}
		}},
		{"--mix 90/9/1 --clients 8 --keys 16 --value-size 20", func(c *benchmark.Config) {
			w := &c.Workload
			w.Puts, w.Gets, w.Deletes, w.Clients, w.Keys, w.ValueSize = 90, 9, 1, 8, 16, 20
		}},
		{"--count 500", func(c *benchmark.Config) { c.Workload.Count, c.Workload.Duration = 500, 0 }},
		{"--fault kill-primary@2s --fault pause=1@3s+1s --duration 5s", func(c *benchmark.Config) {
			c.Workload.Duration = 5 * time.Second
			c.Faults = []fault.Fault{
				{Action: fault.KillPrimary, At: 2 * time.Second},
				{Action: fault.Pause, Nodes: []int{1}, At: 3 * time.Second, For: time.Second},
			}
		}},
		{"--fault cut=1,2@3s+1s", func(c *benchmark.Config) {
			c.Faults = []fault.Fault{{Action: fault.Cut, Nodes: []int{1, 2}, At: 3 * time.Second, For: time.Second}}
		}},
		{"--scenario changes", func(c *benchmark.Config) {
			c.Local, c.Workload.Duration, c.Faults = 5, fault.ScenarioNamed("changes").Duration, fault.ScenarioNamed("changes").Faults
		}},
		{"--scenario changes --local 6 --duration 1m --fault kill=5@1s", func(c *benchmark.Config) {
			c.Local, c.Workload.Duration = 6, time.Minute
			c.Faults = append([]fault.Fault{{Action: fault.Kill, Nodes: []int{5}, At: time.Second}}, fault.ScenarioNamed("changes").Faults...)
		}},
		{"--model causal --fresh 5 --handover 0", func(c *benchmark.Config) {
			c.Models, c.Workload.Fresh, c.Workload.Handover = []workload.Model{workload.Causal}, 5, 0
		}},
		{"--model both --scenario shards", func(c *benchmark.Config) {
			c.Models = []workload.Model{workload.Strong, workload.Causal}
			c.Local, c.Workload.Duration, c.Faults = 6, fault.ScenarioNamed("shards").Duration, fault.ScenarioNamed("shards").Faults
		}},
		{"--history h --logs l --no-judge", func(c *benchmark.Config) { c.HistoryFile, c.LogDir, c.NoJudge = "h", "l", true }},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			want := benchmark.Default(nil)
			want.Models = []workload.Model{workload.Strong}
			test.want(&want)
			got := parse(t, append([]string{"bench"}, strings.Fields(test.args)...)...).Bench.Run.config(nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompareFlagsBecomeItsConfiguration(t *testing.T) {
	want := benchmark.DefaultCompare(nil)
	if diff := cmp.Diff(want, parse(t, "bench", "compare").Bench.Compare.config(nil)); diff != "" {
		t.Errorf("without flags: %s", diff)
	}
	want.Nodes, want.Connections, want.Rounds, want.Duration = 2, []int{4, 8}, 1, time.Second
	got := parse(t, "bench", "compare", "--nodes", "2", "--connections", "4,8", "--rounds", "1", "--duration", "1s").Bench.Compare.config(nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestViewsFlagsBecomeItsConfiguration(t *testing.T) {
	want := benchmark.DefaultViews(nil)
	if diff := cmp.Diff(want, parse(t, "bench", "views").Bench.Views.config(nil)); diff != "" {
		t.Errorf("without flags: %s", diff)
	}
	want.Members, want.Keys, want.ValueSize, want.Rounds, want.LogDir = []int{5}, []int{1, 2}, 20, 1, "l"
	got := parse(t, "bench", "views", "--members", "5", "--keys", "1,2", "--value-size", "20", "--rounds", "1", "--logs", "l").Bench.Views.config(nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// verdict is a report with an exit code.
type verdict int

func (v verdict) ExitCode() int { return int(v) }

func TestABadVerdictIsTheExitStatus(t *testing.T) {
	broken := errors.New("no verdict")
	tests := []struct {
		report verdict
		err    error
		want   error
	}{
		{0, nil, nil},
		{1, nil, exitStatus(1)},
		{0, broken, broken},
	}
	for _, test := range tests {
		if got := judged(test.report, test.err); got != test.want {
			t.Errorf("report %d with error %v: %v, want %v", test.report, test.err, got, test.want)
		}
	}
}
