package loss

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// forgotten is a node that an operator has given up (docs/causal.md §10.1). It stays on the list
// in later views, until a view has the node as a member or source.
type forgotten struct {
	wire.Forgotten      // the node, and the view in which the order was given
	ended          bool // an inquiry has ended since: the streams of all boots of the node are over
}

// Forget notes that an operator has given up a node, in a view. It reports false if the same
// order was carried out before, or if too many nodes are forgotten: no cluster is expected to
// lose so many. The caller begins an inquiry.
func (l *Boots) Forget(f wire.Forgotten) bool {
	if l.Told(f) || len(l.given) >= MaxForgotten && !l.Forgotten(f.Node) {
		return false
	}
	l.given[f.Node] = &forgotten{Forgotten: f}
	return true
}

// Told reports that an order to forget a node was carried out.
func (l *Boots) Told(f wire.Forgotten) bool {
	x := l.given[f.Node]
	return x != nil && x.View == f.View
}

// Forgotten reports that a node is forgotten.
func (l *Boots) Forgotten(id ids.Node) bool { return l.given[id] != nil }

// GivenUp reports that a node is forgotten, and that an inquiry has ended since.
func (l *Boots) GivenUp(id ids.Node) bool {
	f := l.given[id]
	return f != nil && f.ended
}

// GiveUp notes that an inquiry has ended since the node was forgotten.
func (l *Boots) GiveUp(id ids.Node) { l.given[id].ended = true }

// Readmit ends the forgetting of a node: a view has it as a member or source.
func (l *Boots) Readmit(id ids.Node) { delete(l.given, id) }

// ForgottenList are the forgotten nodes that DigestRequest and Digest tell, ascending.
func (l *Boots) ForgottenList() []wire.Forgotten {
	if len(l.given) == 0 {
		return nil
	}
	list := make([]wire.Forgotten, 0, len(l.given))
	for _, f := range l.given { //maporder:ok put in order below
		list = append(list, f.Forgotten)
	}
	slices.SortFunc(list, func(a, b wire.Forgotten) int { return int(a.Node) - int(b.Node) })
	return list
}
