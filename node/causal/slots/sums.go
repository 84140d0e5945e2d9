package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Sums of slots are compared in two steps, so that nodes that hold the same exchange
// little: sums of groups first, then those of the slots of groups that differ. Groups are
// runs of equally many slots.

// maxGroups is how many groups there are at most.
const maxGroups = 128

func groupSize(space hashing.Space) uint32 { return uint32(max(1, space.Slots()/maxGroups)) }

// GroupSums has a sum for each group that ascending slots touch, of those slots alone.
func (t *Table) GroupSums(list []wire.SlotRange) []wire.Sum {
	var sums []wire.Sum
	size, last := groupSize(t.space), ^uint32(0)
	for at := range Each(list) {
		if g := uint32(at) / size; g != last {
			sums, last = append(sums, wire.Sum{}), g
		}
		version.AddSum(&sums[len(sums)-1], t.slots[at].sum)
	}
	return sums
}

// Differing has the sums of the slots of those groups whose sum is not the other node's.
func (t *Table) Differing(list []wire.SlotRange, theirs []wire.Sum) []wire.GroupSums {
	ours := t.GroupSums(list)
	var out []wire.GroupSums
	size, group, i := groupSize(t.space), ^uint32(0), -1
	for at := range Each(list) {
		if g := uint32(at) / size; g != group {
			group = g
			i++
			if i >= len(theirs) || theirs[i] != ours[i] {
				out = append(out, wire.GroupSums{Group: g})
			}
		}
		if n := len(out) - 1; n >= 0 && out[n].Group == group {
			out[n].Sums = append(out[n].Sums, t.slots[at].sum)
		}
	}
	return out
}

// SumReader finds the sums of slots in what Differing has answered to a list. It must be
// asked for the slots of that list, in ascending order.
type SumReader struct {
	size   uint32
	groups []wire.GroupSums
	group  uint32
	place  int // of the slot among those of the group that are in the list
}

// ReadSums returns a reader of groups, of slots of a space.
func ReadSums(space hashing.Space, groups []wire.GroupSums) SumReader {
	return SumReader{size: groupSize(space), groups: groups, group: ^uint32(0)}
}

// Next is the other node's sum of a slot; false: the slot is in no group that differs.
func (r *SumReader) Next(at hashing.Slot) (sum wire.Sum, differs bool) {
	if g := uint32(at) / r.size; g != r.group {
		r.group, r.place = g, -1
		for len(r.groups) > 0 && r.groups[0].Group < g {
			r.groups = r.groups[1:]
		}
	}
	r.place++
	if len(r.groups) == 0 || r.groups[0].Group != r.group {
		return wire.Sum{}, false
	}
	if r.place >= len(r.groups[0].Sums) {
		return wire.Sum{Count: ^uint64(0)}, true // the answer is too short: it equals no sum
	}
	return r.groups[0].Sums[r.place], true
}
