package process

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// TestLargeViewsDoNotHoldUpData puts four views at once, each with as many members as a
// view may have. None of the other members can be reached. Causal data is served as before,
// because this node is a member of every view.
func TestLargeViewsDoNotHoldUpData(t *testing.T) {
	n := start(t)
	n.putView(0)
	calm := n.latencies(func(done int) bool { return done == 300 })
	var storm sync.WaitGroup
	over := make(chan struct{})
	for i := range 4 {
		view := unreachable(n.View(0), i)
		storm.Go(func() {
			began := time.Now()
			_, err := n.Client(0).PutView(context.WithoutCancel(t.Context()), api.ViewRequest{View: view})
			if err != nil {
				t.Error(err)
			}
			t.Logf("PUT of %d members answered after %v", len(view.Shards[0].Members), time.Since(began))
		})
	}
	go func() { storm.Wait(); close(over) }()
	busy := n.latencies(func(int) bool {
		select {
		case <-over:
			return true
		default:
			return false
		}
	})
	p50, p99 := ratio(busy, calm, 50), ratio(busy, calm, 99)
	t.Logf("%d writes before, %d beside the PUTs: p50 %.1f times, p99 %.1f times as long", len(calm), len(busy), p50, p99)
	if p50 > 20 || p99 > 200 {
		t.Errorf("writes took %.1f times as long at the median, and %.1f times at the 99th percentile", p50, p99)
	}
}

// unreachable adds members to a view at addresses where no process listens.
func unreachable(view api.View, seed int) api.View {
	members := slices.Clone(view.Shards[0].Members)
	for id := 1; len(members) < api.MaxMembers; id++ {
		host := fmt.Sprintf("127.%d.%d.1", 10+seed, id)
		members = append(members, api.Member{ID: uint64(id), Address: host + ":1", Bus: host + ":2"})
	}
	return api.View{Flat: true, Shards: []api.Shard{{Members: members}}}
}

// latencies measures writes to the causal bucket of node 0 until enough returns true.
func (n nodes) latencies(enough func(done int) bool) (all []time.Duration) {
	n.t.Helper()
	for !enough(len(all)) {
		began := time.Now()
		_, err := n.Client(0).Put(n.t.Context(), api.BucketCausal, "k", []byte("v"), client.Options{})
		n.must(err)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all
}

func ratio(busy, calm []time.Duration, percent int) float64 {
	at := func(all []time.Duration) time.Duration { return all[(len(all)-1)*percent/100] }
	return float64(at(busy)) / float64(at(calm))
}
