package benchmark

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/ports"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
	"github.com/cohortkv/cohort/client"
)

// CompareReport is the result of a comparison.
type CompareReport struct {
	Pairs   []report.Pair  // one for each line of the table
	Verdict report.Verdict // over all turns, of both sides
}

// ExitCode is 0 unless the verdict on one of the turns is bad. The speed of wrong answers does not
// matter.
func (r *CompareReport) ExitCode() int {
	if r.Verdict.Clean() {
		return 0
	}
	return 1
}

// scenario is one line of the comparison.
type scenario struct {
	name       string
	clients    int
	puts, gets int
	through    through
}

// through is the set of nodes that are loaded.
type through int

const (
	first    through = iota // the primary of strong buckets
	last                    // a backup
	everyone                // each with its part of the connections
)

func (t through) urls(c *cluster.Cluster) []string {
	switch t {
	case first:
		return c.URLs(0)
	case last:
		return c.URLs(c.Size() - 1)
	}
	return c.URLs(c.All()...)
}

func (c *CompareConfig) scenarios() []scenario {
	if c.Model == workload.Causal {
		return c.causalScenarios()
	}
	var all []scenario
	for _, n := range c.Connections {
		all = append(all, scenario{name: fmt.Sprintf("PUT at the primary, %d connections", n), clients: n, puts: 1})
	}
	n := c.Connections[len(c.Connections)/2]
	return append(all,
		scenario{name: fmt.Sprintf("GET at the primary, %d connections", n), clients: n, gets: 1},
		scenario{name: fmt.Sprintf("PUT through a backup, %d connections", n), clients: n, puts: 1, through: last})
}

// causalScenarios are the scenarios of causal buckets. These have no primary, so the
// scenarios compare load on one node with load on all nodes.
func (c *CompareConfig) causalScenarios() []scenario {
	var all []scenario
	for _, n := range c.Connections {
		all = append(all, scenario{name: fmt.Sprintf("causal PUT at all nodes, %d connections", n), clients: n, puts: 1, through: everyone})
	}
	n := c.Connections[len(c.Connections)/2]
	return append(all,
		scenario{name: fmt.Sprintf("causal PUT through one, %d connections", n), clients: n, puts: 1},
		scenario{name: fmt.Sprintf("causal GET at all nodes, %d connections", n), clients: n, gets: 1, through: everyone},
		scenario{name: fmt.Sprintf("causal GET at one, %d connections", n), clients: n, gets: 1})
}

func (c *CompareConfig) workload(s scenario, model workload.Model, urls ...string) workload.Config {
	w := workload.Default()
	w.URLs, w.Pinned, w.Surface, w.Model = urls, true, c.Surface, model
	w.Clients, w.Keys, w.ValueSize, w.Seed = s.clients, c.Keys, c.ValueSize, c.Seed
	w.Puts, w.Gets, w.Preload = s.puts, s.gets, s.gets > 0
	w.Warmup, w.Duration = c.Warmup, c.Duration
	return w
}

var buckets = map[workload.Model]string{workload.Strong: api.BucketStrong, workload.Causal: api.BucketCausal}

// side is one of the two sides of the comparison.
type side struct {
	name string
	urls func(through) []string
	cpu  func() (time.Duration, error)
}

func clusterSide(name string, c *cluster.Cluster) side {
	return side{name, func(t through) []string { return t.urls(c) }, c.CPU}
}

// Compare measures a cluster of local nodes and the baseline in turns, with the same settings, and
// prints one table. Both sides run during the whole comparison. The side that is not measured is
// idle.
func Compare(ctx context.Context, cfg CompareConfig) (*CompareReport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	config := cluster.Default()
	config.Binary, config.Nodes, config.Dir, config.Bucket = cfg.Binary, cfg.Nodes, cfg.LogDir, buckets[cfg.Model]
	if cfg.BusTLS {
		return compareBuses(ctx, cfg, config)
	}
	return withCluster(ctx, config, func(c *cluster.Cluster) (*CompareReport, error) {
		url, bare, err := startBare(ctx, cfg.Binary, config.Bucket, filepath.Dir(c.LogFile(0)))
		if err != nil {
			return nil, err
		}
		base := side{"bare", func(through) []string { return []string{url} }, bare.CPU}
		r, err := compare(ctx, cfg, base, clusterSide("cohort", c))
		return r, errors.Join(err, bare.Kill())
	})
}

