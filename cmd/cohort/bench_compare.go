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
	BusTLS      bool          `name:"bus-tls" help:"Instead of the baseline, compare a cluster with encryption between nodes and one without."`
	Nodes       int           `default:"${compareNodes}" help:"Number of nodes in the cluster."`
	Connections []int         `default:"${compareConnections}" help:"Numbers of connections to measure with."`
	Rounds      int           `default:"${compareRounds}" help:"Number of turns of each measurement on each side."`
	Keys        int           `default:"${compareKeys}" help:"Number of keys in each turn."`
	ValueSize   int           `default:"${compareValueSize}" help:"Size of a value in bytes."`
	Surface     string        `enum:"v1,classic" default:"v1" help:"The HTTP surface: v1 or classic."`
	Warmup      time.Duration `default:"${compareWarmup}" help:"Warm-up of each turn."`
	Duration    time.Duration `default:"${compareDuration}" help:"Length of each turn."`
	Seed        uint64        `default:"${seed}" help:"Seed for the choice of keys."`
	Logs        string        `placeholder:"DIR" help:"Keep the logs of the processes in this directory."`
}

func (benchCompareCmd) Help() string {
	return `The baseline, "bench bare", is a single process: the same HTTP server in front of a map, without replication. Both sides get the same requests and give answers of the same size. With --model causal, sessions of the baseline are as long as those of the nodes. The measurements alternate between both sides, and all operations are checked. The exit status is 0 only if the verdict is good.`
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
