// Package scenarios holds promises about a cluster under operators and networks of every
// kind. Each scenario is one sentence in the language of package harness (docs/testing.md
// §8). test/process plays the scenarios on processes, as far as these go; test/containers
// plays them on containers and real networks.
package scenarios

import "github.com/cohortkv/cohort/test/harness"

// Scenario is one promise and its test.
type Scenario struct {
	Name  string // a sentence; the name of the subtest
	Needs Needs
	// Causal says that /data of the nodes uses the causal model.
	Causal bool
	// Long says that the scenario takes too long for every commit.
	Long bool
	// Crowd says that the scenario needs more processors than CI has.
	Crowd bool
	Play  func(*harness.Lab) // plays the scenario and fails its test if the promise is broken
}

// Needs is what a scenario asks of its world beyond nodes that can be killed and paused.
type Needs int

// The needs of scenarios.
const (
	Cuts     Needs = iota + 1 // harness.Cuttable
	Networks                  // harness.Movable
)

// All lists all scenarios.
func All() []Scenario {
	var all []Scenario
	for _, list := range [][]Scenario{views, parting, cuts, addresses, returns, crowds} {
		all = append(all, list...)
	}
	for _, list := range [][]Scenario{waits, heals, shards} {
		for _, s := range list {
			s.Causal = true
			all = append(all, s)
		}
	}
	return all
}

// whole starts n nodes and puts the view of all to each.
func whole(l *harness.Lab, n int) *harness.Group {
	l.T().Helper()
	l.Start(n)
	return l.View(l.All()...).TellMembers()
}
