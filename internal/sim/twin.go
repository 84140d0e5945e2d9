package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// giveAway starts a new process with the id of a node, at its other address.
func (w *world) giveAway(n *node) {
	n.end()
	n.old, w.forgot = true, true
	w.twins = append(w.twins, n)
	young := &node{w: w, id: n.id, moved: !n.moved, bootCount: n.bootCount}
	w.nodes[n.id] = young
	young.start()
}

// twinOf is the old process with an id that was given away; nil: there is none.
func (w *world) twinOf(id ids.Node) *node {
	if i := slices.IndexFunc(w.twins, func(n *node) bool { return n.id == id }); i >= 0 {
		return w.twins[i]
	}
	return nil
}

// processes are the present process of each id, and the old ones.
func (w *world) processes() []*node { return append(slices.Clone(w.nodes), w.twins...) }

// processAt is the process of a member: that at its address, or else the present one.
func (w *world) processAt(m wire.Member) *node {
	if old := w.twinOf(m.ID); old != nil && old.address() == m.Address {
		return old
	}
	return w.nodes[m.ID]
}
