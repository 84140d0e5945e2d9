package main

import (
	"context"
	"io"
	"time"

	"github.com/cohortkv/cohort/benchmark"
)

type benchShardsCmd struct {
	Shards    int           `default:"${shards}" help:"Number of shards, of two nodes each, that the first shard is split into."`
	Keys      []int         `default:"${shardsKeys}" help:"Numbers of keys to measure with."`
	ValueSize int           `default:"${shardsValueSize}" help:"Size of a value in bytes."`
	Rounds    int           `default:"${shardsRounds}" help:"How often shards are added and removed."`
	Idle      time.Duration `default:"${shardsIdle}" help:"How long to measure the processor time of the idle cluster."`
	Logs      string        `placeholder:"DIR" help:"Keep the logs of the nodes in this directory."`
}

func (benchShardsCmd) Help() string {
	return `Each node is a separate process. A view is put to all nodes at once. The measured time ends when the last node has answered 200 and is ready. Then every key must be in exactly one shard, on all replicas of this shard. A moved key counts once, however many replicas its shard has. Nodes that left a view are restarted before the next round, because they would still hold the keys.`
}

func (c benchShardsCmd) Run(ctx context.Context, term terminal) error {
	report, err := benchmark.Shards(ctx, c.config(term.out))
	return judged(report, err)
}

func (c benchShardsCmd) config(out io.Writer) benchmark.ShardsConfig {
	cfg := benchmark.DefaultShards(out)
	cfg.Shards, cfg.Keys, cfg.ValueSize, cfg.Rounds, cfg.Idle, cfg.LogDir = c.Shards, c.Keys, c.ValueSize, c.Rounds, c.Idle, c.Logs
	return cfg
}
