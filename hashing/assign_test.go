package hashing

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Tests of properties that always hold; rapid draws the names. Properties that hold
// with a probability are tested in spread_test.go, under fixed seeds.

func shardsOf(names []string) []Shard {
	shards := make([]Shard, len(names))
	for i, n := range names {
		shards[i].Name = n
	}
	return shards
}

// anyShards draws shards with any distinct names and, if heavy, any weights.
func anyShards(most int, heavy bool) *rapid.Generator[[]Shard] {
	return rapid.Custom(func(t *rapid.T) []Shard {
		shards := shardsOf(rapid.SliceOfNDistinct(rapid.String(), 1, most, rapid.ID).Draw(t, "names"))
		for i := range shards {
			if heavy {
				shards[i].Weight = rapid.IntRange(0, 9).Draw(t, "weight")
			}
		}
		return shards
	})
}

// TestEveryShardOwnsItsPartToWithinABound compares the counts with arithmetic that
// does not round: a part is slots·weight/sum.
func TestEveryShardOwnsItsPartToWithinABound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := rapid.SampledFrom([]Space{0, 2, 7, Standard, MaxSpace}).Draw(t, "space")
		shards := anyShards(24, rapid.Bool().Draw(t, "heavy")).Draw(t, "shards")
		r := New(space, shards)
		sum := 0
		for _, s := range shards {
			sum += max(s.Weight, 1)
		}
		for i, s := range shards {
			got, part := len(r.Slots(i))*sum, space.Slots()*max(s.Weight, 1) // both times sum
			if off := max(got-part, part-got); slack*off >= part+slack*sum {
				t.Errorf("%q with weight %d of %d owns %d slots of %d: more than 1/%d and one slot from its part",
					s.Name, s.Weight, sum, got/sum, space.Slots(), slack)
			}
		}
	})
}

// TestPartsAreEvenToWithinAHundredth tests the documented promise for equal shards:
// within ±1 % of the mean, up to 24 shards.
func TestPartsAreEvenToWithinAHundredth(t *testing.T) {
	all := Standard.Slots()
	for n := 1; n <= 24; n++ {
		for i, got := range counts(New(Standard, named(n))) {
			if off := max(got*n-all, all-got*n); 100*off > all {
				t.Errorf("shard %d of %d owns %d slots of %d", i, n, got, all)
			}
		}
	}
}

func TestASpaceOfFourSlotsIsDealtOutEvenly(t *testing.T) {
	for n := 1; n <= 6; n++ {
		r, counts := New(2, named(n)), map[int]int{}
		for i := range n {
			counts[len(r.Slots(i))]++
		}
		least := 4 / n
		if counts[least]+counts[least+1] != n {
			t.Errorf("four slots over %d shards: shards by number of slots %v", n, counts)
		}
	}
}

func TestEverySlotHasOneOwnerWhoListsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := Space(rapid.IntRange(0, 10).Draw(t, "space"))
		r := New(space, anyShards(40, true).Draw(t, "shards"))
		listed := 0
		for i := range r.Len() {
			if !slices.IsSorted(r.Slots(i)) {
				t.Errorf("shard %d lists %v", i, r.Slots(i))
			}
			for _, slot := range r.Slots(i) {
				if o, ok := r.Owner(slot); !ok || o != i {
					t.Errorf("shard %d lists slot %d of shard %d", i, slot, o)
				}
			}
			listed += len(r.Slots(i))
		}
		if listed != space.Slots() {
			t.Errorf("%d of %d slots are listed", listed, space.Slots())
		}
	})
}

// TestTheOrderOfShardsMeansNothing lists the same shards in another order, some of
// them more than once.
func TestTheOrderOfShardsMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := Space(rapid.IntRange(0, 10).Draw(t, "space"))
		shards := anyShards(24, true).Draw(t, "shards")
		again := rapid.SliceOf(rapid.SampledFrom(shards)).Draw(t, "listed twice")
		other := rapid.Permutation(append(slices.Clone(shards), again...)).Draw(t, "other order")
		if p := Between(New(space, shards), New(space, other)); p.Len() != 0 {
			t.Errorf("%d slots have another owner: %v", p.Len(), p)
		}
	})
}

// TestAssignmentIsDeferredAcceptance compares assign with the algorithm of Gale and
// Shapley. There, slots come in any order, and each asks the shard that scores it
// highest. A shard keeps the best of the slots that asked it, and rejects the rest,
// which ask their next shard. This ends when no slot asks any more. The result must
// be the same as the result of assign, in every order.
func TestAssignmentIsDeferredAcceptance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := Space(rapid.IntRange(0, 8).Draw(t, "space"))
		shards := anyShards(6, true).Draw(t, "shards")
		order := rapid.Permutation(slotsOf(space)).Draw(t, "order")
		want := deferred(space, shards, order)
		r := New(space, shards)
		for slot := range Slot(space.Slots()) {
			if o, _ := r.Owner(slot); o != want[slot] {
				t.Errorf("slot %d belongs to %d, deferred acceptance says %d", slot, o, want[slot])
			}
		}
	})
}

func slotsOf(space Space) []Slot {
	list := make([]Slot, space.Slots())
	for i := range list {
		list[i] = Slot(i)
	}
	return list
}

// asked is a slot that asks a shard.
type asked struct {
	slot  Slot
	shard int
	score uint64
}

func deferred(space Space, shards []Shard, order []Slot) map[Slot]int {
	var kept []asked
	wishes := map[Slot][]asked{}
	for _, slot := range order {
		wishes[slot] = wishesOf(slot, shards)
	}
	for len(order) > 0 {
		slot := order[0]
		order = order[1:]
		kept = append(kept, wishes[slot][0])
		wishes[slot] = wishes[slot][1:]
		var away []Slot
		kept, away = choose(space, shards, kept)
		order = append(order, away...)
	}
	owners := map[Slot]int{}
	for _, k := range kept {
		owners[k.slot] = k.shard
	}
	return owners
}

// wishesOf lists shards by the best score that they give a slot, the highest first.
func wishesOf(slot Slot, shards []Shard) []asked {
	var list []asked
	for i, s := range shards {
		a := asked{slot: slot, shard: i}
		for n := range max(s.Weight, 1) {
			a.score = max(a.score, score(seed(s.Name)+uint64(n)*gamma, salt(slot)))
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b asked) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(shards[a.shard].Name, shards[b.shard].Name))
	})
	return list
}

// choose keeps the best of the slots that asked, as far as the bounds allow.
func choose(space Space, shards []Shard, all []asked) (kept []asked, away []Slot) {
	sum, spare := 0, space.Slots()
	for _, s := range shards {
		sum += max(s.Weight, 1)
	}
	least, most, has := make([]int, len(shards)), make([]int, len(shards)), make([]int, len(shards))
	for i, s := range shards {
		least[i], most[i] = bounds(space.Slots()*max(s.Weight, 1), sum)
		spare -= least[i]
	}
	slices.SortFunc(all, func(a, b asked) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.slot, b.slot)) })
	for _, a := range all {
		switch i := a.shard; {
		case has[i] < least[i]:
		case has[i] < most[i] && spare > 0:
			spare--
		default:
			away = append(away, a.slot)
			continue
		}
		has[a.shard]++
		kept = append(kept, a)
	}
	return kept, away
}
