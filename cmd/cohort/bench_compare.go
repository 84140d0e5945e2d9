package main

import (
	"context"
	"io"
	"time"

	"github.com/cohortkv/cohort/benchmark"
	"github.com/cohortkv/cohort/benchmark/workload"
)

type benchCompareCmd struct {
	Model       string        `enum:"strong,causal" default:"strong" help:"The bucket of the cluster: strong or causal."`
	BusTLS      bool          `name:"bus-tls" help:"Compare with a cluster instead of the baseline: one whose nodes encrypt what they say to one another, and one whose nodes do not."`
	Nodes       int           `default:"${compareNodes}" help:"Nodes of the cluster."`
	Connections []int         `default:"${compareConnections}" help:"Numbers of connections to measure with."`
	Rounds      int           `default:"${compareRounds}" help:"Turns of each measurement on both sides."`
	Keys        int           `default:"${compareKeys}" help:"Keys of every turn."`
	ValueSize   int           `default:"${compareValueSize}" help:"Bytes of a value."`
	Surface     string        `enum:"v1,classic" default:"v1" help:"The HTTP surface: v1 or classic."`
	Warmup      time.Duration `default:"${compareWarmup}" help:"Of every turn."`
	Duration    time.Duration `default:"${compareDuration}" help:"Of every turn."`
	Seed        uint64        `default:"${seed}" help:"Of the choice of keys."`
	Logs        string        `placeholder:"DIR" help:"Keep the logs of the processes here."`
}

func (benchCompareCmd) Help() string {
	return `The baseline, "bench bare", is one process of the same HTTP server in front of a map: the same requests, answers of the same size, and nothing replicated. With --model causal that has sessions, as long as those of the nodes. Each measurement is made on both sides in turn, and all of it is judged; the exit status is 0 only if the verdict is good.`
}

func (c benchCompareCmd) Run(ctx context.Context, term terminal) error {
	report, err := benchmark.Compare(ctx, c.config(term.out))
	return judged(report, err)
}

func (c benchCompareCmd) config(out io.Writer) benchmark.CompareConfig {
	cfg := benchmark.DefaultCompare(out)
	cfg.Nodes, cfg.Connections, cfg.Rounds, cfg.Keys, cfg.ValueSize = c.Nodes, c.Connections, c.Rounds, c.Keys, c.ValueSize
	cfg.Surface, cfg.Warmup, cfg.Duration, cfg.Seed, cfg.LogDir = workload.Surface(c.Surface), c.Warmup, c.Duration, c.Seed, c.Logs
	cfg.Model, cfg.BusTLS = workload.Model(c.Model), c.BusTLS
	return cfg
}
