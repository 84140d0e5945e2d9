package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// maxBirths bounds how many first views a view remembers: one for each cluster that an
// operator ever joined to it.
const maxBirths = 64

// mergeBirths is the union of two ascending lists, the lowest maxBirths of it. The
// result may be one of the lists; neither is written to.
func mergeBirths(a, b []wire.ViewID) []wire.ViewID {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, wire.ViewID.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), maxBirths):min(len(out), maxBirths)]
}

func (k *Keeper) births() []wire.ViewID {
	if k.view == nil {
		return nil
	}
	return k.view.Births
}

// Kin reports whether a node whose view has these births is of this node's cluster. The
// nodes of another one get no data from here (docs/views.md §3).
func (k *Keeper) Kin(births []wire.ViewID) bool {
	return wire.Kin(k.births(), births) || mutant.On(mutant.FollowForeign)
}

// kindred parts the answers to a PUT into those of this cluster, which its view
// replaces, and those of others, which stay what they are. births is what the view
// descends from; empty: it is the first.
func (k *Keeper) kindred(p *put) (kin []answer, births []wire.ViewID) {
	births = k.births()
	if len(births) == 0 {
		births = k.homeOf(p)
	}
	rest := slices.Clone(p.answers)
	for again := true; again; {
		again = false
		for i := 0; i < len(rest); i++ {
			if a := rest[i]; k.related(p, a, births) {
				kin = append(kin, a)
				if a.r.Present && len(a.r.View.Births) > 0 {
					births, again = mergeBirths(births, a.r.View.Births), true
				}
				rest = slices.Delete(rest, i, i+1)
				i--
			}
		}
	}
	p.foreign = p.foreign[:0]
	for _, a := range rest {
		p.foreign = append(p.foreign, a.node)
		k.box.Event(wire.Event{Kind: EventForeign, Peer: a.node, View: a.r.View.ID})
	}
	return kin, births
}

// related reports whether an answer comes from a cluster with these births: it has no
// cluster, or descends from one of them, or an operator has put it the list of this PUT,
// or that of the view held here. By force everybody is.
func (k *Keeper) related(p *put, a answer, births []wire.ViewID) bool {
	switch {
	case !a.r.Present, len(a.r.View.Births) == 0, p.force, mutant.On(mutant.FollowForeign):
		return true
	case len(births) > 0 && wire.Kin(births, a.r.View.Births):
		return true
	}
	held := a.r.View.Layout
	return held.Equal(p.layout) || k.view != nil && len(held.Members()) > 0 && held.Equal(k.view.Layout)
}

// homeOf is the cluster of an author that is of none yet: that of the lowest node whose
// view it may have been in before it lost its state, or which it only adds to.
func (k *Keeper) homeOf(p *put) (births []wire.ViewID) {
	lowest := wire.NodeID(0)
	for _, a := range p.answers {
		if a.r.Present && len(a.r.View.Births) > 0 && (births == nil || a.node < lowest) && home(k.self, &p.layout, &a.r.View.Layout) {
			births, lowest = a.r.View.Births, a.node
		}
	}
	return births
}

// home reports whether an author without a cluster may put its list in place of one that
// is held: that has the author where the list has it, or the list keeps all its members.
// Anything else would take nodes out of a cluster that the author knows nothing of.
func home(author wire.NodeID, list, held *wire.Layout) bool {
	now, listed := list.Find(author)
	if was, ok := held.Find(author); listed && ok && was == now {
		return true
	}
	for _, m := range held.Members() {
		if now, ok := list.Find(m.ID); !ok || now != m {
			return false
		}
	}
	return true
}

// foreigner notes that a member that refused the view of a PUT belongs to another
// cluster, and stays in that; false: it does not. If the author was of no cluster when the
// list was put, and had not heard the member, the view may have been taken for the first of
// a cluster wrongly: then it becomes one of the member's.
func (k *Keeper) foreigner(p *put, from wire.NodeID, m *wire.NewViewReply) bool {
	if m.Same || wire.Kin(p.view.Births, m.Births) || mutant.On(mutant.FollowForeign) {
		return false
	}
	if p.newborn && !p.hasAnswer(from) && home(k.self, &p.layout, &m.Layout) {
		p.newborn = false
		p.view.Births = mergeBirths(p.view.Births, m.Births)
		return false
	}
	if !slices.Contains(p.foreign, from) {
		p.foreign = append(p.foreign, from)
		k.box.Event(wire.Event{Kind: EventForeign, Peer: from, View: p.view.ID})
	}
	return true
}

// onlyForeign reports that a PUT waits for nobody but members of other clusters.
func (k *Keeper) onlyForeign(p *put) bool {
	if !p.made || len(p.foreign) == 0 {
		return false
	}
	for _, m := range p.layout.Members() {
		if m.ID != k.self && !slices.Contains(p.accepted, m.ID) && !slices.Contains(p.foreign, m.ID) {
			return false
		}
	}
	return true
}
