package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// Sums are compared in two steps, as in a Merkle tree of two levels, so nodes that hold the same
// items exchange little. The requester sends the sums of groups of slots. The responder answers
// with the sums of single slots in the groups that differ (docs/causal.md §6.1). Groups are runs
// of equally many slots.

// maxGroups bounds the groups of a space.
const maxGroups = 128

// groupSize is how many slots of a space are in one group.
func groupSize(space hashing.Space) uint32 { return uint32(max(1, space.Slots()/maxGroups)) }

// GroupSums are the sums of the groups that ascending slots touch, each over those slots alone.
func GroupSums(t *Table, list []wire.SlotRange) []wire.Sum {
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

// Differing has, for each group whose sum is not that of the requester, the sums of the listed
// slots. theirs are the requester's GroupSums of the same list. A missing sum differs.
func Differing(t *Table, list []wire.SlotRange, theirs []wire.Sum) []wire.GroupSums {
	ours := GroupSums(t, list)
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

// SumReader reads an answer of Differing, at the requester. Next must be called for each slot of
// the same list, in ascending order.
type SumReader struct {
	size   uint32           // slots in a group
	groups []wire.GroupSums // of the answer, from the present group on
	group  uint32           // of the last slot
	place  int              // of the last slot among the listed slots of its group
}

// ReadSums returns a reader of an answer about slots of a space.
func ReadSums(space hashing.Space, groups []wire.GroupSums) SumReader {
	return SumReader{size: groupSize(space), groups: groups, group: ^uint32(0)}
}

// Next is the responder's sum of a slot; false: the responder sent no sums for its group, so
// the group was equal.
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
		return wire.Sum{Count: ^uint64(0)}, true // the answer is too short: this equals no real sum
	}
	return r.groups[0].Sums[r.place], true
}
