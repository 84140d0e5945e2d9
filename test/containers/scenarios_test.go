package containers

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/cohortkv/cohort/benchmark/scenario"
	"github.com/cohortkv/cohort/test/scenarios"
)

// variable asks for the scenarios that take long as well.
const variable = "COHORT_CONTAINERS_ALL"

func TestScenarios(t *testing.T) {
	for _, s := range scenarios.All() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Long && os.Getenv(variable) == "" {
				t.Skipf("long: %s is not set", variable)
			}
			began := time.Now()
			world := newWorld(t)
			lab := scenario.New(t, world)
			s.Play(lab)
			lab.NothingStrayed()
			t.Logf("%v with start and without removal", time.Since(began).Round(time.Millisecond))
		})
	}
}

// newWorld returns a world that goes away with the test, and shows what its
// nodes said when the test has failed.
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
