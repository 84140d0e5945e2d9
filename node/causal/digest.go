package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// maxGroups is how many groups the tree of sums has below its root.
const maxGroups = 128

// groupOf is the group of a slot: groups are runs of equally many slots.
func (r *Replica) groupOf(s hashing.Slot) uint32 { return uint32(s) / r.groupSize() }

func (r *Replica) groupSize() uint32 {
	return uint32(max(1, r.cfg.Limits.Space.Slots()/maxGroups))
}

// groupSums has a sum for each group that slots touch, of those slots.
func (r *Replica) groupSums(ranges []wire.SlotRange) []wire.Sum {
	var sums []wire.Sum
	last := ^uint32(0)
	for s := range each(ranges) {
		if g := r.groupOf(s); g != last {
			sums, last = append(sums, wire.Sum{}), g
		}
		version.AddSum(&sums[len(sums)-1], r.slots.all[s].sum)
	}
	return sums
}
