package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/report"
)

// Run plays one workload, with its faults, and prints figures and verdict. An
// error means that there is no verdict; a bad verdict is no error but an exit
// code.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := turn{name: "bench", load: cfg.Workload, history: cfg.HistoryFile, noJudge: cfg.NoJudge}
	t.load.Settle = func() error { return nil }
	if cfg.Local == 0 {
		return finish(ctx, &t, cfg.Out)
	}
	return withCluster(ctx, cfg.cluster(), func(c *cluster.Cluster) (*Report, error) {
		fmt.Fprintf(cfg.Out, "local cluster of %d nodes: %v\n", c.Size(), c.URLs(c.All()...))
		t.load.URLs, t.cpu = c.URLs(c.All()...), c.CPU
		// Faults begin with the measurement, and are over before the last reads.
		var faults sync.WaitGroup
		var failed error
		ctx, cancel := context.WithCancel(ctx)
		defer faults.Wait()
		defer cancel()
		log := &changeLog{out: cfg.Out}
		t.begin = func(clock func() int64) {
			log.clock = clock
			faults.Go(func() { failed = fault.Run(ctx, cfg.Faults, c, log.note) })
		}
		t.load.Settle = func() error { faults.Wait(); return failed }
		t.changes = log.all
		return finish(ctx, &t, cfg.Out)
	})
}

// cluster is the local cluster that the run needs.
func (c *Config) cluster() cluster.Config {
	config := cluster.Default()
	config.Binary, config.Nodes, config.Dir = c.Binary, c.Local, c.LogDir
	config.Cuts = slices.ContainsFunc(c.Faults, func(f fault.Fault) bool {
		return f.Action == fault.Cut || f.Action == fault.CutOneWay
	})
	return config
}

// finish plays the turn and prints what came of it.
func finish(ctx context.Context, t *turn, w io.Writer) (*Report, error) {
	r, err := t.play(ctx)
	if err != nil {
		return nil, err
	}
	if err := report.Print(w, r.Figures); err != nil {
		return nil, err
	}
	if len(r.Waits) > 0 {
		if err := report.PrintWaits(w, r.Waits); err != nil {
			return nil, err
		}
	}
	if r.FailedDials > 0 {
		fmt.Fprintf(w, "%d times a client could not connect\n", r.FailedDials)
	}
	if r.HistoryFile != "" {
		fmt.Fprintf(w, "history: %s (first number %d)\n", r.HistoryFile, r.First)
	}
	if r.Verdict != nil {
		fmt.Fprintln(w, r.Verdict)
	}
	return r, nil
}

// withCluster lends f a cluster of local nodes with a view of all of them.
func withCluster[R interface{ ExitCode() int }](ctx context.Context, config cluster.Config, f func(*cluster.Cluster) (R, error)) (R, error) {
	return withNodes(ctx, config, func(c *cluster.Cluster) (r R, err error) {
		if err := c.PutView(ctx, c.All()...); err != nil {
			return r, err
		}
		return f(c)
	})
}

// withNodes lends f local nodes without a view; no binary means this very
// program. Logs in a temporary directory, which no directory means, are kept only
// if something went wrong.
func withNodes[R interface{ ExitCode() int }](ctx context.Context, config cluster.Config, f func(*cluster.Cluster) (R, error)) (r R, err error) {
	if config.Binary == "" {
		if config.Binary, err = os.Executable(); err != nil {
			return r, fmt.Errorf("local cluster: %w", err)
		}
	}
	temporary := config.Dir == ""
	if temporary {
		if config.Dir, err = os.MkdirTemp("", "cohort-bench-"); err != nil {
			return r, fmt.Errorf("local cluster: %w", err)
		}
	} else if err = os.MkdirAll(config.Dir, 0o755); err != nil {
		return r, fmt.Errorf("local cluster: %w", err)
	}
	c, err := cluster.Start(ctx, config)
	if err == nil {
		r, err = f(c)
		err = errors.Join(err, c.Close())
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w (logs: %s)", err, config.Dir)
	case temporary && r.ExitCode() == 0:
		err = os.RemoveAll(config.Dir)
	}
	return r, err
}
