package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/wire"
)

// mostJump is how far above everything that a node has held a view's number, or above
// what it knows the count of its renewals, may be. Numbers grow by one with each PUT: a
// node that has missed so many does not exist, and whoever says so is wrong. Without the
// bound one message could bring a cluster to the end of its numbers, for good.
const mostJump = 1 << 32

// Bounds of one view that comes over the bus.
const (
	mostMembers = 1024
	mostKnown   = 4096
)

// plausible reports that a number can have been reached by PUTs.
func (k *Keeper) plausible(id wire.ViewID) bool {
	return id.Number <= k.top+mostJump || mutant.On(mutant.UncheckedViewNumber)
}

// sound reports that a view is one that a node can have made: its number and renewals
// can have been reached, its lists are in order, and its id names one list.
func (k *Keeper) sound(v *wire.View) bool {
	known, same := uint64(0), true
	if k.view != nil && k.view.ID == v.ID {
		known, same = k.view.Renewed, k.view.Layout.Equal(v.Layout)
	}
	ok := same && k.plausible(v.ID) && v.Renewed <= known+mostJump && ordered(v)
	if !ok {
		k.box.Event(wire.Event{Kind: EventMalformed, View: v.ID, Note: "a view that nobody can have made"})
	}
	return ok
}

// ordered reports that the lists of a view are bounded and in their order, and that it
// knows of nothing above itself.
func ordered(v *wire.View) bool {
	members := v.Layout.Members()
	shards := v.Layout.Shards
	return len(members) <= mostMembers && len(shards) <= mostMembers && len(v.Sources) <= mostMembers &&
		len(v.Saw) <= mostMembers+mostKnown && len(v.Known) <= mostKnown && len(v.Ancestors) <= maxAncestors &&
		ascending(members, func(m wire.Member) wire.NodeID { return m.ID }) &&
		ascending(shards, func(s wire.Shard) string { return s.Name }) &&
		!slices.ContainsFunc(shards, func(s wire.Shard) bool {
			return !ascending(s.Members, func(m wire.Member) wire.NodeID { return m.ID })
		}) &&
		rising(v.Ancestors) && len(v.Births) <= maxBirths && slices.IsSortedFunc(v.Births, wire.ViewID.Compare) &&
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

func rising(list []wire.Ancestor) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1].View.Compare(list[i].View) >= 0 {
			return false
		}
	}
	return true
}

// speaksFor reports that a node may bring a view: it made it, in this life, for an
// operator who put it there; or it is a member of it; or of the view held here. Nobody
// else comes by a view, so that a node which no view names moves nobody.
func (k *Keeper) speaksFor(h wire.Header, v *wire.View) bool {
	made := h.From == v.ID.Author && h.Boot == v.ID.Boot
	if made || v.Has(h.From) || k.view != nil && k.view.Has(h.From) {
		return true
	}
	k.box.Event(wire.Event{Kind: EventStranger, Peer: h.From, View: v.ID})
	return false
}

// Leads reports that a node is the primary of a view, which alone opens rounds in it.
func Leads(h wire.Header, v *wire.View, b wire.Ballot) bool {
	primary, ok := v.Primary()
	return ok && primary == h.From && b.View == v.ID
}

// credible reports that an answer to a Query can be true: the view is sound, and the
// history is of a view that is not above it, because who follows a view has promised it.
func (k *Keeper) credible(m *wire.QueryReply) bool {
	if !m.Present {
		return m.Ballot.IsZero()
	}
	return k.sound(&m.View) && m.Ballot.View.Compare(m.View.ID) <= 0 && len(m.Members) <= mostMembers
}
