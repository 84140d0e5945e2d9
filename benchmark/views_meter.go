package benchmark

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/cluster"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/report"
	"github.com/cohortkv/cohort/benchmark/workload"
	"github.com/cohortkv/cohort/client"
)

// viewPatience bounds the wait for one view.
const viewPatience = 2 * time.Minute

// viewMeter puts views to one cluster and measures their times.
type viewMeter struct {
	cluster       *cluster.Cluster
	members, keys int
	puts          []report.ViewPut // one for each step, in the order of the first
}

const keyPrefix = "views/"

func (m *viewMeter) measure(ctx context.Context, cfg ViewsConfig) error {
	all, last := m.cluster.All(), m.members-1
	if err := m.put(ctx, "first view, no keys", all, all); err != nil {
		return err
	}
	if err := m.fill(ctx, cfg.ValueSize); err != nil {
		return err
	}
	for range cfg.Rounds {
		if err := m.round(ctx, all, last); err != nil {
			return err
		}
	}
	return m.check(ctx, last, cfg.ValueSize)
}

// round lets a member die, be left out, and come back empty.
func (m *viewMeter) round(ctx context.Context, all []int, last int) error {
	if err := m.cluster.Kill(last); err != nil {
		return err
	}
	if err := m.put(ctx, "one member less", all[:last], all[:last]); err != nil {
		return err
	}
	if err := m.cluster.Restart(ctx, last); err != nil {
		return err
	}
	if err := m.put(ctx, "it joins, empty", all, all); err != nil {
		return err
	}
	if err := m.put(ctx, "the same again", all, all); err != nil {
		return err
	}
	return m.put(ctx, "again, to one", all, all[:1])
}

// put puts a view to some nodes at once and waits until the last is ready.
func (m *viewMeter) put(ctx context.Context, step string, members, nodes []int) error {
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	before, err := m.cluster.CPU()
	if err != nil {
		return err
	}
	var putting sync.WaitGroup
	var repeated atomic.Int64
	errs := make([]error, len(nodes))
	request := api.ViewRequest{View: m.cluster.View(members...)}
	begin := time.Now()
	for i, n := range nodes {
		putting.Go(func() { errs[i] = untilReady(ctx, m.cluster.Client(n), request, &repeated) })
	}
	putting.Wait()
	took := time.Since(begin)
	after, err := m.cluster.CPU()
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("%s, %d members, %d keys: %w", step, m.members, m.keys, err)
	}
	m.keep(step, took, after-before, int(repeated.Load()))
	return nil
}

// untilReady repeats a PUT until the node is ready. A node that is not ready answers at its time
// limit.
func untilReady(ctx context.Context, node *client.Client, request api.ViewRequest, repeated *atomic.Int64) error {
	for {
		answer, err := node.PutView(ctx, request)
		switch {
		case err != nil:
			return err
		case answer.Result == api.ViewOvertaken:
			return fmt.Errorf("overtaken by view %d", answer.Number)
		case answer.Result != api.ViewUnready:
			return nil
		}
		repeated.Add(1)
	}
}

func (m *viewMeter) keep(step string, took, cpu time.Duration, repeated int) {
	i := slices.IndexFunc(m.puts, func(p report.ViewPut) bool { return p.Step == step })
	if i < 0 {
		i = len(m.puts)
		m.puts = append(m.puts, report.ViewPut{Step: step, Members: m.members, Keys: m.keys})
	}
	p := &m.puts[i]
	p.Took, p.CPU, p.Repeated = append(p.Took, took), append(p.CPU, cpu), p.Repeated+repeated
}

// fill writes every key once, through the primary.
func (m *viewMeter) fill(ctx context.Context, valueSize int) error {
	w := workload.Default()
	w.URLs, w.Prefix, w.Keys, w.Clients, w.ValueSize = m.cluster.URLs(0), keyPrefix, m.keys, min(m.keys, 128), valueSize
	w.Preload, w.Warmup, w.Duration, w.Count = true, 0, 0, 1
	if _, err := workload.Run(ctx, w, history.NewRecorder()); err != nil {
		return fmt.Errorf("write %d keys: %w", m.keys, err)
	}
	return nil
}

// check reads a key from the member that joined.
func (m *viewMeter) check(ctx context.Context, node, valueSize int) error {
	key := keyPrefix + fmt.Sprint(m.keys-1)
	answer, err := m.cluster.Client(node).Get(ctx, api.BucketStrong, key, client.Options{})
	if err == nil && len(answer.Value) != valueSize {
		err = fmt.Errorf("%q has %d bytes at node %d, not %d", key, len(answer.Value), node, valueSize)
	}
	return err
}
