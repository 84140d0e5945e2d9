package benchmark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/replicas"
	"github.com/cohortkv/cohort/benchmark/workload"
	"github.com/cohortkv/cohort/client"
)

// listPatience bounds the wait for one replica.
const listPatience = 30 * time.Second

// text is a violation without evidence.
type text string

func (t text) String() string { return string(t) }

// replicas lists every replica of the causal bucket, from its own copy, until all replicas of each
// shard are equal or the time is up, and records the lists. This needs nodes whose default bucket
// is causal.
func (t *turn) replicas(ctx context.Context) (held []history.Op, stray []fmt.Stringer, took time.Duration, err error) {
	shards, err := t.shards(ctx)
	if err != nil {
		return nil, nil, -1, err
	}
	began := time.Now()
	for {
		all, err := t.list(ctx, shards)
		if errors.Is(err, replicas.ErrNotCausal) {
			return nil, nil, -1, nil
		}
		if err != nil {
			return nil, nil, -1, err
		}
		took, wrong := time.Since(began), replicas.Disagreements(all)
		if len(wrong) > 0 && took < t.converge {
			continue
		}
		return t.held(all), inTwoShards(wrong), took, nil
	}
}

// inTwoShards finds keys in two shards, which the judge of histories does not check.
func inTwoShards(wrong []string) (stray []fmt.Stringer) {
	for _, w := range wrong {
		if strings.Contains(w, "is in two shards") {
			stray = append(stray, text(w))
		}
	}
	return stray
}

func (t *turn) held(all []replicas.Replica) []history.Op {
	keys := make([]string, t.load.Keys)
	for i := range keys {
		keys[i] = t.load.Prefix + strconv.Itoa(i)
	}
	value := func(text string) history.Value { return workload.ParseValue([]byte(text), t.load.ValueSize) }
	return replicas.Held(all, keys, value, t.recorder.Now())
}

// shards is the shard of each member of the view.
func (t *turn) shards(ctx context.Context) (map[uint64]int, error) {
	view, err := t.lastView(ctx)
	if err != nil {
		return nil, fmt.Errorf("view at the end: %w", err)
	}
	shards := map[uint64]int{}
	for i, shard := range view.Shards {
		for _, m := range shard.Members {
			shards[m.ID] = i
		}
	}
	return shards, nil
}

func (t *turn) lastView(ctx context.Context) (api.View, error) {
	if t.view != nil {
		return t.view(ctx)
	}
	c, err := client.NewWithAccess(t.load.URLs[0], t.load.Access)
	if err != nil {
		return api.View{}, err
	}
	defer c.Close()
	return c.View(ctx)
}

// list lists all members, those of a shard one after another. Nodes outside the view refuse, or are
// dead.
func (t *turn) list(ctx context.Context, shards map[uint64]int) ([]replicas.Replica, error) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	byShard := map[int][]replicas.Replica{}
	heard := map[uint64]bool{}
	var errs []error
	for _, url := range t.load.URLs {
		items, node, err := list(ctx, url, t.load.Access)
		if errors.Is(err, replicas.ErrNotCausal) {
			return nil, err
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if shard, member := shards[node]; member {
			heard[node] = true
			byShard[shard] = append(byShard[shard], replicas.Replica{Node: node, Shard: shard, Items: items})
		}
	}
	for node := range shards {
		if !heard[node] {
			return nil, fmt.Errorf("what member %d has at the end is not known: %w", node, errors.Join(errs...))
		}
	}
	var all []replicas.Replica
	for _, shard := range slices.Sorted(maps.Keys(byShard)) { // those of a shard one after another
		all = append(all, byShard[shard]...)
	}
	return all, nil
}

func list(ctx context.Context, url string, access client.Access) (items map[string]string, node uint64, err error) {
	c, err := client.NewWithAccess(url, access)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	return replicas.Read(ctx, c)
}
