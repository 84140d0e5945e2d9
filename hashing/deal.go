package hashing

import (
	"cmp"
	"slices"
)

// deal gives every slot its owner. Of all pairs of a slot and a shard, the one
// with the highest score comes first: the slot goes to the shard, if the slot is
// still free and the shard still has room. That is deferred acceptance without
// the deferring: both sides prefer by the same score, so nobody can regret a pair
// that was made before.
//
// Room is what makes the parts even. A shard has room for its exact part of the
// slots, rounded down; the few slots that rounding leaves go, one each at most,
// to the shards that come first to ask for them.
func deal(space Space, shards []Shard) []int32 {
	owners := slices.Repeat([]int32{nobody}, space.Slots())
	d := newDealer(space, shards)
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

// dealer knows who has room.
type dealer struct {
	draws []draw
	rooms []room // by shard
	spare int    // slots beyond the parts rounded down that nobody has taken
}

// draw is one of the scores that a shard's weight gives it on every slot.
type draw struct {
	seed  uint64
	shard int32
}

// room is what a shard may still take.
type room struct {
	left     int  // of its part rounded down
	mayRound bool // its part is not a whole number, and it has not taken a spare slot
}

func newDealer(space Space, shards []Shard) *dealer {
	d := &dealer{rooms: make([]room, len(shards)), spare: space.Slots()}
	takers := byName(shards)
	sum := 0
	for _, i := range takers {
		sum += weight(shards[i])
	}
	for _, i := range takers {
		w := weight(shards[i])
		part := space.Slots() * w
		d.rooms[i] = room{left: part / sum, mayRound: part%sum != 0}
		d.spare -= part / sum
		for n := range w {
			d.draws = append(d.draws, draw{seed: seed(shards[i].Name, n), shard: int32(i)})
		}
	}
	d.drop(func(s int32) bool { return !d.open(s) }) // more shards than slots
	return d
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

func (d *dealer) open(shard int32) bool {
	r := d.rooms[shard]
	return r.left > 0 || r.mayRound && d.spare > 0
}

// take takes a place in a shard, if there is one. A shard that has none is not
// offered to anybody again.
func (d *dealer) take(shard int32) bool {
	r := &d.rooms[shard]
	switch {
	case !d.open(shard):
		d.drop(func(s int32) bool { return s == shard })
		return false
	case r.left > 0:
		r.left--
	default:
		r.mayRound = false
		d.spare--
	}
	return true
}

func (d *dealer) drop(closed func(shard int32) bool) {
	d.draws = slices.DeleteFunc(d.draws, func(x draw) bool { return closed(x.shard) })
}

// best is the shard that scores a slot highest, of those not known to be closed.
// There always is one: rooms and spare slots together are as many as there are
// slots.
func (d *dealer) best(slot Slot) bid {
	salt := mix(uint64(slot) + golden)
	b := bid{slot: slot, shard: nobody}
	for _, x := range d.draws {
		if score := mix(x.seed ^ salt); score > b.score || b.shard == nobody {
			b.score, b.shard = score, x.shard
		}
	}
	return b
}
