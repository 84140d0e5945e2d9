package scenario

import (
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// line is the history that leads to one group: through which nodes its requests
// went, from which moment on. Before the first stretch everybody belongs to it.
type line []stretch

type stretch struct {
	from  int64 // on the book's clock
	nodes []int
}

// has reports whether a request through a node belongs to the line.
func (ln line) has(op history.Op, node int) bool {
	for _, s := range slices.Backward(ln) {
		if op.Start >= s.from {
			return slices.Contains(s.nodes, node)
		}
	}
	return true
}

// Split puts a view of each side to its members, one side after the other. No
// request may be open. From here on each side has a line of its own, which goes
// on from that of the group.
func (g *Group) Split(sides ...[]int) []*Group {
	g.lab.t.Helper()
	now := g.lab.book.recorder.Now()
	var groups []*Group
	for _, side := range sides {
		part := g.lab.View(side...).TellMembers()
		part.line = append(slices.Clone(g.line), stretch{now, side})
		groups = append(groups, part)
	}
	return groups
}

// Judge demands that the line that led to this group is linearizable: what
// anybody was told before the groups parted, and what this group was told since.
func (g *Group) Judge() {
	g.lab.t.Helper()
	g.lab.judge("the line of this group", g.line.has)
}
