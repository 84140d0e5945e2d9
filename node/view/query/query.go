// Package query is the question of one PUT /view to the members of its list (docs/views.md §2).
// The answers say whether the list is in force already, whether data is lost, and whether this
// node's id belongs to another process.
//
// Nothing here sends, and nothing decides when the query is over. The caller records what comes.
package query

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/wire"
)

// Query is what one PUT asks, and what it has learned of the members of its list.
type Query struct {
	List    wire.Layout // canonical
	Force   bool        // every answer counts, and the list gets a new view
	Listed  bool        // List has this node
	Members []Member    // those of List without this node, ascending by id
	Heard   int         // number of members that have answered

	held *held.View
}

// Member is what a PUT has learned of one member.
type Member struct {
	ID       ids.Node
	Inc      ids.Incarnation  // of the answer
	Reply    *wire.QueryReply // the member's answer; nil: none has come
	Accepted bool             // the member holds the view of the PUT
	Foreign  bool             // the member is of another cluster, and does not follow
}

// New returns the query for a list, without answers.
func New(h *held.View, list wire.Layout, force bool) *Query {
	q := &Query{List: list, Force: force, held: h}
	for _, m := range list.Members() {
		if m.ID == h.Self() {
			q.Listed = true
		} else {
			q.Members = append(q.Members, Member{ID: m.ID})
		}
	}
	return q
}

// Member returns what is known of a member; nil: this node, or no member.
func (q *Query) Member(id ids.Node) *Member {
	i, ok := slices.BinarySearchFunc(q.Members, id, func(m Member, id ids.Node) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return nil
	}
	return &q.Members[i]
}

// Answers yields the members that have answered, ascending by id.
func (q *Query) Answers(yield func(*Member) bool) {
	for i := range q.Members {
		if m := &q.Members[i]; m.Reply != nil && !yield(m) {
			return
		}
	}
}

// Record records the first answer of a member, if it can be true; false: it is none.
func (q *Query) Record(h wire.Header, r *wire.QueryReply) bool {
	m := q.Member(h.From)
	if m == nil || m.Reply != nil || !q.held.Credible(r) {
		return false
	}
	m.Inc, m.Reply = h.Inc, r
	q.Heard++
	return true
}

// Complete reports whether all members have answered.
func (q *Query) Complete() bool { return q.Heard == len(q.Members) }

// Unaccepted forgets which members hold the view, because the view has a new id.
func (q *Query) Unaccepted() {
	for i := range q.Members {
		q.Members[i].Accepted = false
	}
}

// AcceptedByAll reports whether every member that answered holds the view.
func (q *Query) AcceptedByAll() bool {
	for m := range q.Answers {
		if !m.Accepted {
			return false
		}
	}
	return true
}

// OnlyForeign reports whether only members of other clusters lack the view, and there are some.
func (q *Query) OnlyForeign() bool {
	foreign := 0
	for i := range q.Members {
		switch {
		case q.Members[i].Foreign:
			foreign++
		case !q.Members[i].Accepted:
			return false
		}
	}
	return foreign > 0
}

// IDTaken returns a member that says that another process is the node of this id in the list
// (docs/views.md §3.5, rules 4 and 6); false: none says so.
func (q *Query) IDTaken() (ids.Node, bool) {
	if q.held.View() == nil || !q.Listed {
		return 0, false
	}
	mine, _ := q.List.Find(q.held.Self())
	for m := range q.Answers {
		if q.held.IDTaken(mine, m.Reply) {
			return m.ID, true
		}
	}
	return 0, false
}

// Renewals returns how often the held view was renewed, as far as the members that hold it know.
func (q *Query) Renewals() (most uint64) {
	for m := range q.Answers {
		if m.Reply.Present && m.Reply.View.ID == q.held.ID() {
			most = max(most, m.Reply.View.Renewed)
		}
	}
	return most
}
