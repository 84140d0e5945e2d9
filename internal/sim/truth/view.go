package truth

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// view is a view as far as it concerns causal buckets.
type view struct {
	id        wire.ViewID
	layout    wire.Layout
	members   []wire.Member
	home      map[wire.NodeID]int // node → shard
	ring      *hashing.Ring
	ancestors map[wire.ViewID]bool
	floor     wire.Vector // that was published under its name
	hasFloor  bool
}

// viewOf is the one of all equal views. What replaces what may become known later.
func (t *Truth) viewOf(v *wire.View) *view {
	x := t.views[v.ID]
	if x == nil {
		x = &view{id: v.ID, layout: v.Layout, members: v.Layout.Members(), home: map[wire.NodeID]int{}, ancestors: map[wire.ViewID]bool{}}
		shards := make([]hashing.Shard, len(v.Layout.Shards))
		for i, s := range v.Layout.Shards {
			shards[i] = hashing.Shard{Name: s.Name, Empty: len(s.Members) == 0}
			for _, m := range s.Members {
				x.home[m.ID] = i
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

func (v *view) has(id wire.NodeID) bool {
	if v == nil {
		return false
	}
	_, ok := v.home[id]
	return ok
}

// owns reports whether a node owns a slot.
func (v *view) owns(id wire.NodeID, s hashing.Slot) bool {
	if !v.has(id) {
		return false
	}
	owner, ok := v.ring.Owner(s)
	return ok && owner == v.home[id]
}

// owners are the nodes that own a slot, ascending.
func (v *view) owners(s hashing.Slot) []wire.NodeID {
	var ids []wire.NodeID
	for _, m := range v.members {
		if v.owns(m.ID, s) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// published notes the floor of a view that may be named. It never changes
// (docs/causal.md §9).
func (t *Truth) published(l *Life, k *wire.KnownView) {
	if !k.Common {
		return
	}
	v := t.views[k.ID]
	if v == nil {
		t.fail("I17", "node %d has the stable cut of view %v, which nobody held", l.Node, k.ID)
		return
	}
	if v.hasFloor && !slices.Equal(v.floor, k.StableCut) {
		t.fail("I17", "node %d has another stable cut of view %v: %v, %v", l.Node, k.ID, k.StableCut, v.floor)
		return
	}
	if !v.hasFloor {
		t.world.Saw("stable cut published")
	}
	v.floor, v.hasFloor = k.StableCut, true
}

// Owns reports whether a life owns a key in its view.
func (l *Life) Owns(key int) bool { return l.view.owns(l.Node, l.t.keys[key].slot) }

// Owned are the slots that a life owns in its view.
func (l *Life) Owned() []hashing.Slot { return l.view.slots(l.Node) }

// OwnedBefore are those that it owned when its present step began.
func (l *Life) OwnedBefore() []hashing.Slot { return l.before.slots(l.Node) }

// BeginStep notes that a step begins: what was decided in it before it came to a new
// view is carried out afterwards.
func (l *Life) BeginStep() { l.before = l.view }

func (v *view) slots(id wire.NodeID) []hashing.Slot {
	if !v.has(id) {
		return nil
	}
	return v.ring.Slots(v.home[id])
}
