package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// A slot's sum is a digest of its items that does not depend on their order: how
// many there are, and xor and sum of a hash of each. It costs O(1) a write. A
// version stands for its value: no two versions are equal (I16).

// digest is the hash of an item in sums.
func digest(hash uint64, v wire.CausalVersion) uint64 {
	x := mix(hash ^ v.Counter)
	s := v.Dot.Stream
	for _, part := range [...]uint64{v.Dot.N, s.View.Number, uint64(s.View.Author), uint64(s.View.Boot), uint64(s.Node), uint64(s.Boot)} {
		x = mix(x ^ part)
	}
	return x
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014), with its constant added, so that
// zeros do not stay zero.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func plus(s *wire.Sum, d uint64) {
	s.Count++
	s.Xor ^= d
	s.Plus += d
}

func minus(s *wire.Sum, d uint64) {
	s.Count--
	s.Xor ^= d
	s.Plus -= d
}

func plusAll(s *wire.Sum, o wire.Sum) {
	s.Count += o.Count
	s.Xor ^= o.Xor
	s.Plus += o.Plus
}

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
		plusAll(&sums[len(sums)-1], r.slots.all[s].sum)
	}
	return sums
}
