package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/replicas"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
)

// ShardsConfig configures a measurement of causal buckets whose shards change: `cohort bench
// shards`.
type ShardsConfig struct {
	Shards    int           // of two nodes each; the first view has one of them
	Keys      []int         // how many there are
	ValueSize int           // bytes
	Rounds    int           // how often shards are added and removed
	Idle      time.Duration // how long the idle cluster is measured
	Binary    string
	LogDir    string // empty: a temporary directory, kept if the measurement goes wrong

	Out io.Writer
}

// DefaultShards is one shard that becomes two.
func DefaultShards(out io.Writer) ShardsConfig {
	return ShardsConfig{Shards: 2, Keys: []int{1_000, 100_000}, ValueSize: 128, Rounds: 3, Idle: 5 * time.Second, Out: out}
}

// Validate reports all errors of the configuration.
func (c *ShardsConfig) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Shards < 2 || 2*c.Shards > api.MaxMembers, "shards: %d is not between 2 and %d", c.Shards, api.MaxMembers/2)
	wrong(len(c.Keys) == 0, "give numbers of keys")
	for _, n := range c.Keys {
		wrong(n < 1, "keys: %d is less than 1", n)
	}
	wrong(c.ValueSize < workload.MinValueSize || c.ValueSize > api.MaxValue, "value size: %d is not between %d and %d", c.ValueSize, workload.MinValueSize, api.MaxValue)
	wrong(c.Rounds < 1, "rounds: %d is less than 1", c.Rounds)
	wrong(c.Idle < 0, "idle: %v is negative", c.Idle)
	wrong(c.Out == nil, "no writer for the report")
	return errors.Join(errs...)
}

// ShardsReport is what Shards measured.
type ShardsReport struct {
	Moves []report.Move
	Idle  []float64 // cores that an idle cluster of all nodes used, for each number of keys
}

// ExitCode is 0: there is no verdict beside an error.
func (r *ShardsReport) ExitCode() int { return 0 }

// Shards measures the time from a view that moves slots between shards until every node has answered
// that it is ready. The view is put to all nodes at once. Shards then checks that every key is in
// its shard, and otherwise returns an error.
func Shards(ctx context.Context, cfg ShardsConfig) (*ShardsReport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	all := &ShardsReport{}
	for _, keys := range cfg.Keys {
		config := cluster.Default()
		config.Binary, config.Nodes, config.Dir, config.Bucket = cfg.Binary, 2*cfg.Shards, cfg.LogDir, api.BucketCausal
		r, err := withNodes(ctx, config, func(c *cluster.Cluster) (*ShardsReport, error) {
			m := &shardMeter{cluster: c, cfg: cfg, keys: keys}
			err := m.measure(ctx)
			return &ShardsReport{m.moves, []float64{m.idle}}, err
		})
		if err != nil {
			return nil, err
		}
		all.Moves, all.Idle = append(all.Moves, r.Moves...), append(all.Idle, r.Idle...)
	}
	if err := report.PrintMoves(cfg.Out, all.Moves); err != nil {
		return nil, err
	}
	for i, cores := range all.Idle {
		fmt.Fprintf(cfg.Out, "idle, %d nodes, %d keys: %.1f%% of a core in all\n", 2*cfg.Shards, cfg.Keys[i], 100*cores)
	}
	return all, nil
}

// shardMeter moves the keys of one cluster and takes the times.
type shardMeter struct {
	cluster *cluster.Cluster
	cfg     ShardsConfig
	keys    int
	moves   []report.Move // one for each step, in the order of the first
	idle    float64
}

func (m *shardMeter) measure(ctx context.Context) error {
	var pairs [][]int
	for i := range m.cfg.Shards {
		pairs = append(pairs, []int{2 * i, 2*i + 1})
	}
	one := [][]int{pairs[0]}
	if err := m.step(ctx, "", one); err != nil {
		return err
	}
	if err := m.fill(ctx); err != nil {
		return err
	}
	for round := range m.cfg.Rounds {
		if round > 0 {
			if err := m.forget(ctx, pairs[1:]); err != nil {
				return err
			}
		}
		for _, s := range []struct {
			name   string
			shards [][]int
		}{
			{fmt.Sprintf("one shard becomes %d", m.cfg.Shards), pairs},
			{"a shard without members is added", append(pairs[:len(pairs):len(pairs)], nil)},
			{"the same again", append(pairs[:len(pairs):len(pairs)], nil)},
			{fmt.Sprintf("%d become one", m.cfg.Shards), one},
		} {
			if err := m.step(ctx, s.name, s.shards); err != nil {
				return fmt.Errorf("%s, %d keys: %w", s.name, m.keys, err)
			}
		}
	}
	return m.rest(ctx)
}

