package fault

import (
	"fmt"
	"strings"
	"time"
)

// Scenario is a list of faults that make sense one after another.
type Scenario struct {
	Nodes    int // that it needs
	Duration time.Duration
	Faults   []Fault
}

// ChangesName is the name of Changes.
const ChangesName = "changes"

// changes is what happens to a cluster of five in its life, far enough apart
// that each is over, and some quiet was measured, before the next.
const changes = `
	shrink=4@2s grow=4@4s
	cut=3@6s+2s
	cut=0@11s+5s view=1,2,3,4@11.5s grow=0@17s
	kill=2@20s view=0,1,3,4@20.5s restart=2@22.5s grow=2@23.5s`

// Changes is a life of five nodes: a member leaves and comes back; a backup is
// cut off, and healed without a view; the primary is cut off, the others get a
// view, and it comes back in; a member dies, the others get a view, and it comes
// back empty.
func Changes() Scenario {
	s := Scenario{Nodes: 5, Duration: 26 * time.Second}
	for text := range strings.FieldsSeq(changes) {
		f, err := Parse(text)
		if err != nil {
			panic(fmt.Sprintf("the scenario %q is misspelt: %v", ChangesName, err))
		}
		s.Faults = append(s.Faults, f)
	}
	return s
}
