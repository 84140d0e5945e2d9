package main

import (
	"context"
	"io"
	"time"

	"github.com/cohortkv/cohort/benchmark"
)

type benchShardsCmd struct {
	Shards    int           `default:"${shards}" help:"How many the first shard becomes, each of two nodes."`
	Keys      []int         `default:"${shardsKeys}" help:"How many keys there are."`
	ValueSize int           `default:"${shardsValueSize}" help:"Bytes of a value."`
	Rounds    int           `default:"${shardsRounds}" help:"How often shards come and go."`
	Idle      time.Duration `default:"${shardsIdle}" help:"For how long the processor time of an idle cluster is watched."`
	Logs      string        `placeholder:"DIR" help:"Keep the logs of the nodes here."`
}

func (benchShardsCmd) Help() string {
	return `Every node is a process of its own. A view is put to all nodes at once; the time is that until the last of them has answered 200 and is ready. Then every key must be in one shard and on all replicas of it. Keys moved count once, however many replicas their shard has; nodes that left a view are started anew before the next round, or they would have them already.`
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
