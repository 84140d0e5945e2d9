package harness

import (
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// ancestry lists the requests that led to the state of one group: the nodes that the
// requests went through, by period. Before the first period all requests belong to it.
type ancestry []period

type period struct {
	from  int64 // on the recorder's clock
	nodes []int
}

// has reports whether a request through a node belongs to the ancestry.
func (ln ancestry) has(op history.Op, node int) bool {
	for _, s := range slices.Backward(ln) {
		if op.Start >= s.from {
			return slices.Contains(s.nodes, node)
		}
	}
	return true
}

// Split puts a view of each side to its members, one side after the other. No request may
// be open. From then on each side has an ancestry of its own, which continues that of the
// group.
func (g *Group) Split(sides ...[]int) []*Group {
	g.lab.t.Helper()
	now := g.lab.recorder.history.Now()
	var groups []*Group
	for _, side := range sides {
		part := g.lab.View(side...).TellMembers()
		part.ancestry = append(slices.Clone(g.ancestry), period{now, side})
		groups = append(groups, part)
	}
	return groups
}

// Judge fails the test unless the ancestry of this group is linearizable: the requests
// before the groups parted, and those of this group since.
func (g *Group) Judge() {
	g.lab.t.Helper()
	g.lab.judge("the ancestry of this group", g.ancestry.has)
}
