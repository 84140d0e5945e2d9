package world

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// GiveAway starts a new process under the id of a node, at its other address.
func (w *World) GiveAway(n *Node) {
	n.end()
	n.old, w.Forgot = true, true
	w.twins = append(w.twins, n)
	young := &Node{w: w, ID: n.ID, Moved: !n.Moved, BootCount: n.BootCount}
	w.Nodes[n.ID] = young
	young.Start()
}

// TwinOf returns the old process of an id that was given away; nil: none.
func (w *World) TwinOf(id ids.Node) *Node {
	if i := slices.IndexFunc(w.twins, func(n *Node) bool { return n.ID == id }); i >= 0 {
		return w.twins[i]
	}
	return nil
}

// Processes returns the present process of each id, and the old ones.
func (w *World) Processes() []*Node { return append(slices.Clone(w.Nodes), w.twins...) }

// ProcessAt returns the process at the address of a member, or else the present one of its
// id.
func (w *World) ProcessAt(m wire.Member) *Node {
	if old := w.TwinOf(m.ID); old != nil && old.Address() == m.Address {
		return old
	}
	return w.Nodes[m.ID]
}
