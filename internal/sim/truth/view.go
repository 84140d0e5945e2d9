package truth

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// view is the part of a view that concerns causal buckets.
type view struct {
	id           ids.View
	layout       wire.Layout
	members      []wire.Member    // of all shards
	shardOf      map[ids.Node]int // by node: the place of its shard
	ring         *hashing.Ring
	ancestors    map[ids.View]bool // the views that it replaces, as far as a node has written them
	stableCut    wire.Vector       // published under the view's id
	hasStableCut bool
}

// viewOf returns one value for all equal views. The views that it replaces may become known
// later.
func (t *Truth) viewOf(v *wire.View) *view {
	x := t.views[v.ID]
	if x == nil {
		x = &view{id: v.ID, layout: v.Layout, members: v.Layout.Members(), shardOf: map[ids.Node]int{}, ancestors: map[ids.View]bool{}}
		shards := make([]hashing.Shard, len(v.Layout.Shards))
		for i, s := range v.Layout.Shards {
			shards[i] = hashing.Shard{Name: s.Name, Empty: len(s.Members) == 0}
			for _, m := range s.Members {
				x.shardOf[m.ID] = i
			}
		}
		x.ring = hashing.New(t.cfg.Space, shards)
		t.views[v.ID] = x
	}
	for _, a := range v.Ancestors {
		x.ancestors[a.View] = true
	}
	return x
}

func (v *view) has(id ids.Node) bool {
	if v == nil {
		return false
	}
	_, ok := v.shardOf[id]
	return ok
}

// owns reports whether a node owns a slot.
func (v *view) owns(id ids.Node, s hashing.Slot) bool {
	if !v.has(id) {
		return false
	}
	owner, ok := v.ring.Owner(s)
	return ok && owner == v.shardOf[id]
}

// owners returns the nodes that own a slot, ascending.
func (v *view) owners(s hashing.Slot) []ids.Node {
	var all []ids.Node
	for _, m := range v.members {
		if v.owns(m.ID, s) {
			all = append(all, m.ID)
		}
	}
	return all
}

// published records the stable cut of a view, to which contexts may refer. It never changes
// (docs/causal.md §9).
func (t *Truth) published(l *Incarnation, k *wire.KnownView) {
	if !k.Common {
		return
	}
	v := t.views[k.ID]
	if v == nil {
		t.fail("I17", "node %d has the stable cut of view %v, which nobody held", l.Node, k.ID)
		return
	}
	if v.hasStableCut && !slices.Equal(v.stableCut, k.StableCut) {
		t.fail("I17", "node %d has another stable cut of view %v: %v, %v", l.Node, k.ID, k.StableCut, v.stableCut)
		return
	}
	if !v.hasStableCut {
		t.world.Saw("stable cut published")
	}
	v.stableCut, v.hasStableCut = k.StableCut, true
}

// Owns reports whether an incarnation owns a key in its view.
func (l *Incarnation) Owns(key int) bool { return l.view.owns(l.Node, l.t.keys[key].slot) }

// Owned returns the slots that an incarnation owns in its view.
func (l *Incarnation) Owned() []hashing.Slot { return l.view.slots(l.Node) }

// OwnedBefore returns the slots that it owned when its present step began.
func (l *Incarnation) OwnedBefore() []hashing.Slot { return l.before.slots(l.Node) }

// BeginStep records that a step begins. What the node decided in a step before it came to a
// new view is carried out afterwards, so checks may need the view before.
func (l *Incarnation) BeginStep() { l.before = l.view }

func (v *view) slots(id ids.Node) []hashing.Slot {
	if !v.has(id) {
		return nil
	}
	return v.ring.Slots(v.shardOf[id])
}
