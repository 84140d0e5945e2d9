package main

import (
	"context"
	"io"

	"github.com/cohortkv/cohort/benchmark"
)

type benchViewsCmd struct {
	Members   []int  `default:"${viewsMembers}" help:"Sizes of the cluster."`
	Keys      []int  `default:"${viewsKeys}" help:"How many keys there are when a member joins."`
	ValueSize int    `default:"${viewsValueSize}" help:"Bytes of a value."`
	Rounds    int    `default:"${viewsRounds}" help:"How often a member leaves and joins."`
	Logs      string `placeholder:"DIR" help:"Keep the logs of the nodes here."`
}

func (benchViewsCmd) Help() string {
	return `Every node is a process of its own. A view is put to all its members at once; the time is that until the last of them has answered 200 and is ready. First a view of nodes without data; then, with the keys written: a member has died and the others get a view, it comes back empty and joins, and the same view is put again, to all and to one.`
}

func (c benchViewsCmd) Run(ctx context.Context, term terminal) error {
	report, err := benchmark.Views(ctx, c.config(term.out))
	return judged(report, err)
}

func (c benchViewsCmd) config(out io.Writer) benchmark.ViewsConfig {
	cfg := benchmark.DefaultViews(out)
	cfg.Members, cfg.Keys, cfg.ValueSize, cfg.Rounds, cfg.LogDir = c.Members, c.Keys, c.ValueSize, c.Rounds, c.Logs
	return cfg
}
