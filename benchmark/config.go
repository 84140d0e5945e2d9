// Package benchmark runs a workload against a cluster, injects faults, records all operations, and
// judges the history. It uses clusters by URL only, so that it can judge any build. Run and Compare
// can also start local processes. The output ends with a verdict line, and the reports have an exit
// status: a benchmark with wrong answers has failed.
package benchmark

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cohortkv/cohort/benchmark/fault"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// Config is one run: `cohort bench --url …` or `cohort bench --local N`.
type Config struct {
	Workload workload.Config // URLs: an existing cluster without other writers

	Models []workload.Model // models that are loaded, at the same time; empty: that of the workload

	Local  int    // start this many nodes and put a view to them; then URLs is empty
	Binary string // program of the nodes; empty: this program
	// Durability of local nodes: memory, or that of a data directory.
	Durability string

	Faults      []fault.Fault // faults and operator actions; times count from the start of the measurement; only with Local
	HistoryFile string        // where the history is saved before it is judged; empty: a temporary file, kept if the verdict is bad
	LogDir      string        // of local nodes; empty: a temporary directory, kept if the run goes wrong
	Converge    time.Duration // how long replicas of causal buckets may take to become equal after the run
	NoJudge     bool          // save, do not judge: for throughput without a verdict

	Out io.Writer // for the report
}

// Default is a local cluster of three under the default workload.
func Default(out io.Writer) Config {
	return Config{Workload: workload.Default(), Local: 3, Durability: "memory", Converge: convergence, Out: out}
}

// convergence is how long replicas may take to become equal after the network has healed and the
// clients have stopped. It is three times the bound of the API (2 s), because the machine may be
// busy.
const convergence = 3 * 2 * time.Second

func (c *Config) models() []workload.Model {
	if len(c.Models) > 0 {
		return c.Models
	}
	return []workload.Model{c.Workload.Model}
}

// perKey is the number of clients that Porcupine can follow on one key. The cost of the check is
// exponential in this number.
const perKey = 5

// Validate reports all errors of the configuration.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	w := c.Workload
	if c.Local > 0 && len(w.URLs) == 0 {
		w.URLs = []string{"http://127.0.0.1:1"} // will be known when the nodes are
	}
	errs = append(errs, w.Validate())
	wrong(c.Local < 0, "local: %d is negative", c.Local)
	wrong(c.Local > 0 && len(c.Workload.URLs) > 0, "give URLs of a cluster or a number of local nodes, not both")
	wrong(c.Out == nil, "no writer for the report")
	strong := slices.Contains(c.models(), workload.Strong)
	wrong(w.Surface == workload.Classic && len(c.models()) > 1, "the classic surface speaks one model at a time")
	wrong(!c.NoJudge && strong && w.Clients > perKey*w.Keys, "%d clients on %d keys cannot be judged: use at least %d keys", w.Clients, w.Keys, (w.Clients+perKey-1)/perKey)
	kills := 0
	for _, f := range c.Faults {
		wrong(c.Local == 0, "fault %v: only local nodes can be made to fail", f)
		for _, n := range f.Nodes {
			wrong(c.Local > 0 && n >= c.Local, "fault %v: there is no node %d", f, n)
		}
		wrong(w.Duration > 0 && f.At+f.For > w.Duration, "fault %v: ends after the run's %v", f, w.Duration)
		if f.Action == fault.KillPrimary {
			kills++
		}
	}
	wrong(kills > 0 && kills >= c.Local, "%d of %d nodes would be killed", kills, c.Local)
	return errors.Join(errs...)
}

// CompareConfig is a comparison of a local cluster with the baseline: `cohort
// bench compare`.
type CompareConfig struct {
	Nodes       int              // of the cluster
	Binary      string           // program of the nodes and, as `bench bare --http ADDR`, of the baseline; empty: this program
	Connections []int            // for PUT at the primary, or at all nodes of a causal bucket; all other scenarios use the middle one
	Rounds      int              // turns of each scenario on both sides
	Keys        int              // of every turn
	ValueSize   int              // bytes
	Warmup      time.Duration    // of every turn
	Duration    time.Duration    // of every turn
	Surface     workload.Surface // HTTP surface of the clients; the baseline serves both
	Model       workload.Model   // of the cluster
	BusTLS      bool             // the cluster encrypts its bus; the baseline is a cluster that does not
	Seed        uint64           // of all random choices
	LogDir      string           // empty: a temporary directory, kept if the comparison goes wrong

	Out io.Writer
}

// DefaultCompare is the comparison that the README quotes.
func DefaultCompare(out io.Writer) CompareConfig {
	return CompareConfig{
		Nodes: 3, Connections: []int{1, 64, 256}, Rounds: 5, Keys: 10_000, ValueSize: 128,
		Warmup: 500 * time.Millisecond, Duration: 3 * time.Second, Surface: workload.V1, Model: workload.Strong, Seed: 1, Out: out,
	}
}

// Validate reports everything that is wrong with the configuration.
func (c *CompareConfig) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Nodes < 2, "nodes: %d have no backup to write through", c.Nodes)
	wrong(len(c.Connections) == 0, "no numbers of connections")
	wrong(c.Rounds < 1, "rounds: %d is less than 1", c.Rounds)
	wrong(c.Duration <= 0, "duration: %v is not positive", c.Duration)
	wrong(c.Out == nil, "no writer for the report")
	for _, n := range c.Connections {
		w := c.workload(scenario{clients: n, puts: 1}, c.Model, "http://127.0.0.1:1")
		if err := w.Validate(); err != nil {
			errs = append(errs, err)
		}
		wrong(n > perKey*c.Keys, "%d connections on %d keys cannot be judged", n, c.Keys)
	}
	return errors.Join(errs...)
}
