package witness

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// clusters checks docs/views.md §3: no node goes from one cluster to another over the bus.
// Its evidence is which node made and adopted which view, not what views say of themselves.
// A cluster is the set of its first views. Sets are joined where a list was put to nodes of
// several.
type clusters struct {
	of       map[ids.View]births        // by view: the first views of its cluster
	newcomer map[ids.View]bool          // the author had no cluster when it was told the list
	held     map[ids.Incarnation]births // by incarnation: the first views of all views that it has held
}

type births map[ids.View]bool

func (b births) meets(o births) bool {
	for id := range b {
		if o[id] {
			return true
		}
	}
	return false
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
		c.of, c.newcomer = map[ids.View]births{}, map[ids.View]bool{}
	}
	mine := maps.Clone(c.heldBy(n))
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
// reports whether there was such a member. The member is of the author's cluster, or it
// holds, or was told, the list of the view or of the view before.
func (t *Witness) takesIn(n *world.Node, before, v *wire.View, mine births) bool {
	c, size := &t.clusters, len(mine)
	alike := func(peer *world.Node, held *wire.View) bool {
		return held.Layout.Equal(v.Layout) || t.Operator.ToldList(peer, v.Layout) ||
			before != nil && len(before.Layout.Members()) > 0 && held.Layout.Equal(before.Layout)
	}
	for _, m := range v.Layout.Members() {
		peer := t.w.ProcessAt(m)
		held := t.Of(peer).view
		if held == nil || peer == n {
			continue
		}
		theirs := c.heldBy(peer)
		if theirs.meets(mine) || v.Force || alike(peer, held) || c.newcomer[v.ID] && keepsCluster(n.ID, v, held) {
			maps.Copy(mine, theirs)
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
