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
func (k *Keeper) kindred(p *put) (kin []*putPeer, births []wire.ViewID) {
	births = k.births()
	if len(births) == 0 {
		births = k.homeOf(p)
	}
	var rest []*putPeer
	for a := range p.answers {
		rest = append(rest, a)
	}
	for again := true; again; {
		again = false
		strangers := rest[:0]
		for _, a := range rest {
			if !k.related(p, a, births) {
				strangers = append(strangers, a)
				continue
			}
			kin = append(kin, a)
			if more := mergeBirths(births, a.r.View.Births); len(more) > len(births) {
				births, again = more, true
			}
		}
		rest = strangers
	}
	for _, a := range rest {
		k.leaveOut(p, a)
	}
	return kin, births
}

// leaveOut notes that a member belongs to another cluster and stays in that.
func (k *Keeper) leaveOut(p *put, a *putPeer) {
	if !a.foreign {
		a.foreign = true
		k.box.Event(wire.Event{Kind: EventForeign, Peer: a.id, View: k.viewID()})
	}
}

// related reports whether an answer comes from a cluster with these births: it has no
// cluster, or descends from one of them, or an operator has put it the list of this PUT,
// or that of the view held here. By force everybody is.
func (k *Keeper) related(p *put, a *putPeer, births []wire.ViewID) bool {
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
func (k *Keeper) homeOf(p *put) []wire.ViewID {
	for a := range p.answers {
		if a.r.Present && len(a.r.View.Births) > 0 && home(k.self, &p.layout, &a.r.View.Layout) {
			return a.r.View.Births
		}
	}
	return nil
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
func (k *Keeper) foreigner(p *put, a *putPeer, m *wire.NewViewReply) bool {
	if m.Same || wire.Kin(p.view.Births, m.Births) || mutant.On(mutant.FollowForeign) {
		return false
	}
	if p.newborn && a.r == nil && home(k.self, &p.layout, &m.Layout) {
		p.newborn = false
		p.view.Births = mergeBirths(p.view.Births, m.Births)
		return false
	}
	k.leaveOut(p, a)
	return true
}

// onlyForeign reports that a PUT waits for nobody but members of other clusters.
func (k *Keeper) onlyForeign(p *put) bool {
	foreign := 0
	for i := range p.peers {
		switch {
		case p.peers[i].foreign:
			foreign++
		case !p.peers[i].accepted:
			return false
		}
	}
	return p.made && foreign > 0
}
