package hashing

import (
	"fmt"
	"testing"
)

func named(n int) []Shard {
	shards := make([]Shard, n)
	for i := range shards {
		shards[i].Name = fmt.Sprintf("s%d", i)
	}
	return shards
}

func BenchmarkMakingARing(b *testing.B) {
	for _, n := range []int{1, 2, 4, 11, 24} {
		b.Run(fmt.Sprintf("%d shards", n), func(b *testing.B) {
			shards := named(n)
			b.ReportAllocs()
			for b.Loop() {
				New(Standard, shards)
			}
		})
	}
}

func BenchmarkPlanningMoves(b *testing.B) {
	from, to := New(Standard, named(10)), New(Standard, named(11))
	b.ReportAllocs()
	for b.Loop() {
		Between(from, to)
	}
}

func BenchmarkFindingAnOwner(b *testing.B) {
	r := New(Standard, named(11))
	for b.Loop() {
		r.Owner(r.Space().Slot(Hash("a key of ordinary length")))
	}
}

func TestEveryShardOwnsItsPartToWithinOneSlot(t *testing.T) {
	for n := 1; n <= 24; n++ {
		r := New(Standard, named(n))
		for i := range n {
			if got, least := len(r.Slots(i)), Standard.Slots()/n; got < least || got > least+1 {
				t.Errorf("shard %d of %d owns %d slots", i, n, got)
			}
		}
	}
}
