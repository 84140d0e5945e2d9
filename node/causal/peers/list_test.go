package peers

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// cast is a List with what it needs.
type cast struct {
	*List
	step      *step.Step
	view      *membership.View
	forgotten map[ids.Node]bool
	reached   int
}

func (c *cast) Silence(ids.Node) wire.Instant { return Silence }
func (c *cast) Reach()                        { c.reached++ }

// node is a node without a view.
func node(self ids.Node) *cast {
	known := catalog.New(3)
	c := &cast{step: step.New(wire.NodeBoot{Node: self, Boot: 1}, &core.Outbox{}), forgotten: map[ids.Node]bool{}}
	c.view = membership.New(self, &known, func() bool { return false })
	c.List = New(c.step, c.view, c, func(id ids.Node) bool { return c.forgotten[id] })
	c.step.SetNow(wire.Second)
	return c
}

// view is a view of two shards, with sources.
func view(number uint64, a, b []ids.Node, sources ...ids.Node) *wire.View {
	of := func(list []ids.Node) (all []wire.Member) {
		for _, id := range list {
			all = append(all, wire.Member{ID: id})
		}
		return all
	}
	v := &wire.View{ID: ids.View{Number: number}, Sources: of(sources)}
	v.Layout.Shards = []wire.Shard{{Name: "a", Members: of(a)}, {Name: "b", Members: of(b)}}
	if number > 1 {
		v.Ancestors = []wire.Ancestor{{View: ids.View{Number: number - 1}}}
	}
	return v
}

// adopt makes v the view of the node.
func (c *cast) adopt(v *wire.View) {
	old := c.view.Held()
	c.view.Adopt(v, c.step.Now())
	c.Meet(old, v)
}

// all are the ids for which a predicate holds.
func (c *cast) all(holds func(*Peer) bool) []ids.Node { return c.where(holds) }

func is(got []ids.Node, want ...ids.Node) bool { return slices.Equal(got, want) }

func memberIDs(list []wire.Member) (all []ids.Node) {
	for _, m := range list {
		all = append(all, m.ID)
	}
	return all
}

func former(p *Peer) bool { return p.Former }
func guest(p *Peer) bool  { return p.Guest }

func TestTheOtherMembersArePeers(t *testing.T) {
	c := node(2)
	c.adopt(view(1, []ids.Node{1, 2, 3}, []ids.Node{4}))
	if !is(c.Members(), 1, 3, 4) || !is(c.Replicas(), 1, 3) || c.Get(2) != nil || c.HasFormer() {
		t.Errorf("members %v, replicas %v, former members %t", c.Members(), c.Replicas(), c.HasFormer())
	}
}

// TestANodeThatMayHaveDataStaysAPeer is the first half of I25's *former member that the owners know*.
func TestANodeThatMayHaveDataStaysAPeer(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1, 2}, []ids.Node{3, 5}))
	c.forgotten[5] = true
	c.adopt(view(2, []ids.Node{1}, []ids.Node{4}, 7, 3))
	if !is(c.all(former), 2) || !is(c.all(guest), 3, 7) || !c.HasFormer() || !c.step.Change.AlumniSet {
		t.Errorf("former members %v, guests %v", c.all(former), c.all(guest))
	}
	if got := memberIDs(c.Dialled()); !is(got, 2, 3, 7) {
		t.Errorf("dialled are %v", got)
	}
	c.adopt(view(3, []ids.Node{1}, []ids.Node{2}))
	if !is(c.all(former), 3, 4, 7) {
		t.Errorf("in the next view former members are %v", c.all(former))
	}
}

func TestANodeOutsideItsViewRemembersWithWhomItWas(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1, 2}, []ids.Node{3}))
	c.adopt(view(2, []ids.Node{2}, []ids.Node{4}))
	if got := memberIDs(c.Dialled()); c.HasFormer() || !is(got, 2, 3) || !c.Known(3) || !c.Known(4) || c.Known(9) {
		t.Errorf("outside it dials %v, former members %t", got, c.HasFormer())
	}
	if got := memberIDs(c.FormerFor(ids.View{Number: 2})); !is(got, 3) {
		t.Errorf("it tells members of %v", got)
	}
	if got := memberIDs(c.FormerFor(ids.View{Number: 9})); !is(got, 3, 2, 4) {
		t.Errorf("it tells others of %v", got)
	}
	c.adopt(view(3, []ids.Node{1}, []ids.Node{2}))
	if !is(c.all(former), 3, 4) {
		t.Errorf("back in a view it asks %v", c.all(former))
	}
}

