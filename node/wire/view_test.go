package wire

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/google/go-cmp/cmp"
)

var (
	n1 = Member{ID: 1, Address: "a:8081"}
	n2 = Member{ID: 2, Address: "b:8081"}
	n3 = Member{ID: 3, Address: "c:8081", Bus: "c:4000"}
)

func TestLayoutsThatListTheSameAreEqual(t *testing.T) {
	sorted := Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1, n3}}, {Name: "s2", Members: []Member{n2}}}}
	moved := n2
	moved.Address = "b:9999"
	rewired := n3
	rewired.Bus = ""
	for _, c := range []struct {
		name  string
		other Layout
		want  bool
	}{
		{"itself", sorted, true},
		{"another order", Layout{Shards: []Shard{{Name: "s2", Members: []Member{n2}}, {Name: "s1", Members: []Member{n3, n1}}}}, true},
		{"shown flat", Layout{Flat: true, Shards: sorted.Shards}, true},
		{"another shard name", Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1, n3}}, {Name: "s3", Members: []Member{n2}}}}, false},
		{"a node in another shard", Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1}}, {Name: "s2", Members: []Member{n2, n3}}}}, false},
		{"a shard less", Layout{Shards: sorted.Shards[:1]}, false},
		{"a node at another address", Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1, n3}}, {Name: "s2", Members: []Member{moved}}}}, false},
		{"a node with another bus", Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1, rewired}}, {Name: "s2", Members: []Member{n2}}}}, false},
		{"nothing", Layout{}, false},
	} {
		if got := sorted.Equal(c.other.Canonical()); got != c.want {
			t.Errorf("%s: Equal is %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCanonicalSortsShardsByNameAndMembersByID(t *testing.T) {
	got := Layout{Flat: true, Shards: []Shard{{Name: "z", Members: []Member{n3, n1}}, {Name: "", Members: []Member{n2}}}}.Canonical()
	want := Layout{Flat: true, Shards: []Shard{{Name: "", Members: []Member{n2}}, {Name: "z", Members: []Member{n1, n3}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALayoutListsAndFindsItsMembers(t *testing.T) {
	l := Layout{Shards: []Shard{{Name: "s1", Members: []Member{n1, n3}}, {Name: "s2", Members: []Member{n2}}}}
	members := l.Members()
	if diff := cmp.Diff([]Member{n1, n2, n3}, members); diff != "" {
		t.Errorf("Members (-want +got):\n%s", diff)
	}
	members[0].Address = "elsewhere"
	if m, ok := l.Find(1); !ok || m != n1 {
		t.Errorf("Find(1) = %v, %v after a change to what Members returned; want %v", m, ok, n1)
	}
	if m, ok := l.Find(2); !ok || m != n2 {
		t.Errorf("Find(2) = %v, %v; want %v", m, ok, n2)
	}
	if m, ok := l.Find(4); ok {
		t.Errorf("Find(4) = %v; nobody has that id", m)
	}
}

func TestThePrimaryIsTheLowestID(t *testing.T) {
	v := View{Layout: Layout{Shards: []Shard{{Name: "a", Members: []Member{n3}}, {Name: "b", Members: []Member{n2}}}}}
	if id, ok := v.Primary(); id != 2 || !ok {
		t.Errorf("Primary = %d, %v; want 2", id, ok)
	}
	if !v.Has(3) || v.Has(1) {
		t.Errorf("Has(3) = %v, Has(1) = %v; want true, false", v.Has(3), v.Has(1))
	}
	if id, ok := (&View{}).Primary(); ok {
		t.Errorf("a view without members has primary %d", id)
	}
}

func TestAViewDescendsFromItsAncestorsAlone(t *testing.T) {
	v := View{
		ID:        ids.View{Number: 3, Author: 1, Boot: 5},
		Ancestors: []Ancestor{{View: ids.View{Number: 1, Author: 1, Boot: 5}}, {View: ids.View{Number: 2, Author: 1, Boot: 5}, Renewed: 3}, {View: ids.View{Number: 2, Author: 2, Boot: 6}}},
	}
	for _, a := range v.Ancestors {
		if !v.Descends(a.View) || !v.Replaces(&View{ID: a.View, Renewed: a.Renewed}) || v.Replaces(&View{ID: a.View, Renewed: a.Renewed + 1}) {
			t.Errorf("does not descend from %v", a)
		}
	}
	for _, other := range []ids.View{{}, v.ID, {Number: 2, Author: 1, Boot: 6}, {Number: 1, Author: 2, Boot: 5}, {Number: 4, Author: 1, Boot: 5}} {
		if v.Descends(other) {
			t.Errorf("descends from %v", other)
		}
	}
}

func TestAnotherIncarnationOfANodeWasNotSeen(t *testing.T) {
	v := View{Saw: []Sighting{{Node: 1, Inc: 10}, {Node: 2, Inc: 20}}}
	for _, c := range []struct {
		node ids.Node
		inc  ids.Incarnation
		want bool
	}{{1, 10, true}, {2, 20, true}, {2, 10, false}, {1, 11, false}, {3, 10, false}, {3, 0, false}} {
		if got := v.SawIncarnation(c.node, c.inc); got != c.want {
			t.Errorf("SawIncarnation(%d, %d) = %v, want %v", c.node, c.inc, got, c.want)
		}
	}
}
