package peers

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxPeers bounds the peers. Beyond it no former member is added by hearsay (docs/causal.md
// §12, rule 6).
const maxPeers = 4096

// Views is what a List needs of package view.
type Views interface {
	// Silence is the time after which a member without hellos counts as silent.
	Silence(ids.Node) wire.Instant
	// Reach is called when the answer of Dialled has changed, so that the node dials the nodes
	// in that list, and no others outside its view.
	Reach()
}

// List has the peers of the present view, and the nodes of earlier views that this node must
// remember while it is outside its view. A node leaves the list with the view, when it is drained,
// or when an operator forgets it: otherwise a version that only it has would be held by no node
// that the owners know (I25).
type List struct {
	step      *step.Step
	view      *membership.View
	views     Views
	forgotten func(ids.Node) bool // an operator has given up the node

	list    []*Peer       // members, former members and guests; ascending by id, each id once
	outside []wire.Member // members and former members of earlier views; empty while this node is a member
	drained []ids.Node    // former members that were drained in this view; hearsay does not bring them back
}

// New returns an empty list.
func New(s *step.Step, v *membership.View, views Views, forgotten func(ids.Node) bool) *List {
	return &List{step: s, view: v, views: views, forgotten: forgotten}
}

// All are the peers, ascending by id. A caller that may add or remove peers goes through a copy.
func (l *List) All() []*Peer { return l.list }

// Get finds a peer by id; nil: the node is none.
func (l *List) Get(id ids.Node) *Peer {
	i, ok := slices.BinarySearchFunc(l.list, id, func(p *Peer, id ids.Node) int {
		switch {
		case p.ID < id:
			return -1
		case p.ID > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return l.list[i]
}

// add adds a peer that is not listed yet, in the order of ids.
func (l *List) add(p *Peer) {
	i, _ := slices.BinarySearchFunc(l.list, p.ID, func(p *Peer, id ids.Node) int { return cmp.Compare(p.ID, id) })
	l.list = slices.Insert(l.list, i, p)
}

// Known reports that a node is a peer, or was a member or former member before
// this node came to a view without itself. Knowledge of views counts from no other node.
func (l *List) Known(id ids.Node) bool {
	return l.Get(id) != nil || slices.ContainsFunc(l.outside, func(m wire.Member) bool { return m.ID == id })
}

// Reachable reports that a peer is worth waiting for (docs/causal.md §1.3, rules 3 and 4).
func (l *List) Reachable(p *Peer) bool {
	return !p.Apart && p.Reachable(l.step.Now(), l.view.Since())
}

// Members are the other members of the view.
func (l *List) Members() []ids.Node { return l.where(func(p *Peer) bool { return p.Member }) }

// Replicas are the other members of this node's shard.
func (l *List) Replicas() []ids.Node { return l.where(func(p *Peer) bool { return p.Replica }) }

// where are the peers for which a predicate holds.
func (l *List) where(holds func(*Peer) bool) (list []ids.Node) {
	for _, p := range l.list {
		if holds(p) {
			list = append(list, p.ID)
		}
	}
	return list
}

// AllReady reports that all other members are in this view, are not silent, and say that their
// slots are ready.
func (l *List) AllReady() bool {
	return !slices.ContainsFunc(l.list, func(p *Peer) bool { return p.Member && !(p.Greets(l.step.Now()) && p.Ready) })
}

// AllAcked reports that every other member, in its known boot, is in one of some lists.
// Members of this node's shard count, too. They own the same slots, but this node's copy is
// not theirs.
func (l *List) AllAcked(lists ...[]wire.NodeBoot) bool {
	for _, p := range l.list {
		boot := wire.NodeBoot{Node: p.ID, Boot: p.Boot}
		if p.Member && !slices.ContainsFunc(lists, func(list []wire.NodeBoot) bool { return slices.Contains(list, boot) }) {
			return false
		}
	}
	return true
}

// HearsFrom reports that a hello has just come from a node in a boot.
func (l *List) HearsFrom(boot wire.NodeBoot) bool {
	p := l.Get(boot.Node)
	return p != nil && p.Boot == boot.Boot && p.Greets(l.step.Now())
}

// Reach has the nodes outside the view dialled that Dialled lists now.
func (l *List) Reach() { l.views.Reach() }

// Dialled lists the nodes outside the view that this node must reach, with their last known
// addresses: former members that are not parted, and guests. While this node is outside its
// view itself, the list has the nodes of its earlier views: they may take its data.
func (l *List) Dialled() []wire.Member {
	var list []wire.Member
	for _, p := range l.list {
		if p.Former && !p.Apart || p.Guest {
			list = append(list, p.At)
		}
	}
	return append(list, l.outside...)
}

// Persist has the list of former members written with the other changes of this step.
func (l *List) Persist() { l.step.Change.Alumni, l.step.Change.AlumniSet = l.Former(), true }
