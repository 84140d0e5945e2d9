package hashing

import (
	"fmt"
	"slices"
	"testing"
)

func named(n int) []Shard {
	shards := make([]Shard, n)
	for i := range shards {
		shards[i].Name = fmt.Sprintf("s%d", i)
	}
	return shards
}

// counts is how many slots each shard owns.
func counts(r *Ring) []int {
	var list []int
	for i := range r.Len() {
		list = append(list, len(r.Slots(i)))
	}
	return list
}

func TestWithoutShardsNoSlotHasAnOwner(t *testing.T) {
	for _, shards := range [][]Shard{nil, {{Name: "a", Empty: true}}, {{Name: "a", Empty: true}, {Name: "b", Empty: true}}} {
		r := New(Standard, shards)
		for _, slot := range []Slot{0, 1, 16_383} {
			if o, ok := r.Owner(slot); ok || o != Nobody {
				t.Errorf("%v: slot %d belongs to %d", shards, slot, o)
			}
		}
	}
}

func TestASlotThatTheSpaceHasNotHasNoOwner(t *testing.T) {
	r := New(2, named(2))
	for _, slot := range []Slot{4, 1<<32 - 1} {
		if o, ok := r.Owner(slot); ok || o != Nobody {
			t.Errorf("slot %d of 4 belongs to %d", slot, o)
		}
	}
}

func TestAnEmptyShardIsAsGoodAsAbsent(t *testing.T) {
	with, without := named(3), named(2)
	with[2].Empty = true
	r := New(Standard, with)
	if p := Between(New(Standard, without), r); p.Len() != 0 || len(r.Slots(2)) != 0 {
		t.Errorf("an empty shard owns %d slots and moves %d", len(r.Slots(2)), p.Len())
	}
}

func TestOfShardsWithOneNameTheHeaviestStandsForAll(t *testing.T) {
	cases := []struct {
		name   string
		shards []Shard
		owner  int // of all that "a" owns
		like   []Shard
	}{
		{"alike", []Shard{{Name: "a"}, {Name: "b"}, {Name: "a"}}, 0, []Shard{{Name: "a"}, {Name: "b"}}},
		{"the second is heavier", []Shard{{Name: "a"}, {Name: "b"}, {Name: "a", Weight: 3}}, 2, []Shard{{Name: "a", Weight: 3}, {Name: "b"}}},
		{"the heavier is empty", []Shard{{Name: "a"}, {Name: "b"}, {Name: "a", Weight: 3, Empty: true}}, 0, []Shard{{Name: "a"}, {Name: "b"}}},
		{"0 weighs as much as 1", []Shard{{Name: "a"}, {Name: "b"}, {Name: "a", Weight: 1}}, 0, []Shard{{Name: "a"}, {Name: "b"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := New(Standard, c.shards)
			if got := counts(r); got[2-c.owner] != 0 || got[c.owner] == 0 {
				t.Errorf("they own %v", got)
			}
			if p := Between(New(Standard, c.like), r); p.Len() != 0 {
				t.Errorf("%d slots belong to others than if it were listed once", p.Len())
			}
		})
	}
}

func TestWeightsAreHeldWithinTheirBounds(t *testing.T) {
	for weight, as := range map[int]int{-7: 1, 0: 1, 1: 1, MaxWeight: MaxWeight, MaxWeight + 1: MaxWeight, 1 << 62: MaxWeight} {
		a := New(Standard, []Shard{{Name: "a", Weight: weight}, {Name: "b", Weight: 50}})
		b := New(Standard, []Shard{{Name: "a", Weight: as}, {Name: "b", Weight: 50}})
		if p := Between(a, b); p.Len() != 0 {
			t.Errorf("weight %d is not %d: they own %v and %v", weight, as, counts(a), counts(b))
		}
	}
}

func TestShardsThatFindNoSlotOwnNone(t *testing.T) {
	got := counts(New(1, named(5)))
	slices.Sort(got)
	if !slices.Equal(got, []int{0, 0, 0, 1, 1}) {
		t.Errorf("two slots over five shards: %v", got)
	}
}

func BenchmarkMakingARing(b *testing.B) {
	for _, c := range []struct{ shards, weight int }{{1, 1}, {2, 1}, {4, 1}, {11, 1}, {24, 1}, {24, 10}} {
		b.Run(fmt.Sprintf("%d shards of weight %d", c.shards, c.weight), func(b *testing.B) {
			shards := named(c.shards)
			for i := range shards {
				shards[i].Weight = c.weight
			}
			b.ReportAllocs()
			for b.Loop() {
				New(Standard, shards)
			}
		})
	}
}

func BenchmarkFindingAnOwner(b *testing.B) {
	r := New(Standard, named(11))
	b.ReportAllocs()
	for b.Loop() {
		r.Owner(r.Space().Slot(Hash("a key of ordinary length")))
	}
}
