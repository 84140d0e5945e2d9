// Package replicas reads the contents of the replicas of a causal bucket, each from the
// node's own copy, and compares them. The nodes need causal as default bucket.
package replicas

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/client"
)

// ErrNotCausal says that /data of a node does not use the causal model.
var ErrNotCausal = errors.New("the default bucket is not causal")

// Read returns all that a node holds of its shard, as a client that has seen nothing sees
// it.
func Read(ctx context.Context, node *client.Client) (items map[string]string, id uint64, err error) {
	items, answer, err := node.AllCausal(ctx, nil)
	switch {
	case err != nil:
		return nil, 0, err
	case len(answer.Metadata) == 0:
		return nil, 0, fmt.Errorf("%s: %w", node.Base(), ErrNotCausal)
	}
	return items, answer.Node, nil
}

// Replica is what one node holds of its shard.
type Replica struct {
	Node  uint64
	Shard int               // place of the shard in the view
	Items map[string]string // by key: its value
}

// Disagreements compares the replicas of each shard, and finds keys that are in two shards.
// The replicas of a shard must follow one another in all.
func Disagreements(all []Replica) (wrong []string) {
	home := map[string]Replica{}
	var first Replica
	for i, r := range all {
		if i == 0 || r.Shard != first.Shard {
			first = r
		}
		wrong = append(wrong, differences(first, r)...)
		for _, key := range slices.Sorted(maps.Keys(r.Items)) {
			if other, known := home[key]; known && other.Shard != r.Shard {
				wrong = append(wrong, fmt.Sprintf("key %q is in two shards, at nodes %d and %d", key, other.Node, r.Node))
			}
			home[key] = r
		}
	}
	return wrong
}

func differences(a, b Replica) (wrong []string) {
	for key, value := range a.Items {
		if other, there := b.Items[key]; !there || other != value {
			wrong = append(wrong, fmt.Sprintf("key %q is %.40q at node %d and %.40q (there: %v) at node %d", key, value, a.Node, other, there, b.Node))
		}
	}
	for key, value := range b.Items {
		if _, there := a.Items[key]; !there {
			wrong = append(wrong, fmt.Sprintf("key %q is missing at node %d and %.40q at node %d", key, a.Node, value, b.Node))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// Held records what replicas hold of some keys, for the judge. A key belongs to the shard
// that holds it. A key that no shard holds is recorded as missing everywhere.
func Held(all []Replica, keys []string, value func(text string) history.Value, now int64) []history.Op {
	home := map[string]int{}
	for _, r := range all {
		for key := range r.Items {
			home[key] = r.Shard
		}
	}
	var ops []history.Op
	for _, key := range keys {
		shard, somewhere := home[key]
		for _, r := range all {
			if somewhere && r.Shard != shard {
				continue
			}
			op := history.Op{Kind: history.Held, Outcome: history.OK, Num: r.Node, Key: key, Start: now, End: now}
			if text, there := r.Items[key]; there {
				op.Value = value(text)
			}
			ops = append(ops, op)
		}
	}
	return ops
}
