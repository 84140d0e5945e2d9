package query

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/wire"
)

// ByCluster splits the answers into those of this cluster and those of others
// (docs/views.md §2.1). The new view replaces only the views of kin. births are the first views
// that the new view descends from; empty: the new view is the first of a cluster.
func (q *Query) ByCluster() (kin, others []*Member, births []ids.View) {
	births = q.held.Births()
	if len(births) == 0 {
		births = q.clusterToJoin()
	}
	for m := range q.Answers {
		others = append(others, m)
	}
	for again := true; again; {
		again = false
		strangers := others[:0]
		for _, m := range others {
			if !q.related(m, births) {
				strangers = append(strangers, m)
				continue
			}
			kin = append(kin, m)
			if more := ancestry.MergeBirths(births, m.Reply.View.Births); len(more) > len(births) {
				births, again = more, true
			}
		}
		others = strangers
	}
	return kin, others, births
}

// related reports whether an answer counts for a cluster with these births. It does if its node
// is of no cluster, or descends from one of the births, or holds the list of this PUT or of the
// view held here: an operator has put such a list. With force every answer counts.
func (q *Query) related(m *Member, births []ids.View) bool {
	theirs := &m.Reply.View
	switch {
	case !m.Reply.Present, len(theirs.Births) == 0, q.Force:
		return true
	case len(births) > 0 && wire.Kin(births, theirs.Births):
		return true
	}
	return theirs.Layout.Equal(q.List) || len(theirs.Layout.Members()) > 0 && q.held.Lists(theirs.Layout)
}

// clusterToJoin returns the births of the cluster that an author without a cluster joins; nil:
// none. It is the cluster of the lowest node whose list ancestry.MayReplace allows: the author
// was in that list before it lost its state, or the new list only adds members.
func (q *Query) clusterToJoin() []ids.View {
	for m := range q.Answers {
		r := m.Reply
		if r.Present && len(r.View.Births) > 0 && ancestry.MayReplace(q.held.Self(), &q.List, &r.View.Layout) {
			return r.View.Births
		}
	}
	return nil
}
