package promptness

import (
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of work that follows a fault or a PUT, counted from the moment since when the
// stretch is calm. overdue adds stepsOfWork steps of average length to each: in small
// pieces a transfer takes many steps.
const (
	viewBound    = 9 * wire.Second  // until a view that all its members hold is ready, in both models
	handoffBound = 4 * wire.Second  // until a member holds no slots for others
	replicaBound = 2 * wire.Second  // until all owners of a key have its newest version
	collectBound = 12 * wire.Second // until a tombstone that all owners have is collected
	stepsOfWork  = 20
)

// lateness names work that must end within a bound.
type lateness struct {
	what string
	node *world.Node
	key  int
}

// overdue reports that work has been pending for longer than its bound within a calm
// stretch.
func (j *Judge) overdue(x lateness, pending bool, calmSince, bound wire.Instant) bool {
	if !pending {
		delete(j.late, x)
		return false
	}
	from, known := j.late[x]
	if !known {
		from = j.w.Now
	}
	j.late[x] = max(from, calmSince)
	return j.w.Now-j.late[x] > bound+stepsOfWork*(2*j.w.Sched.Network.Delay+2*j.w.Sched.Disk)
}

// lookAtView fails the run if a node of a calm view is late to be ready or to hand its
// slots off.
func (j *Judge) lookAtView(n *world.Node) {
	serves, ready, drained := lateness{what: "strong", node: n}, lateness{what: "causal", node: n}, lateness{what: "drained", node: n}
	since, calm := j.calmSince(n)
	if !calm {
		delete(j.late, serves)
		delete(j.late, ready)
		delete(j.late, drained)
		return
	}
	m := j.w.Sched.Model
	switch {
	case j.overdue(serves, m.Strong() && !n.Shows.StrongReady(), since, viewBound):
		j.fail("node %d does not serve strong buckets, %s after all members hold view %v: %s", n.ID, seconds(j.w.Now-since), n.Shows.View.ID, n.Shows.Reason)
	case j.overdue(ready, m.Causal() && !n.Shows.CausalReady, since, viewBound):
		j.fail("node %d is not ready for its slots, %s after all members hold view %v", n.ID, seconds(j.w.Now-since), n.Shows.View.ID)
	case j.overdue(drained, m.Causal() && n.Shows.Other > 0 && j.namesAll(n), since, handoffBound):
		j.fail("node %d holds %d slots for others, %s after all members hold view %v", n.ID, n.Shows.Other, seconds(j.w.Now-since), n.Shows.View.ID)
	}
}

// namesAll reports that a node's view names all nodes, so every node can be reached.
func (j *Judge) namesAll(n *world.Node) bool {
	return len(n.Shows.View.Layout.Members()) == len(j.w.Nodes)
}

// newest is the newest version of a key that an owner holds in a view, and since when.
type newest struct {
	view  ids.View
	write *truth.Write
	since wire.Instant
}

// lookAtKeys checks the keys of every view that is calm and ready.
func (j *Judge) lookAtKeys() {
	for _, n := range j.w.Nodes {
		since, calm := j.calmSince(n)
		if !calm || n.ID != n.Shows.View.Layout.Members()[0].ID || !n.Shows.CausalReady {
			continue
		}
		for key := range j.newest {
			j.lookAtKey(n, key, since)
		}
	}
}

// collectable reports that no member has a reason to keep a tombstone.
func (j *Judge) collectable(n *world.Node, x *truth.Write) bool {
	for _, m := range n.Shows.View.Layout.Members() {
		o := j.w.Nodes[m.ID]
		if j.of(o).Item(x.Key) == x && !j.truth.Collectable(j.of(o), x) || o.Shows.Other > 0 {
			return false
		}
	}
	return true
}

// lookAtKey fails the run if an owner lacks the newest version of a key for too long, or
// keeps a tombstone for too long. The node n stands for its view.
func (j *Judge) lookAtKey(n *world.Node, key int, since wire.Instant) {
	var owners []*world.Node
	var top *truth.Write
	for _, m := range n.Shows.View.Layout.Members() {
		o := j.w.Nodes[m.ID]
		if !o.Shows.CausalReady {
			return
		}
		if j.of(o).Owns(key) {
			owners = append(owners, o)
			if x := j.of(o).Item(key); truth.Newer(x, top) {
				top = x
			}
		}
	}
	if x := &j.newest[key]; x.view != n.Shows.View.ID || x.write != top {
		*x = newest{n.Shows.View.ID, top, j.w.Now}
	}
	since = max(since, j.newest[key].since)
	for _, o := range owners {
		x := j.of(o).Item(key)
		lacks := x != top && !(x == nil && top.Item.Deleted)
		if j.overdue(lateness{"replica", o, key}, lacks, since, replicaBound) {
			j.fail("node %d has %v of %q, %s after another owner got %v", o.ID, x, truth.KeyName(key), seconds(j.w.Now-since), top)
		}
		buried := x != nil && x == top && x.Item.Deleted && j.namesAll(n) && j.collectable(o, x)
		if j.overdue(lateness{"tombstone", o, key}, buried, since, collectBound) {
			j.fail("node %d still has the tombstone %v, %s after it was the newest version at all owners", o.ID, x, seconds(j.w.Now-since))
		}
	}
}
