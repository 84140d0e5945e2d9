package view

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxBirths bounds the first views that a view remembers. There is one for each cluster that an
// operator ever joined to it.
const maxBirths = 64

// mergeBirths returns the union of two ascending lists: the lowest maxBirths views. The result
// may be one of the lists; neither is written to.
func mergeBirths(a, b []ids.View) []ids.View {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, ids.View.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), maxBirths):min(len(out), maxBirths)]
}

// births returns the first views of this node's cluster; empty: the node is of no cluster.
func (mgr *Manager) births() []ids.View {
	if mgr.view == nil {
		return nil
	}
	return mgr.view.Births
}

// SameCluster reports whether a node whose view has these births is of this node's cluster.
// Nodes of another cluster get no data from here (docs/views.md §3.2).
func (mgr *Manager) SameCluster(births []ids.View) bool {
	return wire.Kin(mgr.births(), births) || mutant.On(mutant.FollowForeign)
}

// partByCluster splits the answers to a PUT into those of this cluster and those of others
// (docs/views.md §2.1). The new view replaces only the views of kin. births are the first views
// that the new view descends from; empty: the new view is the first of a cluster.
func (mgr *Manager) partByCluster(p *put) (kin []*putPeer, births []ids.View) {
	births = mgr.births()
	if len(births) == 0 {
		births = mgr.clusterOf(p)
	}
	var rest []*putPeer
	for a := range p.answers {
		rest = append(rest, a)
	}
	for again := true; again; {
		again = false
		strangers := rest[:0]
		for _, a := range rest {
			if !mgr.related(p, a, births) {
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
		mgr.noteForeign(p, a)
	}
	return kin, births
}

// noteForeign records that a member belongs to another cluster and stays in it.
func (mgr *Manager) noteForeign(p *put, a *putPeer) {
	if !a.foreign {
		a.foreign = true
		mgr.box.Event(core.Event{Kind: EventForeign, Peer: a.id, View: mgr.viewID()})
	}
}

// related reports whether an answer counts for a cluster with these births. It does if its node
// is of no cluster, or descends from one of the births, or holds the list of this PUT or of the
// view held here: an operator has put such a list. With force every answer counts.
func (mgr *Manager) related(p *put, a *putPeer, births []ids.View) bool {
	switch {
	case !a.r.Present, len(a.r.View.Births) == 0, p.force, mutant.On(mutant.FollowForeign):
		return true
	case len(births) > 0 && wire.Kin(births, a.r.View.Births):
		return true
	}
	held := a.r.View.Layout
	return held.Equal(p.layout) || mgr.view != nil && len(held.Members()) > 0 && held.Equal(mgr.view.Layout)
}

// clusterOf returns the births of the cluster that an author without a cluster joins; nil:
// none. It is the cluster of the lowest node whose list mayReplace allows: the author was in
// that list before it lost its state, or the new list only adds members.
func (mgr *Manager) clusterOf(p *put) []ids.View {
	for a := range p.answers {
		if a.r.Present && len(a.r.View.Births) > 0 && mayReplace(mgr.self, &p.layout, &a.r.View.Layout) {
			return a.r.View.Births
		}
	}
	return nil
}

// mayReplace reports whether an author without a cluster may replace a list that is held: the
// held list has the author at the same address, or the new list keeps all members. Any other
// list could take nodes out of a cluster that the author does not know
// (docs/views.md §2.1, rule 3).
func mayReplace(author ids.Node, list, held *wire.Layout) bool {
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

// checkForeign reports whether a member that refused the view of a PUT is of another cluster,
// and records that. The exception is a view that began a cluster because its author had not
// heard the member. Then the view joins the member's cluster instead (docs/views.md §2.1,
// rule 4).
func (mgr *Manager) checkForeign(p *put, a *putPeer, m *wire.NewViewReply) bool {
	if m.Same || wire.Kin(p.view.Births, m.Births) || mutant.On(mutant.FollowForeign) {
		return false
	}
	if p.firstOfCluster && a.r == nil && mayReplace(mgr.self, &p.layout, &m.Layout) {
		p.firstOfCluster = false
		p.view.Births = mergeBirths(p.view.Births, m.Births)
		return false
	}
	mgr.noteForeign(p, a)
	return true
}

// onlyForeign reports whether a PUT waits only for members of other clusters.
func (mgr *Manager) onlyForeign(p *put) bool {
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
