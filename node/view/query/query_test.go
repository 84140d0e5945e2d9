package query

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/wire"
)

func layout(members ...ids.Node) wire.Layout {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, id := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: id, Address: "h:1"})
	}
	return l
}

func id(n uint64, author ids.Node) ids.View {
	return ids.View{Number: n, Author: author, Boot: 5}
}

// ask returns the query of node 2, incarnation 20, for a list, with the answers of some members.
// The incarnation of another node is ten times its id.
func ask(own *wire.View, list wire.Layout, answers map[ids.Node]wire.QueryReply) *Query {
	h := held.New(held.Config{Self: 2, Inc: 20, Boot: 5}, &core.Outbox{})
	if own != nil {
		v := *own
		h.Hold(&v, 0)
	}
	q := New(h, list, false)
	for from, r := range answers {
		q.Record(wire.Header{From: from, Inc: ids.Incarnation(10 * from)}, &r)
	}
	return q
}

// holds is the answer of a node that holds a view.
func holds(v wire.View) wire.QueryReply { return wire.QueryReply{Present: true, View: v} }

func TestOneAnswerOfEachMemberCounts(t *testing.T) {
	q := ask(nil, layout(1, 2, 3), nil)
	if !q.Listed || len(q.Members) != 2 || q.Complete() || q.Member(2) != nil || q.Member(9) != nil {
		t.Fatalf("members %v", q.Members)
	}
	for _, c := range []struct {
		name string
		from ids.Node
		r    wire.QueryReply
		want bool
	}{
		{"of a stranger", 9, wire.QueryReply{}, false},
		{"that cannot be true", 1, wire.QueryReply{Ballot: ids.Ballot{View: id(1, 1)}}, false},
		{"the first", 1, wire.QueryReply{}, true},
		{"the second", 1, wire.QueryReply{}, false},
		{"of the last member", 3, wire.QueryReply{}, true},
	} {
		if got := q.Record(wire.Header{From: c.from}, &c.r); got != c.want {
			t.Errorf("an answer %s: %t", c.name, got)
		}
	}
	if !q.Complete() {
		t.Error("not complete")
	}
}

func TestAListIsInForceIfAllThatAnswerHoldItsViewOrMayFollow(t *testing.T) {
	list := layout(1, 2, 3)
	v := wire.View{ID: id(4, 1), Layout: list, Births: []ids.View{id(1, 1)}, Ancestors: []wire.Ancestor{{View: id(3, 1)}}}
	higher := wire.View{ID: id(5, 1), Layout: list, Births: v.Births}
	before := wire.View{ID: id(3, 1), Layout: layout(1, 3), Births: v.Births}
	renewed := before
	renewed.Renewed = 1
	foreign := wire.View{ID: id(3, 7), Layout: layout(3, 7), Births: []ids.View{id(1, 7)}}
	for _, c := range []struct {
		name    string
		own     *wire.View
		list    wire.Layout
		answers map[ids.Node]wire.QueryReply
		want    ids.View
	}{
		{"all hold it", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(v)}, v.ID},
		{"one is silent", &v, list, map[ids.Node]wire.QueryReply{1: holds(v)}, v.ID},
		{"one holds a view that it replaces", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(before)}, v.ID},
		{"one holds it, renewed since", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(renewed)}, ids.View{}},
		{"one has lost its state", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: {}}, ids.View{}},
		{"one is of another cluster", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(foreign)}, v.ID},
		{"one holds a higher view of the list", &v, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(higher)}, higher.ID},
		{"another list", &v, layout(1, 2), map[ids.Node]wire.QueryReply{1: holds(v)}, ids.View{}},
		{"this node has lost its state", nil, list, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(v)}, ids.View{}},
	} {
		q := ask(c.own, c.list, c.answers)
		var got ids.View
		if v := q.InForce(true); v != nil {
			got = v.ID
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		q.Force = true
		if q.InForce(true) != nil {
			t.Errorf("%s: by force, no new view", c.name)
		}
	}
}

