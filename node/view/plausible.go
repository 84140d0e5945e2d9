package view

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxJump bounds how far a view's number may be above all that a node has held, and its count
// of renewals above the one that the node knows. Numbers grow by one with each PUT, so a higher
// number is false. Without the bound, one false message could use up a cluster's numbers for
// good (docs/views.md §3.6).
const maxJump = 1 << 32

// Bounds on the lists of a view that comes over the bus (docs/views.md §3.6).
const (
	maxMembers = 1024
	maxKnown   = 4096
)

// plausible reports whether PUTs can have brought a view number this far.
func (mgr *Manager) plausible(id ids.View) bool {
	return id.Number <= mgr.highestNumber+maxJump || mutant.On(mutant.UncheckedViewNumber)
}

// sound reports whether a view can be true (docs/views.md §3.6): its number and renewals can
// have been reached, its lists are in order and bounded, and its id names one list. A view that
// is not sound is reported.
func (mgr *Manager) sound(v *wire.View) bool {
	known, same := uint64(0), true
	if mgr.view != nil && mgr.view.ID == v.ID {
		known, same = mgr.view.Renewed, mgr.view.Layout.Equal(v.Layout)
	}
	ok := same && mgr.plausible(v.ID) && v.Renewed <= known+maxJump && ordered(v)
	if !ok {
		mgr.box.Event(core.Event{Kind: EventMalformed, View: v.ID, Note: "a view that nobody can have made"})
	}
	return ok
}

// ordered reports whether the lists of a view are bounded and in their order, and whether every
// ballot that it knows is of a view below it.
func ordered(v *wire.View) bool {
	members := v.Layout.Members()
	shards := v.Layout.Shards
	return len(members) <= maxMembers && len(shards) <= maxMembers && len(v.Sources) <= maxMembers &&
		len(v.Saw) <= maxMembers+maxKnown && len(v.Known) <= maxKnown && len(v.Ancestors) <= maxAncestors &&
		ascending(members, func(m wire.Member) ids.Node { return m.ID }) &&
		ascending(shards, func(s wire.Shard) string { return s.Name }) &&
		!slices.ContainsFunc(shards, func(s wire.Shard) bool {
			return !ascending(s.Members, func(m wire.Member) ids.Node { return m.ID })
		}) &&
		ascendingViews(v.Ancestors) && len(v.Births) <= maxBirths && slices.IsSortedFunc(v.Births, ids.View.Compare) &&
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

// speaksFor reports whether a node may bring a view (docs/views.md §3.4): this boot of the node
// made the view, or the node is a member of that view or of the held one. So a node that no
// view names moves no node.
func (mgr *Manager) speaksFor(h wire.Header, v *wire.View) bool {
	made := h.From == v.ID.Author && h.Boot == v.ID.Boot
	if made || v.Has(h.From) || mgr.view != nil && mgr.view.Has(h.From) {
		return true
	}
	mgr.box.Event(core.Event{Kind: EventStranger, Peer: h.From, View: v.ID})
	return false
}

// IsPrimaryOf reports whether the sender is the primary of a view, and the ballot is of that
// view. Only the primary begins rounds.
func IsPrimaryOf(h wire.Header, v *wire.View, b ids.Ballot) bool {
	primary, ok := v.Primary()
	return ok && primary == h.From && b.View == v.ID
}

// credible reports whether an answer to a Query can be true. Its view must be sound. Its
// history must be of a view that is not above that view, because a node that follows a view has
// promised it.
func (mgr *Manager) credible(m *wire.QueryReply) bool {
	if !m.Present {
		return m.Ballot.IsZero()
	}
	return mgr.sound(&m.View) && m.Ballot.View.Compare(m.View.ID) <= 0 && len(m.Members) <= maxMembers
}