func TestWhomHearsayMakesAFormerMember(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1, 2}, []ids.Node{3}))
	c.adopt(view(2, []ids.Node{1}, []ids.Node{3}))
	c.forgotten[6] = true
	if gone := c.RemoveDrained(func(*Peer) bool { return true }); len(gone) != 1 || gone[0].ID != 2 || c.Get(3) == nil {
		t.Fatalf("drained are %v", gone)
	}
	for _, r := range []struct {
		name string
		id   ids.Node
		new  bool
	}{
		{"this node", 1, false},
		{"drained", 2, false},
		{"a member", 3, false},
		{"forgotten", 6, false},
		{"not known", 7, true},
		{"once more", 7, false},
	} {
		d := &wire.Digest{Former: []wire.Member{{ID: r.id}}}
		if got := c.TellsOfOthers(d); got != r.new {
			t.Errorf("%s: a parted node %t", r.name, got)
		}
		if p := c.HearOfFormer(wire.Member{ID: r.id}); (p != nil) != r.new {
			t.Errorf("%s: new %t", r.name, p != nil)
		}
	}
	for id := range ids.Node(maxPeers) {
		c.HearOfFormer(wire.Member{ID: 100 + id})
	}
	if n := len(c.All()); n != maxPeers {
		t.Errorf("%d peers", n)
	}
}

func TestOnlyASourceBecomesAGuest(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1}, []ids.Node{3}, 7))
	c.Forget(7)
	for _, r := range []struct {
		name string
		from ids.Node
		ok   bool
	}{{"a stranger", 9, false}, {"a member", 3, false}, {"a source", 7, true}, {"a guest already", 7, false}} {
		if p := c.Guest(wire.Header{From: r.from, Boot: 5}); (p != nil) != r.ok {
			t.Errorf("%s: %t", r.name, p != nil)
		}
	}
	if p := c.Get(7); p == nil || p.Boot != 5 {
		t.Errorf("%+v", p)
	}
}

func TestAPartedFormerMemberIsLeftAloneUntilItComesBack(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1, 2}, []ids.Node{3}))
	c.adopt(view(2, []ids.Node{1}, []ids.Node{3}))
	p, member := c.Get(2), c.Get(3)
	p.NoteMessage(c.step.Now())
	c.Part(member)
	if c.Part(p); !p.Apart || member.Apart || c.Reachable(p) || len(c.Dialled()) != 0 || c.reached != 1 || !c.HasFormer() {
		t.Errorf("parted: %+v", p)
	}
	if c.Rejoin(p, ids.View{Number: 8}); !p.Apart {
		t.Error("a view of another group ends the parting")
	}
	if c.Rejoin(p, ids.View{Number: 1}); p.Apart || !c.Reachable(p) || c.reached != 2 || c.step.Next() != c.step.Now() {
		t.Errorf("back: %+v", p)
	}
}

func TestWhatAllMembersMustHaveSaid(t *testing.T) {
	c := node(1)
	c.adopt(view(1, []ids.Node{1, 2}, []ids.Node{3}))
	hello := func(id ids.Node, ready bool) { c.Get(id).NoteHello(c.step.Now(), ids.Boot(id), ready) }
	hello(2, true)
	if hello(3, false); c.AllReady() || !c.HearsFrom(wire.NodeBoot{Node: 3, Boot: 3}) || c.HearsFrom(wire.NodeBoot{Node: 3, Boot: 4}) {
		t.Error("a member that is not ready is, or is not heard in its boot")
	}
	if hello(3, true); !c.AllReady() {
		t.Error("all members are ready")
	}
	two, three := []wire.NodeBoot{{Node: 2, Boot: 2}}, []wire.NodeBoot{{Node: 3, Boot: 3}}
	if !c.AllAcked(two, three) || c.AllAcked(two) || c.AllAcked(two, []wire.NodeBoot{{Node: 3, Boot: 4}}) {
		t.Error("not every member, in its present boot, is in one of the lists")
	}
	if c.step.SetNow(10 * wire.Second); c.AllReady() || c.HearsFrom(two[0]) {
		t.Error("a silent member is ready")
	}
}
