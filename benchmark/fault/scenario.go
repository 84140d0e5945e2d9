package fault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Scenario is a sequence of faults, with the cluster that it needs.
type Scenario struct {
	Nodes    int           // how many it needs
	Duration time.Duration // of the measurement
	Faults   []Fault       // in the order of their times
}

// scenarios are the scenarios by name. The faults of each are so far apart that each is
// over before the next, with some quiet time between them.
var scenarios = map[string]struct {
	nodes    int
	duration time.Duration
	faults   string
}{
	// A member leaves and returns. A backup is cut off, and healed without a view. The
	// primary is cut off, the others get a view, and the primary returns. A member dies,
	// the others get a view, and it returns empty.
	"changes": {5, 26 * time.Second, `
		shrink=4@2s grow=4@4s
		cut=3@6s+2s
		cut=0@11s+5s view=1,2,3,4@11.5s grow=0@17s
		kill=2@20s view=0,1,3,4@20.5s restart=2@22.5s grow=2@23.5s`},
	// No node dies. Two shards become three and then two. A replica is cut off, and healed
	// without a view. A shard is cut off while shards change. Nodes swap shards. All become
	// one shard.
	"shards": {6, 26 * time.Second, `
		shards=0,1/2,3@1s shards=0,1/2,3/4,5@3s shards=0,1/4,5@5s
		cut=1@7s+2s
		shards=0,1/2,3/4,5@10s
		cut=4,5@12s+3s shards=0,1,4/2,3,5@16s
		shards=2,3/0,1@18s shards=0,1/2,3@20s
		view=0,1,2@22s`},
}

// Names returns the names of the scenarios.
func Names() []string { return slices.Sorted(maps.Keys(scenarios)) }

// ScenarioNamed returns the scenario of a name in Names.
func ScenarioNamed(name string) Scenario {
	chosen := scenarios[name]
	s := Scenario{Nodes: chosen.nodes, Duration: chosen.duration}
	for text := range strings.FieldsSeq(chosen.faults) {
		f, err := Parse(text)
		if err != nil {
			panic(fmt.Sprintf("the scenario %q is misspelt: %v", name, err))
		}
		s.Faults = append(s.Faults, f)
	}
	return s
}
