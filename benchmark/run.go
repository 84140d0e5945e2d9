package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	return withCluster(ctx, cfg.Local, cfg.Binary, cfg.LogDir, func(c *cluster.Cluster) (*Report, error) {
		fmt.Fprintf(cfg.Out, "local cluster of %d nodes: %v\n", c.Size(), c.URLs(c.All()...))
		t.load.URLs, t.cpu = c.URLs(c.All()...), c.CPU
		// Faults begin with the measurement, and are over before the last reads.
		var faults sync.WaitGroup
		var failed error
		ctx, cancel := context.WithCancel(ctx)
		defer faults.Wait()
		defer cancel()
		t.begin = func() { faults.Go(func() { failed = fault.Run(ctx, cfg.Faults, c, note(cfg.Out)) }) }
		t.load.Settle = func() error { faults.Wait(); return failed }
		return finish(ctx, &t, cfg.Out)
	})
}

func note(w io.Writer) func(string) {
	return func(text string) { fmt.Fprintf(w, "fault: %s\n", text) }
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

// withCluster lends f a cluster of local nodes with a view of all of them. Logs
// in a temporary directory are kept only if something went wrong.
func withCluster[R interface{ ExitCode() int }](ctx context.Context, nodes int, binary, dir string, f func(*cluster.Cluster) (R, error)) (r R, err error) {
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return r, fmt.Errorf("local cluster: %w", err)
		}
	}
	temporary := dir == ""
	if temporary {
		if dir, err = os.MkdirTemp("", "cohort-bench-"); err != nil {
			return r, fmt.Errorf("local cluster: %w", err)
		}
	} else if err = os.MkdirAll(dir, 0o755); err != nil {
		return r, fmt.Errorf("local cluster: %w", err)
	}
	config := cluster.Default()
	config.Binary, config.Nodes, config.Dir = binary, nodes, dir
	c, err := cluster.Start(ctx, config)
	if err == nil {
		if err = c.PutView(ctx, c.All()...); err == nil {
			r, err = f(c)
		}
		err = errors.Join(err, c.Close())
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w (logs: %s)", err, dir)
	case temporary && r.ExitCode() == 0:
		err = os.RemoveAll(dir)
	}
	return r, err
}
