package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// ViewsConfig configures a measurement of PUT /view: `cohort bench views`.
type ViewsConfig struct {
	Members   []int // sizes of the cluster
	Keys      []int // numbers of keys in the cluster when a member joins
	ValueSize int   // bytes
	Rounds    int   // how often a member leaves and joins
	Binary    string
	LogDir    string // empty: a temporary directory, kept if the measurement goes wrong

	Out io.Writer
}

// DefaultViews is a small and a large cluster with few and with many keys.
func DefaultViews(out io.Writer) ViewsConfig {
	return ViewsConfig{Members: []int{3, 22}, Keys: []int{10, 100_000}, ValueSize: 128, Rounds: 3, Out: out}
}

// Validate reports all errors of the configuration.
func (c *ViewsConfig) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(len(c.Members) == 0 || len(c.Keys) == 0, "give numbers of members and of keys")
	for _, n := range c.Members {
		wrong(n < 2 || n > api.MaxMembers, "members: %d is not between 2 and %d", n, api.MaxMembers)
	}
	for _, n := range c.Keys {
		wrong(n < 1, "keys: %d is less than 1", n)
	}
	wrong(c.ValueSize < workload.MinValueSize || c.ValueSize > api.MaxValue, "value size: %d is not between %d and %d", c.ValueSize, workload.MinValueSize, api.MaxValue)
	wrong(c.Rounds < 1, "rounds: %d is less than 1", c.Rounds)
	wrong(c.Out == nil, "no writer for the report")
	return errors.Join(errs...)
}

// ViewsReport is the result of Views.
type ViewsReport struct{ Puts []report.ViewPut }

// ExitCode is 0: there is no verdict, only an error.
func (r *ViewsReport) ExitCode() int { return 0 }

// Views measures the time from a view until every member has answered that it is ready, and prints
// one table. The view is put to all members at once; for the last line of each cluster, to one node
// only. The first view is put when there are no keys.
func Views(ctx context.Context, cfg ViewsConfig) (*ViewsReport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	all := &ViewsReport{}
	for _, members := range cfg.Members {
		for _, keys := range cfg.Keys {
			fmt.Fprintf(cfg.Out, "%d members, %d keys\n", members, keys)
			config := cluster.Default()
			config.Binary, config.Nodes, config.Dir = cfg.Binary, members, cfg.LogDir
			r, err := withNodes(ctx, config, func(c *cluster.Cluster) (*ViewsReport, error) {
				m := &viewMeter{cluster: c, members: members, keys: keys}
				err := m.measure(ctx, cfg)
				return &ViewsReport{m.puts}, err
			})
			if err != nil {
				return nil, err
			}
			all.Puts = append(all.Puts, r.Puts...)
		}
	}
	return all, report.PrintViewPuts(cfg.Out, all.Puts)
}
