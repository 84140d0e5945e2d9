package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// giveAway gives the id of a node to a new process without state, at the node's other
// address. The old process goes on at its own address, and receives what is sent there.
// Clients and the operator turn to the new one. An id has one old process at most.
func (w *world) giveAway(n *node) {
	if !n.up || n.pauses > 0 || w.twinOf(n.id) != nil {
		return
	}
	for _, p := range w.operator.puts {
		if p.node == n && p.bootCount == n.bootCount {
			w.operator.leave(p)
		}
	}
	w.nodeGone(n)
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

// dialled is the process that a message to an id is sent to: that at the address which
// the sender may dial.
func (t *network) dialled(from *node, id ids.Node) *node {
	if from.id == id {
		return from
	}
	present, old := t.w.nodes[id], t.w.twinOf(id)
	if old != nil && !t.mayDial(from, present) && t.mayDial(from, old) {
		return old
	}
	return present
}

// giveAways draws nodes whose ids are given away, and the lists that name the new
// processes.
func (g *generator) giveAways(s *Schedule) {
	end := s.Steps[len(s.Steps)-1].At
	for range 1 + g.rng.IntN(3) {
		at := wire.Second + g.between(0, end)
		g.add(s, at, &Fault{Kind: GiveAway, Node: g.rng.IntN(g.nodes)})
		g.add(s, at+g.between(0, wire.Second), &Command{List: 1<<g.nodes - 1, All: true})
	}
}

// processAt is the process of a member: that at its address, or else the present one.
func (w *world) processAt(m wire.Member) *node {
	if old := w.twinOf(m.ID); old != nil && old.address() == m.Address {
		return old
	}
	return w.nodes[m.ID]
}
