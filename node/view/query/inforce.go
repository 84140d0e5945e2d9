package query

import (
	"github.com/cohortkv/cohort/node/wire"
)

// InForce returns the view under which the list is in force already, or soon will be; nil: the
// list needs a new view (docs/views.md §2, rule 2). It is the highest view with this list that a
// node holds, if each node that answered holds it or may follow it. blank says that this node
// has no history.
func (q *Query) InForce(blank bool) *wire.View {
	if q.Force {
		return nil
	}
	best := q.highest()
	if best == nil {
		return nil
	}
	if !q.Listed {
		return q.inForceOutside(best, blank)
	}
	if q.held.ID() != best.ID && !q.held.MayFollow(best) {
		return nil
	}
	for m := range q.Answers {
		if !m.follows(best) && q.related(m, best.Births) {
			return nil
		}
	}
	return best
}

// inForceOutside is InForce at a node that the list does not name. All members must have
// answered with this list, and one of them must have this node's data.
func (q *Query) inForceOutside(best *wire.View, blank bool) *wire.View {
	knows := blank
	for m := range q.Answers {
		if !m.Reply.Present || !m.Reply.View.Layout.Equal(q.List) {
			return nil
		}
		knows = knows || m.Reply.Knows
	}
	if !q.Complete() || !knows || best.ID.Compare(q.held.ID()) < 0 {
		return nil // a promise never goes back, not even outside (I2)
	}
	return best
}

// highest returns the view with the list of the PUT that has the highest id, among those held
// here and by the members that answered; nil: none has this list.
func (q *Query) highest() *wire.View {
	var best *wire.View
	if q.held.Lists(q.List) {
		best = q.held.View()
	}
	for m := range q.Answers {
		same := m.Reply.Present && m.Reply.View.Layout.Equal(q.List)
		if same && (best == nil || m.Reply.View.ID.Compare(best.ID) > 0) {
			best = &m.Reply.View
		}
	}
	return best
}

// follows reports whether a node that answered holds v, or may follow v over the bus. It is
// held.View.MayFollow as the author sees it.
func (m *Member) follows(v *wire.View) bool {
	if !m.Reply.Present {
		return v.SawIncarnation(m.ID, m.Inc)
	}
	theirs := &m.Reply.View
	if theirs.ID == v.ID {
		return true
	}
	same := theirs.Layout.Equal(v.Layout) && !v.SawAnother(m.ID, m.Inc)
	return theirs.ID.Compare(v.ID) < 0 && (same || v.Replaces(theirs) && wire.Kin(v.Births, theirs.Births))
}
