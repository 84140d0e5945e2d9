package hashing

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// Move is the list of all slots, ascending, that go from one shard to another.
type Move struct {
	From  int // in the earlier ring, or Nobody
	To    int // in the later ring, or Nobody
	Slots []Slot
}

// Plan is the difference between two rings. It has one Move for each pair of shards
// between which slots move, ordered by From, then To. Slots that are in no Move
// stay with their shard.
type Plan []Move

// Between is the plan from one ring to another over the same space. Shards with the
// same name are the same shard, even if their indexes differ.
func Between(from, to *Ring) Plan {
	if from.space != to.space {
		panic(fmt.Sprintf("hashing: a plan between spaces of %d and %d bits", from.space, to.space))
	}
	same := to.owning(from.names)
	index := map[[2]int32]int{} // in the plan, by owners before and after
	var plan Plan
	for slot, was := range from.owners {
		is := to.owners[slot]
		if was == Nobody && is == Nobody || was != Nobody && is == same[was] {
			continue
		}
		i, known := index[[2]int32{was, is}]
		if !known {
			i = len(plan)
			index[[2]int32{was, is}] = i
			plan = append(plan, Move{From: int(was), To: int(is)})
		}
		plan[i].Slots = append(plan[i].Slots, Slot(slot))
	}
	slices.SortFunc(plan, func(a, b Move) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return plan
}

// noShard stands for a shard that owns nothing. It differs from every owner.
const noShard = Nobody - 1

// owning returns, for each name, the index of the shard of that name that owns
// slots; noShard if none does.
func (r *Ring) owning(names []string) []int32 {
	index := make(map[string]int32, len(r.names))
	for i, name := range r.names {
		if len(r.Slots(i)) > 0 { // at most one of the shards with one name
			index[name] = int32(i)
		}
	}
	found := make([]int32, len(names))
	for i, name := range names {
		found[i] = noShard
		if j, ok := index[name]; ok {
			found[i] = j
		}
	}
	return found
}

// Len is the number of slots that move.
func (p Plan) Len() int {
	n := 0
	for _, m := range p {
		n += len(m.Slots)
	}
	return n
}

// Leaving lists the moves from a shard of the earlier ring.
func (p Plan) Leaving(shard int) iter.Seq[Move] {
	return p.filter(func(m Move) bool { return m.From == shard })
}

// Arriving lists the moves to a shard of the later ring.
func (p Plan) Arriving(shard int) iter.Seq[Move] {
	return p.filter(func(m Move) bool { return m.To == shard })
}

func (p Plan) filter(keep func(Move) bool) iter.Seq[Move] {
	return func(yield func(Move) bool) {
		for _, m := range p {
			if keep(m) && !yield(m) {
				return
			}
		}
	}
}
