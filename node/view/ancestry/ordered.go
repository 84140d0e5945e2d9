package ancestry

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds on the lists of a view that comes over the bus (docs/views.md §3.6).
const (
	MaxMembers = 1024
	maxKnown   = 4096
)

// Ordered reports whether the lists of a view are bounded and in their order, and whether every
// ballot that it knows is of a view below it.
func Ordered(v *wire.View) bool {
	members := v.Layout.Members()
	shards := v.Layout.Shards
	return len(members) <= MaxMembers && len(shards) <= MaxMembers && len(v.Sources) <= MaxMembers &&
		len(v.Saw) <= MaxMembers+maxKnown && len(v.Known) <= maxKnown && len(v.Ancestors) <= MaxAncestors &&
		ascending(members, func(m wire.Member) ids.Node { return m.ID }) &&
		ascending(shards, func(s wire.Shard) string { return s.Name }) &&
		!slices.ContainsFunc(shards, func(s wire.Shard) bool {
			return !ascending(s.Members, func(m wire.Member) ids.Node { return m.ID })
		}) &&
		ascendingViews(v.Ancestors) && len(v.Births) <= MaxBirths && slices.IsSortedFunc(v.Births, ids.View.Compare) &&
		!slices.ContainsFunc(v.Known, func(x wire.KnownBallot) bool { return x.Ballot.View.Compare(v.ID) >= 0 })
}

func ascending[T any, K cmp.Ordered](list []T, key func(T) K) bool {
	for i := 1; i < len(list); i++ {
		if key(list[i-1]) >= key(list[i]) {
			return false
		}
	}
	return true
}

func ascendingViews(list []wire.Ancestor) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1].View.Compare(list[i].View) >= 0 {
			return false
		}
	}
	return true
}
