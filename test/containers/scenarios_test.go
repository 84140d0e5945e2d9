package containers

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/test/harness"
	"github.com/cohortkv/cohort/test/scenarios"
)

// variable enables the long scenarios too.
const variable = "COHORT_CONTAINERS_ALL"

func TestScenarios(t *testing.T) {
	for _, s := range scenarios.All() {
		t.Run(s.Name, func(t *testing.T) {
			if (s.Long || s.Crowd) && os.Getenv(variable) == "" {
				t.Skipf("long, or a crowd: %s is not set", variable)
			}
			began := time.Now()
			world := newWorld(t)
			if s.Causal {
				world.Bucket = api.BucketCausal
			}
			lab := harness.New(t, world)
			s.Play(lab)
			lab.NoUnnamedTraffic()
			startedInTime(t, world)
			t.Logf("%v with start and without removal", time.Since(began).Round(time.Millisecond))
		})
	}
}

// startedInTime checks how soon each container answered after its own start.
func startedInTime(t *testing.T, world *World) {
	t.Helper()
	t.Logf("the slowest of %d nodes answered %v after docker run", world.Size(), world.SlowestStart.Round(time.Millisecond))
	if world.SlowestStart > harness.Room*startBound {
		t.Errorf("a node took %v to answer", world.SlowestStart)
	}
}

// TestTheTapCountsPacketsOnTheDefaultBridge shows that the tap can see forbidden traffic:
// its view names addresses of the default bridge, which no view should.
func TestTheTapCountsPacketsOnTheDefaultBridge(t *testing.T) {
	world := newWorld(t)
	if err := world.Start(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	view := api.View{Flat: true, Shards: []api.Shard{{}}}
	for node := range 2 {
		address := fmt.Sprintf("%s:%d", world.nodes[node].inner, nodePort)
		view.Shards[0].Members = append(view.Shards[0].Members, api.Member{ID: uint64(node), Address: address})
	}
	for node := range 2 {
		if _, err := dial(t, world.URL(node)).PutView(t.Context(), api.ViewRequest{View: view}); err != nil {
			t.Fatal(err)
		}
	}
	stray, err := world.Stray()
	if err != nil || stray == 0 {
		t.Errorf("%d packets seen on the default bridge, %v", stray, err)
	}
	t.Logf("%d packets over the default bridge", stray)
}

// newWorld returns a world that is removed with the test. If the test fails, it shows the
// logs of the nodes.
func newWorld(t *testing.T) *World {
	t.Helper()
	world, err := NewWorld(newLab(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.Close(); err != nil {
			t.Error(err)
		}
		for node := 0; t.Failed() && node < world.Size(); node++ {
			said, err := world.Log(context.Background(), node)
			t.Logf("node %d said (%v):\n%s", node, err, said)
		}
	})
	return world
}
