package truth

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// Near returns the incarnations whose data must come to the members of a list: the members,
// and the former members that they know. A former member counts only if it can be reached
// and no operator has given it another view since (docs/causal.md §6, §7). there reports
// whether a member can be reached. A node of another cluster does not count: it does not
// answer the members (docs/views.md §3.2).
func (t *Truth) Near(list []int, there func(wire.Member) bool) []*Incarnation {
	var near []*Incarnation
	for _, id := range list {
		if o := t.incarnations[id]; o != nil {
			near = append(near, o)
		}
	}
	for _, o := range slices.Clone(near) {
		for _, m := range o.written.former {
			f := t.incarnations[m.ID]
			if f == nil || !there(m) || slices.Contains(near, f) || f.view == nil || o.view == nil {
				continue
			}
			if wire.Kin(f.births, o.births) && (len(f.view.members) == 0 || o.view.ancestors[f.view.id]) {
				near = append(near, f)
			}
		}
	}
	return near
}

// Attainable reports whether some incarnations together hold all that a request's context
// means for the slots that the request reads at a node. Otherwise the request may wait for
// ever.
func (t *Truth) Attainable(o *Op, at *Incarnation, incarnations []*Incarnation) bool {
	slots := []hashing.Slot{t.keys[o.Key].slot}
	if o.List {
		slots = at.Owned()
	}
	c := &o.Sent
	for _, d := range c.Exact {
		p := wire.Position{Stream: d.Version.Dot.Stream, N: d.Version.Dot.N}
		if s := t.cfg.Space.Slot(d.Hash); slices.Contains(slots, s) && !t.anySatisfied(incarnations, s, p) {
			return false
		}
	}
	vectors := []wire.Vector{c.Vector}
	for _, name := range c.CutRefs {
		if !slices.ContainsFunc(incarnations, func(l *Incarnation) bool { return l.written.cuts[name] }) {
			return false // no incarnation can say what the reference means
		}
		vectors = append(vectors, t.views[name].stableCut)
	}
	for _, v := range vectors {
		for _, p := range v {
			for _, s := range slots {
				if !t.anySatisfied(incarnations, s, p) {
					return false
				}
			}
		}
	}
	return true
}

// anySatisfied reports whether K of an incarnation covers a position, or the position does
// not concern the slot.
func (t *Truth) anySatisfied(incarnations []*Incarnation, s hashing.Slot, p wire.Position) bool {
	if v := t.views[p.Stream.View]; v != nil && !v.owns(p.Stream.Node, s) {
		return slices.ContainsFunc(incarnations, func(l *Incarnation) bool { return l.written.viewsKnown[p.Stream.View] }) // otherwise no incarnation knows the owners of that view
	}
	return slices.ContainsFunc(incarnations, func(l *Incarnation) bool {
		return l.written.slots[s].known.At(p.Stream) >= p.N || l.written.live[p.Stream] >= p.N
	})
}