// forget restarts nodes. A node that leaves a view keeps its data, so its return would only verify
// this data instead of moving it.
func (m *shardMeter) forget(ctx context.Context, shards [][]int) error {
	for _, node := range slices.Concat(shards...) {
		if err := m.cluster.Kill(node); err != nil {
			return err
		}
		if err := m.cluster.Restart(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// step puts a view of shards to all nodes at once and waits until the last node has
// answered. Then it counts the keys of nodes that had none of them before.
func (m *shardMeter) step(ctx context.Context, name string, shards [][]int) error {
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	before, err := m.counts(ctx)
	if err != nil {
		return err
	}
	from, err := m.cluster.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	repeated, err := m.put(ctx, shards)
	took := time.Since(began)
	if err != nil {
		return err
	}
	to, err := m.cluster.CPU()
	if err != nil {
		return err
	}
	after, err := m.check(ctx, shards)
	if err != nil || name == "" {
		return err
	}
	m.keep(name, moved(before, after, shards), took, to-from, repeated)
	return nil
}

// moved returns the number of keys that all shards have gained.
func moved(before, after map[int]int, shards [][]int) (sum int) {
	for _, members := range shards {
		if len(members) > 0 {
			sum += max(0, after[members[0]]-before[members[0]])
		}
	}
	return sum
}

func (m *shardMeter) put(ctx context.Context, shards [][]int) (repeated int, err error) {
	var putting sync.WaitGroup
	var again atomic.Int64
	errs := make([]error, m.cluster.Size())
	for _, node := range m.cluster.All() {
		putting.Go(func() {
			errs[node] = untilReady(ctx, m.cluster.Client(node), api.ViewRequest{View: m.cluster.Shards(shards...)}, &again)
		})
	}
	putting.Wait()
	return int(again.Load()), errors.Join(errs...)
}

// counts returns the number of keys of each node; zero for a node that serves none.
func (m *shardMeter) counts(ctx context.Context) (map[int]int, error) {
	counts := map[int]int{}
	for _, node := range m.cluster.Members() {
		items, _, err := replicas.Read(ctx, m.cluster.Client(node))
		if err != nil {
			return nil, err
		}
		counts[node] = len(items)
	}
	return counts, nil
}

// check verifies that every key is in exactly one shard and on all its replicas.
func (m *shardMeter) check(ctx context.Context, shards [][]int) (map[int]int, error) {
	var all []replicas.Replica
	counts, sum := map[int]int{}, 0
	for shard, members := range shards {
		for _, node := range members {
			items, id, err := replicas.Read(ctx, m.cluster.Client(node))
			if err != nil {
				return nil, err
			}
			all, counts[node] = append(all, replicas.Replica{Node: id, Shard: shard, Items: items}), len(items)
		}
		if len(members) > 0 {
			sum += counts[members[0]]
		}
	}
	m.cluster.Keep(shards...)
	if wrong := replicas.Disagreements(all); len(wrong) > 0 {
		return nil, fmt.Errorf("%d things are wrong, such as: %s", len(wrong), wrong[0])
	}
	if sum != m.keys && sum != 0 {
		return nil, fmt.Errorf("%d of %d keys are there", sum, m.keys)
	}
	return counts, nil
}

func (m *shardMeter) keep(name string, keys int, took, cpu time.Duration, repeated int) {
	for i := range m.moves {
		if v := &m.moves[i]; v.Step == name {
			v.Took, v.CPU, v.Repeated = append(v.Took, took), append(v.CPU, cpu), v.Repeated+repeated
			return
		}
	}
	m.moves = append(m.moves, report.Move{
		Step: name, Keys: m.keys, Moved: keys, Took: []time.Duration{took}, CPU: []time.Duration{cpu}, Repeated: repeated,
	})
}

// fill writes every key once.
func (m *shardMeter) fill(ctx context.Context) error {
	w := workload.Default()
	w.Model, w.Surface = workload.Causal, workload.Classic
	w.URLs, w.Prefix, w.Keys, w.Clients, w.ValueSize = m.cluster.URLs(0, 1), "shards/", m.keys, min(m.keys, 64), m.cfg.ValueSize
	w.Preload, w.Warmup, w.Duration, w.Count = true, 0, 0, 1
	if _, err := workload.Run(ctx, w, history.NewRecorder()); err != nil {
		return fmt.Errorf("write %d keys: %w", m.keys, err)
	}
	return nil
}

// rest measures the processor time of the cluster without requests.
func (m *shardMeter) rest(ctx context.Context) error {
	from, err := m.cluster.CPU()
	if err != nil || m.cfg.Idle == 0 {
		return err
	}
	began := time.Now()
	select {
	case <-time.After(m.cfg.Idle):
	case <-ctx.Done():
		return ctx.Err()
	}
	to, err := m.cluster.CPU()
	m.idle = (to - from).Seconds() / time.Since(began).Seconds()
	return err
}
