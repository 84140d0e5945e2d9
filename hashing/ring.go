package hashing

import "fmt"

// Shard describes a shard to New.
type Shard struct {
	// Name identifies the shard: a shard of the same name in another ring is the
	// same shard. If several shards have one name, the heaviest that is not empty
	// stands for all; of equal ones, the first listed. The others own nothing.
	Name string
	// Weight is the shard's part relative to the other shards. A weight below 1
	// counts as 1, and one above MaxWeight as MaxWeight. The time to make a ring is
	// proportional to the sum of weights.
	Weight int
	// Empty means that the shard has no members, and so owns nothing.
	Empty bool
}

// MaxWeight bounds the time that it takes to make a ring.
const MaxWeight = 100

// Ring says which shard owns which slot. A shard is given by its index in the list
// that the ring was made from. A Ring never changes.
type Ring struct {
	space  Space
	names  []string
	owners []int32 // by slot; Nobody if the slot has no owner
	slots  []Slot  // all owned slots, ordered by owner, then ascending
	ends   []int   // by shard: end of its part of slots, where the next shard's part begins
}

// Nobody is the owner of a slot that no shard owns.
const Nobody = -1

// New assigns the slots of a space to shards. It does not keep the list. If there
// is no shard that is not empty, no slot has an owner.
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

// group fills slots and ends from owners.
func (r *Ring) group() {
	r.ends = make([]int, len(r.names))
	for _, o := range r.owners {
		if o != Nobody {
			r.ends[o]++
		}
	}
	total := 0
	for i, n := range r.ends {
		r.ends[i] = total // the beginning of the part, until the part is filled
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

// Space is the space whose slots the ring assigns.
func (r *Ring) Space() Space { return r.space }

// Len is the number of shards in the list that the ring was made from, empty
// ones too.
func (r *Ring) Len() int { return len(r.names) }

// Name is the name of a shard.
func (r *Ring) Name(shard int) string { return r.names[shard] }

// Owner returns the shard that owns a slot, in O(1). It returns Nobody and false if
// no shard does, or if the space has no such slot. The slot need not be checked
// before: it may come from a peer.
func (r *Ring) Owner(slot Slot) (shard int, ok bool) {
	if int(slot) >= len(r.owners) {
		return Nobody, false
	}
	o := r.owners[slot]
	return int(o), o != Nobody
}

// Slots returns the slots that a shard owns, ascending, in O(1). The slice is
// shared with the ring: the caller must not write to it.
func (r *Ring) Slots(shard int) []Slot {
	begin := 0
	if shard > 0 {
		begin = r.ends[shard-1]
	}
	return r.slots[begin:r.ends[shard]:r.ends[shard]]
}
