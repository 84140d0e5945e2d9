package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	n1 = Member{1, "a:8081", ""}
	n2 = Member{2, "b:8081", ""}
	n3 = Member{3, "c:8081", "c:4000"}
)

func TestLayoutsThatListTheSameAreEqual(t *testing.T) {
	sorted := Layout{Shards: []Shard{{"s1", []Member{n1, n3}}, {"s2", []Member{n2}}}}
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
		{"another order", Layout{Shards: []Shard{{"s2", []Member{n2}}, {"s1", []Member{n3, n1}}}}, true},
		{"shown flat", Layout{Flat: true, Shards: sorted.Shards}, true},
		{"another shard name", Layout{Shards: []Shard{{"s1", []Member{n1, n3}}, {"s3", []Member{n2}}}}, false},
		{"a node in another shard", Layout{Shards: []Shard{{"s1", []Member{n1}}, {"s2", []Member{n2, n3}}}}, false},
		{"a shard less", Layout{Shards: sorted.Shards[:1]}, false},
		{"a node at another address", Layout{Shards: []Shard{{"s1", []Member{n1, n3}}, {"s2", []Member{moved}}}}, false},
		{"a node with another bus", Layout{Shards: []Shard{{"s1", []Member{n1, rewired}}, {"s2", []Member{n2}}}}, false},
		{"nothing", Layout{}, false},
	} {
		if got := sorted.Equal(c.other.Canonical()); got != c.want {
			t.Errorf("%s: Equal is %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCanonicalSortsShardsByNameAndMembersByID(t *testing.T) {
	got := Layout{Flat: true, Shards: []Shard{{"z", []Member{n3, n1}}, {"", []Member{n2}}}}.Canonical()
	want := Layout{Flat: true, Shards: []Shard{{"", []Member{n2}}, {"z", []Member{n1, n3}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALayoutListsAndFindsItsMembers(t *testing.T) {
	l := Layout{Shards: []Shard{{"s1", []Member{n1, n3}}, {"s2", []Member{n2}}}}
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
	v := View{Layout: Layout{Shards: []Shard{{"a", []Member{n3}}, {"b", []Member{n2}}}}}
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
		ID:        ViewID{Number: 3, Author: 1, Boot: 5},
		Ancestors: []ViewID{{Number: 1, Author: 1, Boot: 5}, {Number: 2, Author: 1, Boot: 5}, {Number: 2, Author: 2, Boot: 6}},
	}
	for _, a := range v.Ancestors {
		if !v.Descends(a) {
			t.Errorf("does not descend from %v", a)
		}
	}
	for _, other := range []ViewID{{}, v.ID, {Number: 2, Author: 1, Boot: 6}, {Number: 1, Author: 2, Boot: 5}, {Number: 4, Author: 1, Boot: 5}} {
		if v.Descends(other) {
			t.Errorf("descends from %v", other)
		}
	}
}

func TestAnotherIncarnationOfANodeWasNotSeen(t *testing.T) {
	v := View{Saw: []Sighting{{Node: 1, Inc: 10}, {Node: 2, Inc: 20}}}
	for _, c := range []struct {
		node NodeID
		inc  Incarnation
		want bool
	}{{1, 10, true}, {2, 20, true}, {2, 10, false}, {1, 11, false}, {3, 10, false}, {3, 0, false}} {
		if got := v.SawIncarnation(c.node, c.inc); got != c.want {
			t.Errorf("SawIncarnation(%d, %d) = %v, want %v", c.node, c.inc, got, c.want)
		}
	}
}
