package hashing

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ringOf is a ring with given owners, so that its plans are easy to read.
func ringOf(names []string, owners ...int32) *Ring {
	r := &Ring{space: 2, names: names, owners: owners}
	r.group()
	return r
}

func TestAPlanSaysWhatMovesFromWhomToWhom(t *testing.T) {
	ab, ba, none := []string{"a", "b"}, []string{"b", "a"}, []string{}
	cases := []struct {
		name     string
		from, to *Ring
		want     Plan
	}{
		{"nothing changes", ringOf(ab, 0, 0, 1, 1), ringOf(ab, 0, 0, 1, 1), nil},
		{"shards are listed in another order", ringOf(ab, 0, 0, 1, 1), ringOf(ba, 1, 1, 0, 0), nil},
		{"both ways", ringOf(ab, 0, 0, 1, 1), ringOf(ab, 1, 0, 1, 0), Plan{{0, 1, []Slot{0}}, {1, 0, []Slot{3}}}},
		{"a shard is added", ringOf(ab, 0, 0, 1, 1), ringOf([]string{"c", "a", "b"}, 0, 1, 0, 2), Plan{{0, 0, []Slot{0}}, {1, 0, []Slot{2}}}},
		{"a shard is removed", ringOf(ab, 0, 1, 1, 0), ringOf([]string{"b"}, 0, 0, 0, 0), Plan{{0, 0, []Slot{0, 3}}}},
		{"a shard takes another's place", ringOf([]string{"a"}, 0, 0, 0, 0), ringOf([]string{"b"}, 0, 0, 0, 0), Plan{{0, 0, []Slot{0, 1, 2, 3}}}},
		{"the first shard", ringOf(none, -1, -1, -1, -1), ringOf([]string{"a"}, 0, 0, 0, 0), Plan{{Nobody, 0, []Slot{0, 1, 2, 3}}}},
		{"the last shard goes", ringOf(ab, 0, 1, 1, 0), ringOf(none, -1, -1, -1, -1), Plan{{0, Nobody, []Slot{0, 3}}, {1, Nobody, []Slot{1, 2}}}},
		{"nobody then, nobody now", ringOf(none, -1, -1, -1, -1), ringOf(ab, -1, -1, -1, -1), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Between(c.from, c.to)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAShardFindsWhatLeavesItAndWhatArrives(t *testing.T) {
	p := Between(ringOf([]string{"a", "b", "c"}, 0, 0, 1, 2), ringOf([]string{"c", "a"}, 1, 0, 1, 1))
	if d := cmp.Diff([]Move{{0, 0, []Slot{1}}}, slices.Collect(p.Leaving(0))); d != "" {
		t.Error("a loses", d)
	}
	if d := cmp.Diff([]Move{{1, 1, []Slot{2}}, {2, 1, []Slot{3}}}, slices.Collect(p.Arriving(1))); d != "" {
		t.Error("a gains", d)
	}
	if got := p.Len(); got != 3 {
		t.Errorf("%d slots move", got)
	}
	for range p.Arriving(1) {
		break // an iterator must allow that
	}
}

// TestAPlanIsTheDifferenceOfTwoRings carries out a plan, and then the plan back.
func TestAPlanIsTheDifferenceOfTwoRings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := Space(rapid.IntRange(0, 8).Draw(t, "space"))
		names := rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f"})
		one := New(space, shardsOf(rapid.SliceOf(names).Draw(t, "from")))
		other := New(space, shardsOf(rapid.SliceOf(names).Draw(t, "to")))
		now, plan := ownersByName(one), Between(one, other)
		for _, m := range plan {
			for _, slot := range m.Slots {
				if now[slot] != nameOf(one, m.From) || m.From == Nobody && m.To == Nobody {
					t.Errorf("slot %d leaves %s, which does not own it", slot, nameOf(one, m.From))
				}
				now[slot] = nameOf(other, m.To)
			}
		}
		if d := cmp.Diff(ownersByName(other), now); d != "" {
			t.Error(d)
		}
		if back := Between(other, one); back.Len() != plan.Len() {
			t.Errorf("%d slots move there, %d back", plan.Len(), back.Len())
		}
	})
}

func nameOf(r *Ring, shard int) string {
	if shard == Nobody {
		return "nobody"
	}
	return "shard " + r.Name(shard)
}

func ownersByName(r *Ring) []string {
	var names []string
	for slot := range Slot(r.Space().Slots()) {
		o, _ := r.Owner(slot)
		names = append(names, nameOf(r, o))
	}
	return names
}

func BenchmarkPlanningMoves(b *testing.B) {
	from, to := New(Standard, named(10)), New(Standard, named(11))
	b.ReportAllocs()
	for b.Loop() {
		Between(from, to)
	}
}
