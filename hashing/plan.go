package hashing

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// Nobody stands for the shard that a slot comes from or goes to if it had or has
// no owner.
const Nobody = nobody

// Move is a run of slots, ascending, that go from one shard to another.
type Move struct {
	From  int // in the earlier ring, or Nobody
	To    int // in the later ring, or Nobody
	Slots []Slot
}

// Plan is all that moves between two rings: one Move for every pair of shards
// between which anything does, ordered by From, then To. len(m.Slots) is what a
// metrics page wants to know. Slots that are in no Move stay where they are.
type Plan []Move

// Between is the plan of moves from one ring to another over the same space.
// Shards of one name are one shard, whatever their index.
func Between(from, to *Ring) Plan {
	if from.space != to.space {
		panic(fmt.Sprintf("hashing: a plan between spaces of %d and %d bits", from.space, to.space))
	}
	later := to.find(from)
	pairs := map[[2]int32]int{} // index in the plan
	var plan Plan
	for slot, was := range from.owners {
		is := to.owners[slot]
		if was == nobody && is == nobody || was != nobody && later[was] == is && is != nobody {
			continue
		}
		pair := [2]int32{was, is}
		i, ok := pairs[pair]
		if !ok {
			i = len(plan)
			pairs[pair] = i
			plan = append(plan, Move{From: int(was), To: int(is)})
		}
		plan[i].Slots = append(plan[i].Slots, Slot(slot))
	}
	slices.SortFunc(plan, func(a, b Move) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return plan
}

// find returns the index in r of each shard of another ring that owns slots in
// r; nobody if it owns none.
func (r *Ring) find(other *Ring) []int32 {
	index := make(map[string]int32, len(r.names))
	for i, name := range r.names {
		if len(r.Slots(i)) > 0 { // of several with one name, at most one
			index[name] = int32(i)
		}
	}
	found := make([]int32, len(other.names))
	for i, name := range other.names {
		found[i] = nobody
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
