package catalog

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/wire"
)

// RingOf assigns slots to the shards of a layout, by the names of the shards: all nodes
// come to the same assignment (I20). A shard without members owns no slot.
func RingOf(space hashing.Space, l *wire.Layout) *hashing.Ring {
	shards := make([]hashing.Shard, len(l.Shards))
	for i, s := range l.Shards {
		shards[i] = hashing.Shard{Name: s.Name, Empty: len(s.Members) == 0}
	}
	return hashing.New(space, shards)
}

// Fingerprint is a hash of a layout, by which nodes compare layouts. Shards without members do
// not count: they own nothing.
func Fingerprint(l *wire.Layout) uint64 {
	sum := uint64(0)
	add := func(s string) { sum = version.Mix(sum ^ hashing.Hash(s)) }
	for _, s := range l.Shards {
		if len(s.Members) == 0 {
			continue
		}
		add("shard")
		add(s.Name)
		for _, m := range s.Members {
			sum = version.Mix(sum ^ uint64(m.ID))
			add(m.Address)
			add(m.Bus)
		}
	}
	return sum
}