func TestOutsideAListIsInForceIfAllMembersHaveItAndOneHasThisNodesData(t *testing.T) {
	list := layout(1, 3)
	v := wire.View{ID: id(4, 1), Layout: list}
	own := wire.View{ID: id(3, 1), Layout: layout(1, 2, 3)}
	above := wire.View{ID: id(6, 1), Layout: layout(1, 2, 3)}
	knows := holds(v)
	knows.Knows = true
	for _, c := range []struct {
		name    string
		own     *wire.View
		blank   bool
		answers map[ids.Node]wire.QueryReply
		want    bool
	}{
		{"one has its data", &own, false, map[ids.Node]wire.QueryReply{1: holds(v), 3: knows}, true},
		{"none has its data", &own, false, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(v)}, false},
		{"it has no data", &own, true, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(v)}, true},
		{"one is silent", &own, true, map[ids.Node]wire.QueryReply{1: holds(v)}, false},
		{"one holds another list", &own, true, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(own)}, false},
		{"its own view is above", &above, true, map[ids.Node]wire.QueryReply{1: holds(v), 3: holds(v)}, false},
	} {
		if got := ask(c.own, list, c.answers).InForce(c.blank) != nil; got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// TestAnswersArePartedByCluster: births are united until nothing is added, so node 4 is kin
// because of node 3.
func TestAnswersArePartedByCluster(t *testing.T) {
	held := func(n ids.Node, births ...ids.View) wire.QueryReply {
		return holds(wire.View{ID: id(5, n), Layout: layout(n, 90+n), Births: births})
	}
	own := wire.View{ID: id(5, 2), Layout: layout(2), Births: []ids.View{id(1, 1)}}
	same := wire.View{ID: id(5, 2), Layout: layout(1, 91), Births: []ids.View{id(1, 9)}}
	answers := map[ids.Node]wire.QueryReply{
		1: held(1, id(1, 6)), 3: held(3, id(1, 8)), 4: held(4, id(1, 1), id(1, 8)), 5: {},
	}
	for _, c := range []struct {
		name        string
		own         *wire.View
		force       bool
		kin, others []ids.Node
		births      []ids.View
	}{
		{"a member of a cluster", &own, false, []ids.Node{4, 5, 3}, []ids.Node{1}, []ids.View{id(1, 1), id(1, 8)}},
		{"by force", &own, true, []ids.Node{1, 3, 4, 5}, nil, []ids.View{id(1, 1), id(1, 6), id(1, 8)}},
		{"of no cluster, and may join none", nil, false, []ids.Node{5}, []ids.Node{1, 3, 4}, nil},
		{"one holds the list that is held here", &same, false, []ids.Node{1, 5}, []ids.Node{3, 4}, []ids.View{id(1, 6), id(1, 9)}},
	} {
		q := ask(c.own, layout(1, 2, 3, 4, 5), answers)
		q.Force = c.force
		kin, others, births := q.ByCluster()
		if d := cmp.Diff(c.kin, nodes(kin)) + cmp.Diff(c.others, nodes(others)) + cmp.Diff(c.births, births); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func nodes(members []*Member) (all []ids.Node) {
	for _, m := range members {
		all = append(all, m.ID)
	}
	return all
}

// TestANodeWithoutAClusterJoinsThatOfTheLowestNodeWhoseListItKeeps: node 1 would lose node 9.
func TestANodeWithoutAClusterJoinsThatOfTheLowestNodeWhoseListItKeeps(t *testing.T) {
	q := ask(nil, layout(1, 2, 3, 4), map[ids.Node]wire.QueryReply{
		1: holds(wire.View{ID: id(5, 1), Layout: layout(1, 9), Births: []ids.View{id(1, 1)}}),
		3: holds(wire.View{ID: id(5, 3), Layout: layout(3), Births: []ids.View{id(1, 3)}}),
		4: holds(wire.View{ID: id(5, 4), Layout: layout(4), Births: []ids.View{id(1, 4)}}),
	})
	kin, others, births := q.ByCluster()
	if !slices.Equal(nodes(kin), []ids.Node{3}) || !slices.Equal(nodes(others), []ids.Node{1, 4}) || !slices.Equal(births, []ids.View{id(1, 3)}) {
		t.Errorf("kin %v, others %v, births %v", nodes(kin), nodes(others), births)
	}
}

func TestALossIsCertainOnlyIfAllHaveAnswered(t *testing.T) {
	v := wire.View{ID: id(4, 1), Layout: layout(1, 2, 3)}
	next := wire.View{ID: id(5, 1), Layout: layout(1, 2, 3), Ancestors: []wire.Ancestor{{View: v.ID}}}
	data := func(v wire.View) wire.QueryReply {
		r := holds(v)
		r.Data = true
		return r
	}
	expects := func(r wire.QueryReply) wire.QueryReply {
		r.Expects = true
		return r
	}
	none := map[ids.Node]wire.QueryReply{1: {}, 3: {}}
	for _, c := range []struct {
		name    string
		own     Own
		answers map[ids.Node]wire.QueryReply
		want    *core.Loss
	}{
		{"nothing is known of data", Own{}, none, nil},
		{"this node has data", Own{Data: true, HeardIn: v.ID}, none, nil},
		{"data was heard of", Own{HeardIn: v.ID}, none, &core.Loss{View: v.ID}},
		{"a member is silent", Own{HeardIn: v.ID}, map[ids.Node]wire.QueryReply{1: {}}, nil},
		{"a member heard of later data", Own{HeardIn: v.ID}, map[ids.Node]wire.QueryReply{1: {Heard: next.ID}, 3: {}}, &core.Loss{View: next.ID}},
		{"a member has data of that view", Own{HeardIn: v.ID}, map[ids.Node]wire.QueryReply{1: data(v), 3: {}}, nil},
		{"a member has data of a descendant", Own{HeardIn: v.ID}, map[ids.Node]wire.QueryReply{1: data(next), 3: {}}, nil},
		{"a member has data of an earlier view", Own{HeardIn: next.ID}, map[ids.Node]wire.QueryReply{1: data(v), 3: {}}, &core.Loss{View: next.ID}},
		{"data is expected", Own{Expects: true}, map[ids.Node]wire.QueryReply{1: {}, 3: {Expects: true}}, &core.Loss{Expected: []ids.Node{2, 3}}},
		{"one that expects data has some of an earlier view", Own{HeardIn: next.ID}, map[ids.Node]wire.QueryReply{1: expects(data(v)), 3: expects(wire.QueryReply{})}, &core.Loss{View: next.ID, Expected: []ids.Node{3}}},
		{"data is expected, and one has some", Own{Expects: true}, map[ids.Node]wire.QueryReply{1: data(v), 3: {}}, nil},
	} {
		if d := cmp.Diff(c.want, ask(nil, layout(1, 2, 3), c.answers).Loss(c.own)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestAnotherProcessTakesAnIDOnlyInAListThatHasThisNode(t *testing.T) {
	own := wire.View{ID: id(3, 2), Layout: layout(1, 2)}
	twin := holds(wire.View{ID: id(3, 2), Layout: layout(1, 2)})
	twin.Twin = true
	answers := map[ids.Node]wire.QueryReply{1: twin}
	if by, taken := ask(&own, layout(1, 2), answers).IDTaken(); !taken || by != 1 {
		t.Errorf("taken %t, by node %d", taken, by)
	}
	if _, taken := ask(&own, layout(1, 3), answers).IDTaken(); taken {
		t.Error("the list does not have this node")
	}
	if _, taken := ask(nil, layout(1, 2), answers).IDTaken(); taken {
		t.Error("this node holds no view")
	}
}

func TestRenewalsAreThoseOfTheHeldView(t *testing.T) {
	own := wire.View{ID: id(4, 1), Layout: layout(1, 2, 3)}
	renewed, other := own, own
	renewed.Renewed = 3
	other.ID, other.Renewed = id(3, 1), 9
	q := ask(&own, own.Layout, map[ids.Node]wire.QueryReply{1: holds(renewed), 3: holds(other)})
	if got := q.Renewals(); got != 3 {
		t.Errorf("%d renewals, want 3", got)
	}
}

func TestAcceptanceOfAViewIsCounted(t *testing.T) {
	q := ask(nil, layout(1, 2, 3), map[ids.Node]wire.QueryReply{1: {}})
	if q.AcceptedByAll() || q.OnlyForeign() {
		t.Error("nobody has accepted")
	}
	q.Member(1).Accepted = true
	if !q.AcceptedByAll() {
		t.Error("the only member that answered has accepted")
	}
	if q.OnlyForeign() {
		t.Error("node 3 may still be of this cluster")
	}
	q.Member(3).Foreign = true
	if !q.OnlyForeign() {
		t.Error("only node 3 has not accepted")
	}
	q.Unaccepted()
	if q.AcceptedByAll() || q.OnlyForeign() {
		t.Error("the view has a new id")
	}
}
