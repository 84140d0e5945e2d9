package harness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cohortkv/cohort/benchmark/check/causal"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/benchmark/replicas"
)

// replicas reads every node of the group from the node's own copy, with clients that have
// seen nothing.
func (g *Group) replicas() []replicas.Replica {
	g.lab.t.Helper()
	var all []replicas.Replica
	for shard, members := range g.shards {
		for _, node := range members {
			all = append(all, replicas.Replica{Node: uint64(node), Shard: shard, Items: g.lab.Session().Lists(node)})
		}
	}
	return all
}

// HoldEach fails the test unless each of the keys is in exactly one shard, on every replica
// of it and with its value, and there are no other keys.
func (g *Group) HoldEach(want map[string]string) *Group {
	g.lab.t.Helper()
	all := g.replicas()
	wrong := replicas.Disagreements(all)
	union := map[string]string{}
	for _, r := range all {
		maps.Copy(union, r.Items)
	}
	for _, key := range slices.Sorted(maps.Keys(joined(union, want))) {
		got, there := union[key]
		value, should := want[key]
		if there != should || got != value {
			wrong = append(wrong, fmt.Sprintf("key %q is %q (there: %v), want %q (there: %v)", key, got, there, value, should))
		}
	}
	g.complain(wrong)
	g.lab.say("%v hold %d keys, %v in each", g.shards, len(union), g.counts(all))
	return g
}

// complain reports the first few differences.
func (g *Group) complain(wrong []string) {
	g.lab.t.Helper()
	if len(wrong) == 0 {
		return
	}
	const shown = 10
	for _, node := range g.members {
		g.lab.explain(node)
	}
	g.lab.t.Fatalf("of shards %v, %d things are wrong:\n%s", g.shards, len(wrong), strings.Join(wrong[:min(len(wrong), shown)], "\n"))
}

// EqualWithin fails the test unless the replicas of each shard become equal within a bound
// that the API promises, times Room.
func (g *Group) EqualWithin(bound time.Duration) *Group {
	g.lab.t.Helper()
	began := time.Now()
	for {
		wrong := replicas.Disagreements(g.replicas())
		took := time.Since(began).Round(time.Millisecond)
		switch {
		case took > Room*bound && len(wrong) == 0:
			g.lab.t.Fatalf("the replicas of %v are equal only after %v (bound %v)", g.shards, took, bound)
		case took > Room*bound:
			g.complain(wrong)
		case len(wrong) == 0:
			g.lab.say("replicas of %v are equal after %v (bound %v)", g.shards, took, bound)
			return g
		}
	}
}

// SpreadsWithin fails the test if a shard differs by more than so many per cent from its
// part of the keys.
func (g *Group) SpreadsWithin(percent int) *Group {
	g.lab.t.Helper()
	counts, sum := g.counts(g.replicas()), 0
	for _, n := range counts {
		sum += n
	}
	for shard, n := range counts {
		if off := n*len(counts) - sum; max(off, -off)*100 > percent*sum {
			g.lab.t.Errorf("shard %d has %d of %d keys: not within %d%% of its part", shard, n, sum, percent)
		}
	}
	return g
}

// KeysOf groups keys by the shard that holds them.
func (g *Group) KeysOf(keys ...string) [][]string {
	g.lab.t.Helper()
	sorted := make([][]string, len(g.shards))
	for shard, members := range g.shards {
		if len(members) == 0 {
			continue
		}
		has := g.lab.Session().Lists(members[0])
		for _, key := range keys {
			if _, there := has[key]; there {
				sorted[shard] = append(sorted[shard], key)
			}
		}
	}
	return sorted
}

// JudgeSessions fails the test unless the history of all sessions is causally consistent,
// and the state of the group agrees with it.
func (g *Group) JudgeSessions() {
	g.lab.t.Helper()
	g.lab.judgeable()
	ops := append(g.lab.timeline.Ops(), g.held()...)
	h, err := causal.Recorded(ops)
	g.lab.must(err)
	began := time.Now()
	verdict := causal.Check(h)
	g.lab.say("sessions: %d operations on %d keys, judged in %v", verdict.Operations, verdict.Keys, time.Since(began).Round(time.Millisecond))
	for _, v := range verdict.Violations {
		g.lab.t.Errorf("%v", v)
	}
	if len(verdict.Violations) > 0 {
		g.lab.t.Errorf("history: %s", g.lab.save(ops))
	}
}

// held records what each replica holds.
func (g *Group) held() []history.Op {
	g.lab.t.Helper()
	return replicas.Held(g.replicas(), keysOfOps(g.lab.timeline.Ops()), g.lab.recorder.value, g.lab.timeline.Now())
}

func keysOfOps(ops []history.Op) []string {
	keys := map[string]bool{}
	for i := range ops {
		if ops[i].Write() {
			keys[ops[i].Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func joined(a, b map[string]string) map[string]string {
	union := maps.Clone(a)
	if union == nil {
		union = map[string]string{}
	}
	maps.Copy(union, b)
	return union
}

// counts returns the number of keys of each shard.
func (g *Group) counts(all []replicas.Replica) []int {
	counts := make([]int, len(g.shards))
	for _, r := range all {
		counts[r.Shard] = len(r.Items)
	}
	return counts
}