// compareBuses measures what encryption between nodes costs.
func compareBuses(ctx context.Context, cfg CompareConfig, config cluster.Config) (*CompareReport, error) {
	secret := config
	secret.Secret = rand.Text()
	if config.Dir != "" {
		config.Dir, secret.Dir = filepath.Join(config.Dir, "plain"), filepath.Join(config.Dir, "tls")
	}
	return withCluster(ctx, config, func(plain *cluster.Cluster) (*CompareReport, error) {
		return withCluster(ctx, secret, func(encrypted *cluster.Cluster) (*CompareReport, error) {
			return compare(ctx, cfg, clusterSide("plain", plain), clusterSide("tls", encrypted))
		})
	})
}

// startBare runs the baseline as a child process.
func startBare(ctx context.Context, binary, bucket, dir string) (url string, p *cluster.Process, err error) {
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return "", nil, fmt.Errorf("baseline: %w", err)
		}
	}
	reserved, err := ports.Reserve(1)
	if err != nil {
		return "", nil, fmt.Errorf("baseline: %w", err)
	}
	defer reserved.Close() // when it listens
	addr := reserved.Addrs()[0]
	server, err := client.New(addr, nil)
	if err != nil {
		return "", nil, err
	}
	defer server.Close()
	p, err = cluster.Launch("bare", filepath.Join(dir, "bare.log"), binary, "bench", "bare", "--http", addr, "--default-bucket", bucket)
	if err != nil {
		return "", nil, err
	}
	if err := cluster.WaitUp(ctx, server, p); err != nil {
		return "", nil, errors.Join(err, p.Kill())
	}
	return "http://" + addr, p, nil
}

// compare runs all scenarios. If a scenario is interrupted, the table has the rounds before.
func compare(ctx context.Context, cfg CompareConfig, first, second side) (*CompareReport, error) {
	r := &CompareReport{}
	var unfinished error
	for _, s := range cfg.scenarios() {
		pair := report.Pair{Scenario: s.name}
		for round := 0; round < cfg.Rounds && unfinished == nil; round++ {
			base := turn{name: first.name, load: cfg.workload(s, cfg.Model, first.urls(s.through)...), cpu: first.cpu}
			other := turn{name: second.name, load: cfg.workload(s, cfg.Model, second.urls(s.through)...), cpu: second.cpu}
			b, o, err := inTurns(ctx, &base, &other, round%2 == 1)
			if err != nil {
				unfinished = fmt.Errorf("%s: %w", s.name, err)
				break
			}
			pair.Base, pair.Other = append(pair.Base, b.Figures), append(pair.Other, o.Figures)
			r.add(cfg, s.name, b, o)
		}
		if len(pair.Base) > 0 {
			r.Pairs = append(r.Pairs, pair)
			fmt.Fprintf(cfg.Out, "measured: %s\n", s.name)
		}
	}
	if len(r.Pairs) == 0 {
		return r, unfinished
	}
	if err := report.PrintComparison(cfg.Out, first.name, second.name, r.Pairs); err != nil {
		return nil, err
	}
	fmt.Fprintln(cfg.Out, &r.Verdict)
	return r, unfinished
}

// inTurns runs both sides, in alternating order, so that neither side always runs second.
func inTurns(ctx context.Context, base, other *turn, swap bool) (b, o *Report, err error) {
	if swap {
		if o, err = other.play(ctx); err != nil {
			return nil, nil, err
		}
		b, err = base.play(ctx)
		return b, o, err
	}
	if b, err = base.play(ctx); err != nil {
		return nil, nil, err
	}
	o, err = other.play(ctx)
	return b, o, err
}

func (r *CompareReport) add(cfg CompareConfig, scenario string, reports ...*Report) {
	for _, one := range reports {
		sum := &r.Verdict
		sum.Causal = one.Verdict.Causal
		sum.Operations += one.Verdict.Operations
		sum.Slices += one.Verdict.Slices
		sum.Keys += one.Verdict.Keys
		sum.Violations = append(sum.Violations, one.Verdict.Violations...)
		if one.HistoryFile != "" {
			fmt.Fprintf(cfg.Out, "%s, %s: history: %s (first number %d)\n", scenario, one.Figures.Name, one.HistoryFile, one.First)
		}
	}
}
