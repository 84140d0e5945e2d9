// Package scenarios holds what must be true of a cluster whatever an operator
// and its networks do, each as a sentence in the language of package
// scenario. test/process plays them on processes, as far as these go, and
// test/containers on containers and real networks.
package scenarios

import "github.com/cohortkv/cohort/test/harness"

// Scenario is one of them.
type Scenario struct {
	Name  string
	Needs Needs
	// Causal: /data of its nodes speaks the causal model.
	Causal bool
	// Long: it takes more time than every commit is worth.
	Long bool
	// Crowd: so many containers in one view want more processors than CI has.
	Crowd bool
	Play  func(*harness.Lab)
}

// Needs is what a scenario asks of its world beyond nodes that die and pause.
type Needs int

// What scenarios need.
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

// whole starts n nodes and puts the view of all to all.
func whole(l *harness.Lab, n int) *harness.Group {
	l.T().Helper()
	l.Start(n)
	return l.View(l.All()...).TellMembers()
}
