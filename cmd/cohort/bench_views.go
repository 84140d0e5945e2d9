package main

import (
	"context"
	"io"

	"github.com/cohortkv/cohort/benchmark"
)

type benchViewsCmd struct {
	Members   []int  `default:"${viewsMembers}" help:"Sizes of the cluster to measure with."`
	Keys      []int  `default:"${viewsKeys}" help:"Numbers of keys in the cluster when a member joins."`
	ValueSize int    `default:"${viewsValueSize}" help:"Size of a value in bytes."`
	Rounds    int    `default:"${viewsRounds}" help:"How often a member leaves and joins."`
	Logs      string `placeholder:"DIR" help:"Keep the logs of the nodes in this directory."`
}

func (benchViewsCmd) Help() string {
	return `Each node is a separate process. A view is put to all its members at once. The measured time ends when the last member has answered 200 and is ready. The first view is put to nodes without data. Then the keys are written, and four more views are measured: a view without a member that has died, a view with this member, now empty, and the same view again, put to all members and to one.`
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
