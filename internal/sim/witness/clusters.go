package witness

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// clusters checks docs/views.md §3: no node goes from one cluster to another over the bus.
// Its evidence is which node made and adopted which view, and which view it answered to an
// author, not what views say of themselves. A cluster is the set of its first views. Sets are
// joined where a list was put to nodes of several.
type clusters struct {
	made     map[ids.View]*wire.View    // by id: every view, as it was made
	of       map[ids.View]births        // by view: the first views of its cluster
	newcomer map[ids.View]bool          // the author had no cluster when it was told the list
	held     map[ids.Incarnation]births // by incarnation: the first views of all views that it has held
	answered map[*world.Node]answers    // by process: what its PUTs of this boot were answered
}

// answers are the views that nodes said that they hold, by incarnation. A node may have gone
// on to another view by the time that the author makes its own.
type answers map[ids.Incarnation][]ids.View

type births map[ids.View]bool

func (b births) meets(o births) bool {
	for id := range b {
		if o[id] {
			return true
		}
	}
	return false
}

// union returns the cluster of a node and of the view that it holds. Another member may have
// brought its own cluster into that view since this node adopted it.
func union(node, view births) births {
	b := births{}
	maps.Copy(b, node)
	maps.Copy(b, view)
	return b
}

func (c *clusters) heldBy(n *world.Node) births {
	if c.held == nil {
		c.held = map[ids.Incarnation]births{}
	}
	if c.held[n.Inc] == nil {
		c.held[n.Inc] = births{}
	}
	return c.held[n.Inc]
}

// hears records what a node answers to a PUT at this process: the view that it holds, or the
// one for which it refused the view of the PUT.
func (c *clusters) hears(n *world.Node, h wire.Header, view ids.View) {
	if c.answered == nil {
		c.answered = map[*world.Node]answers{}
	}
	if c.answered[n] == nil {
		c.answered[n] = answers{}
	}
	if !slices.Contains(c.answered[n][h.Inc], view) {
		c.answered[n][h.Inc] = append(c.answered[n][h.Inc], view)
	}
}

// joinsCluster checks that a node may go from one view, or from none, to another.
func (t *Witness) joinsCluster(n *world.Node, before, v *wire.View) {
	c, held := &t.clusters, t.clusters.heldBy(n)
	if _, made := c.of[v.ID]; !made {
		t.newView(n, before, v)
	}
	same := before != nil && before.Layout.Equal(v.Layout)
	theirs := c.of[v.ID]
	switch {
	case len(held) == 0, held.meets(theirs), same, v.Force, t.Operator.ToldList(n, v.Layout):
	case c.newcomer[v.ID] && keepsCluster(v.ID.Author, v, before):
	default:
		t.w.Fail("cluster", "node %d goes from view %v to view %v, which is another cluster's", n.ID, before.ID, v.ID)
	}
	maps.Copy(theirs, held)
	maps.Copy(held, theirs)
}

// newView records to which cluster a view belongs that was made just now.
func (t *Witness) newView(n *world.Node, before, v *wire.View) {
	c := &t.clusters
	if c.of == nil {
		c.made, c.of, c.newcomer = map[ids.View]*wire.View{}, map[ids.View]births{}, map[ids.View]bool{}
	}
	c.made[v.ID] = v
	mine := maps.Clone(c.heldBy(n))
	if before != nil {
		maps.Copy(mine, c.of[before.ID]) // a member may have joined another first view of the same list to it since
	}
	again := before != nil && before.Layout.Equal(v.Layout)
	c.newcomer[v.ID] = len(mine) == 0 || again && c.newcomer[before.ID]
	for t.takesIn(n, before, v, mine) {
	}
	if len(mine) == 0 && len(v.Layout.Members()) > 0 {
		mine[v.ID] = true
	}
	c.of[v.ID] = mine
}

// takesIn adds to the first views of a view those of a member that it may replace. It
// reports whether there was such a member. The member is of the author's cluster, or it was
// told the list of the view, or it answered that it held that list or the list of the view
// before. An author without a cluster joins that of an answer that its list may replace.
func (t *Witness) takesIn(n *world.Node, before, v *wire.View, mine births) bool {
	c, size := &t.clusters, len(mine)
	alike := func(held *wire.View) bool {
		return held.Layout.Equal(v.Layout) ||
			before != nil && len(before.Layout.Members()) > 0 && held.Layout.Equal(before.Layout)
	}
	for _, m := range v.Layout.Members() {
		peer := t.w.ProcessAt(m)
		if peer == n {
			continue
		}
		told := t.Operator.ToldList(peer, v.Layout)
		for inc := range t.commitments[m.ID] { //maporder:ok a union; the member may have lost its state since its answer
			for _, id := range c.answered[n][inc] {
				held, theirs := c.made[id], union(c.held[inc], c.of[id])
				if held != nil && (theirs.meets(mine) || v.Force || told || alike(held) ||
					c.newcomer[v.ID] && keepsCluster(n.ID, v, held)) {
					maps.Copy(mine, theirs)
				}
			}
		}
	}
	return len(mine) > size
}

// keepsCluster reports whether a list by an author without a cluster may replace a view.
// The author must return to its place in the view, or remove none of its members.
func keepsCluster(author ids.Node, v, held *wire.View) bool {
	was, had := held.Layout.Find(author)
	now, has := v.Layout.Find(author)
	return had && has && was == now || !slices.ContainsFunc(held.Layout.Members(), func(m wire.Member) bool {
		now, ok := v.Layout.Find(m.ID)
		return !ok || now != m
	})
}
