package hashing

import (
	"cmp"
	"slices"
)

// assign gives every slot to a shard. It goes through the pairs of a slot and a
// shard from the highest score down. A pair is accepted if the slot is still free
// and the shard still has room. The result is the stable matching of Gale and
// Shapley. No deferral is needed: both sides prefer by the same score, so no later
// pair is better for either side of an earlier one.
//
// Room is what keeps the parts even. Every shard gets at least its part less
// 1/slack of it, and at most its part plus 1/slack of it. The scores decide which
// shards get the slots between those bounds. That leeway keeps movement below 1.2/N
// (docs/decisions/0007).
func assign(space Space, shards []Shard) []int32 {
	owners := slices.Repeat([]int32{Nobody}, space.Slots())
	d := newAssigner(space, shards)
	if len(d.draws) == 0 {
		return owners
	}
	bids := make([]bid, len(owners))
	for slot := range bids {
		bids[slot] = d.best(Slot(slot))
	}
	queue := newQueue(bids)
	for len(queue) > 0 {
		b := queue[0]
		if !d.take(b.shard) {
			queue[0] = d.best(b.slot)
			queue.down(0)
			continue
		}
		owners[b.slot] = b.shard
		queue.pop()
	}
	return owners
}

// bid is a free slot and, of the shards that may have room, the one that scores the
// slot highest.
type bid struct {
	score uint64
	slot  Slot
	shard int32
}

// slack is the inverse of the leeway of a shard's part: parts are even to within
// 1/128, or 0.8 %. The promise is 1 %.
const slack = 128

// assigner holds the room that is left in each shard. Two invariants guarantee room
// for every slot:
//
//  1. The slots that are not assigned yet are as many as all that shards must
//     still take, plus spare.
//  2. spare is at most the sum of what shards may take beyond that.
type assigner struct {
	draws []draw
	rooms []room // by shard
	spare int    // unassigned slots beyond those that shards must take
}

// draw is one of the scores that a shard has on every slot. A shard has as many
// draws as its weight.
type draw struct {
	seed  uint64
	shard int32
}

// room is the number of slots that a shard must still take, and the number that it
// may take beyond those.
type room struct{ must, may int }

func newAssigner(space Space, shards []Shard) *assigner {
	d := &assigner{rooms: make([]room, len(shards)), spare: space.Slots()}
	takers := byName(shards)
	sum := 0
	for _, i := range takers {
		sum += weight(shards[i])
	}
	d.draws = make([]draw, 0, sum)
	for _, i := range takers {
		w, first := weight(shards[i]), seed(shards[i].Name)
		least, most := bounds(space.Slots()*w, sum)
		d.rooms[i] = room{must: least, may: most - least}
		d.spare -= least
		for n := range w {
			d.draws = append(d.draws, draw{seed: first + uint64(n)*gamma, shard: int32(i)})
		}
	}
	return d
}

// bounds is the least and the most slots that a shard may own if its exact part is
// slots/sum.
func bounds(slots, sum int) (least, most int) {
	part := slots / sum
	leeway := part / slack
	return part - leeway, (slots+sum-1)/sum + leeway
}

func weight(s Shard) int { return min(max(s.Weight, 1), MaxWeight) }

// byName lists the shards that may own slots, by index: not empty, one of each
// name, ordered by name. The order of the list therefore does not matter, even if
// two shards have the same score on a slot.
func byName(shards []Shard) []int {
	var takers []int
	for i, s := range shards {
		if !s.Empty {
			takers = append(takers, i)
		}
	}
	slices.SortFunc(takers, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(shards[a].Name, shards[b].Name),
			cmp.Compare(weight(shards[b]), weight(shards[a])),
			cmp.Compare(a, b))
	})
	return slices.CompactFunc(takers, func(a, b int) bool { return shards[a].Name == shards[b].Name })
}

// take takes a place in a shard. It returns false if there is none. A full shard
// never has room again, so its draws are dropped.
func (d *assigner) take(shard int32) bool {
	r := &d.rooms[shard]
	switch {
	case r.must > 0:
		r.must--
	case r.may > 0 && d.spare > 0:
		r.may--
		d.spare--
	default:
		d.draws = slices.DeleteFunc(d.draws, func(x draw) bool { return x.shard == shard })
		return false
	}
	return true
}

// best is the bid of a slot among the shards that have draws left.
func (d *assigner) best(slot Slot) bid {
	b, salt := bid{slot: slot, shard: Nobody}, salt(slot)
	for _, x := range d.draws {
		if s := score(x.seed, salt); s > b.score || b.shard == Nobody {
			b.score, b.shard = s, x.shard
		}
	}
	return b
}
