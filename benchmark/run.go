package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// Run runs one workload on each model, at the same time, with its faults, and prints figures and
// verdicts. If the run is interrupted, they cover the operations until then, and Run returns an
// error. A bad verdict is not an error, but sets the exit code.
func Run(ctx context.Context, cfg Config) (Reports, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	turns := cfg.turns()
	for _, t := range turns {
		t.load.Settle = func() error { return nil }
	}
	if cfg.Local == 0 {
		return playAll(ctx, turns, cfg.Out)
	}
	return withCluster(ctx, cfg.cluster(), func(c *cluster.Cluster) (Reports, error) {
		fmt.Fprintf(cfg.Out, "local cluster of %d nodes: %v\n", c.Size(), c.URLs(c.All()...))
		// Faults begin with the measurement, and end before the final reads.
		var faults sync.WaitGroup
		var failed error
		ctx, cancel := context.WithCancel(ctx)
		defer faults.Wait()
		defer cancel()
		log := &changeLog{out: cfg.Out}
		var begin sync.Once
		for _, t := range turns {
			t.load.URLs, t.cpu = c.URLs(c.All()...), c.CPU
			t.begin = func(clock func() int64) {
				begin.Do(func() {
					log.clock = clock
					faults.Go(func() { failed = fault.Run(ctx, cfg.Faults, c, log.note) })
				})
			}
			t.load.Settle = func() error { faults.Wait(); return failed }
			t.changes = log.all
			t.view = func(context.Context) (api.View, error) { return c.LastView(), nil }
		}
		return playAll(ctx, turns, cfg.Out)
	})
}

// turns are the workloads of a run. Workloads of several models share the clients and one clock.
func (c *Config) turns() []*turn {
	recorder := history.NewRecorder()
	var turns []*turn
	for _, model := range c.models() {
		t := &turn{name: "bench", load: c.Workload, history: c.HistoryFile, noJudge: c.NoJudge, converge: c.Converge, recorder: recorder.Beside()}
		t.load.Model = model
		if len(c.models()) > 1 {
			t.name = string(model)
			t.load.Clients = max(1, c.Workload.Clients/len(c.models()))
			if t.history != "" {
				t.history += "-" + t.name
			}
		}
		turns = append(turns, t)
	}
	return turns
}

// playAll runs turns at the same time and prints their results, also of interrupted turns.
func playAll(ctx context.Context, turns []*turn, w io.Writer) (Reports, error) {
	reports, errs := make(Reports, len(turns)), make([]error, len(turns))
	var playing sync.WaitGroup
	for i, t := range turns {
		playing.Go(func() { reports[i], errs[i] = t.play(ctx) })
	}
	playing.Wait()
	reports = slices.DeleteFunc(reports, func(r *Report) bool { return r == nil })
	for _, r := range reports {
		errs = append(errs, r.print(w))
	}
	return reports, errors.Join(errs...)
}

// cluster is the local cluster that the run needs.
func (c *Config) cluster() cluster.Config {
	config := cluster.Default()
	config.Binary, config.Nodes, config.Dir = c.Binary, c.Local, c.LogDir
	if slices.Contains(c.models(), workload.Causal) {
		config.Bucket = api.BucketCausal // so that replicas can be listed; strong buckets are loaded on v1
	}
	config.Durability = c.Durability
	config.Cuts = slices.ContainsFunc(c.Faults, func(f fault.Fault) bool {
		return f.Action == fault.Cut || f.Action == fault.CutOneWay
	})
	return config
}

// print writes figures, and the verdict last.
func (r *Report) print(w io.Writer) error {
	if err := report.Print(w, r.Figures); err != nil {
		return err
	}
	if len(r.Waits) > 0 {
		if err := report.PrintWaits(w, r.Waits); err != nil {
			return err
		}
	}
	if r.FailedDials > 0 {
		fmt.Fprintf(w, "%d times a client could not connect\n", r.FailedDials)
	}
	if r.LongestSeen > 0 {
		fmt.Fprintf(w, "causal clients carried up to %d bytes\n", r.LongestSeen)
	}
	if r.Equal >= 0 {
		fmt.Fprintf(w, "replicas were seen to be equal %v after the last answer\n", r.Equal.Round(time.Millisecond))
	}
	if r.HistoryFile != "" {
		fmt.Fprintf(w, "history: %s (first number %d)\n", r.HistoryFile, r.First)
	}
	if r.Unfinished != nil {
		fmt.Fprintln(w, "unfinished: figures and verdict are of what was seen until then")
	}
	if r.Verdict != nil {
		fmt.Fprintln(w, r.Verdict)
	}
	return nil
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

// withNodes lends f local nodes without a view. An empty binary means this program. An empty log
// directory means a temporary one, which is kept only after an error.
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
