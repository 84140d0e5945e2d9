package hashing

import "fmt"

// Shard is what a ring knows of a shard.
type Shard struct {
	// Name is its identity: a shard of the same name in another ring is the same
	// shard. Of several with one name the heaviest that is not empty stands for
	// all, the first listed if they weigh the same; the others own nothing.
	Name string
	// Weight is its part relative to the others'. Below 1 counts as 1, above
	// MaxWeight as MaxWeight. A ring costs time in proportion to the sum of weights.
	Weight int
	// Empty says that it has no members, and so owns nothing.
	Empty bool
}

// MaxWeight bounds what a ring costs.
const MaxWeight = 100

// Ring says which shard owns which slot. Shards are named by their index in the
// list that the ring was made from.
type Ring struct {
	space  Space
	names  []string
	owners []int32 // by slot; Nobody if there is no shard to own it
	slots  []Slot  // all owned slots, by owner, then ascending
	ends   []int   // by shard: where its part of slots ends, and the next one's begins
}

// Nobody stands for the owner of a slot that has none.
const Nobody = -1

// New assigns the slots of a space to shards. The list is not kept. If all are
// empty, or there are none, no slot has an owner.
func New(space Space, shards []Shard) *Ring {
	if space > MaxSpace {
		panic(fmt.Sprintf("hashing: space of %d bits, at most %d", space, MaxSpace))
	}
	r := &Ring{space: space, names: make([]string, len(shards)), owners: assign(space, shards)}
	for i, s := range shards {
		r.names[i] = s.Name
	}
	r.group()
	return r
}

// group fills slots and ends: owners, the other way round.
func (r *Ring) group() {
	r.ends = make([]int, len(r.names))
	for _, o := range r.owners {
		if o != Nobody {
			r.ends[o]++
		}
	}
	total := 0
	for i, n := range r.ends {
		r.ends[i] = total // where it begins, until it is filled
		total += n
	}
	r.slots = make([]Slot, total)
	for slot, o := range r.owners {
		if o != Nobody {
			r.slots[r.ends[o]] = Slot(slot)
			r.ends[o]++
		}
	}
}

// Space is the space that the ring assigns.
func (r *Ring) Space() Space { return r.space }

// Len is the number of shards in the list that the ring was made from, empty
// ones too.
func (r *Ring) Len() int { return len(r.names) }

// Name is the name of a shard.
func (r *Ring) Name(shard int) string { return r.names[shard] }

// Owner returns the shard that owns a slot, in O(1). It is Nobody, and ok is
// false, if no shard does or the space has no such slot: a slot may have come from
// a peer.
func (r *Ring) Owner(slot Slot) (shard int, ok bool) {
	if int(slot) >= len(r.owners) {
		return Nobody, false
	}
	o := r.owners[slot]
	return int(o), o != Nobody
}

// Slots returns what a shard owns, ascending, in O(1). The slice is shared: it
// must not be written to.
func (r *Ring) Slots(shard int) []Slot {
	begin := 0
	if shard > 0 {
		begin = r.ends[shard-1]
	}
	return r.slots[begin:r.ends[shard]:r.ends[shard]]
}
