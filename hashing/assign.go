package hashing

import (
	"cmp"
	"slices"
)

// assign gives every slot its owner. Of all pairs of a slot and a shard, the one
// with the highest score comes first: the slot goes to the shard, if the slot is
// still free and the shard still has room. That is deferred acceptance without
// the deferring: both sides prefer by the same score, so nobody can regret a pair
// that was made before.
//
// Room is what makes the parts even: every shard takes at least its part less
// 1/slack of it and at most its part and 1/slack, and who takes the slots between
// those is for the scores to say. That leeway is what keeps movement below 1.2/N
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

// bid is a slot and the shard with room that scores it highest.
type bid struct {
	score uint64
	slot  Slot
	shard int32
}

// slack is how even the parts are: to within 1/128, 0.8 %, where 1 % is promised.
const slack = 128

// assigner knows which shards have room. The slots that are not assigned yet are always as
// many as what shards must take and the spare ones together, and the spare ones at
// most as many as what shards may take: so there is room for every slot.
type assigner struct {
	draws []draw
	rooms []room // by shard
	spare int    // slots beyond what shards must take that nobody has taken
}

// draw is one of the scores that a shard's weight gives it on every slot.
type draw struct {
	seed  uint64
	shard int32
}

// room is how many slots a shard must still take, and how many it may beyond that.
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

// bounds is how many slots a shard owns whose exact part is slots/sum.
func bounds(slots, sum int) (least, most int) {
	part := slots / sum
	leeway := part / slack
	return part - leeway, (slots+sum-1)/sum + leeway
}

func weight(s Shard) int { return min(max(s.Weight, 1), MaxWeight) }

// byName lists the shards that may own slots: not empty, one of a name, ordered
// by name, so that the order in which they came means nothing even if two shards
// score a slot alike.
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

// take takes a place in a shard, if there is one. A shard that has none never has
// one again: its draws are dropped.
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

// best is the shard that scores a slot highest, of those not known to be full.
func (d *assigner) best(slot Slot) bid {
	b, salt := bid{slot: slot, shard: Nobody}, salt(slot)
	for _, x := range d.draws {
		if s := score(x.seed, salt); s > b.score || b.shard == Nobody {
			b.score, b.shard = s, x.shard
		}
	}
	return b
}
