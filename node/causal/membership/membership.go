// Package membership has the view that a node holds, and what follows from it for causal buckets:
// which slots the node owns, which nodes are its replicas, and which nodes are of its group
// (docs/causal.md §6.7, §7.1). Package view decides which view the node holds.
//
// A view says who has to store what. It never says what a read may show: K does (I14).
//
// A View is a value without I/O. One goroutine at a time may use it.
package membership

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// View is the view that a node holds, and the node's place in it.
type View struct {
	self       ids.Node
	catalog    *catalog.Catalog
	leftBehind func() bool // a member of this view went on to a view without this node

	held           *wire.View    // nil: none yet
	ring           *hashing.Ring // assigns slots to the shards of held (I20); nil: no view
	shard          int           // place of this node's shard in the layout; meaningful if member
	member         bool          // this node is a member of held
	layout         uint64        // fingerprint of the layout of held
	since          wire.Instant  // when held was adopted
	predecessor    ids.View      // a view that the author of held heard of; zero: of none
	onePredecessor bool          // the author of held heard of no other
}

// New returns the place of a node that holds no view yet.
func New(self ids.Node, c *catalog.Catalog, leftBehind func() bool) *View {
	return &View{self: self, catalog: c, leftBehind: leftBehind}
}

// Adopt makes next the view. It returns what the catalog has of it, and whether that is new and
// must be persisted. next must not be changed afterwards.
func (v *View) Adopt(next *wire.View, now wire.Instant) (entry wire.KnownView, isNew bool) {
	known, isNew := v.catalog.Hold(wire.KnownView{ID: next.ID, Layout: next.Layout})
	v.held, v.since = next, now
	v.ring = v.catalog.Ring(known)
	v.shard, _ = known.ShardOf(v.self)
	v.member = next.Has(v.self)
	v.predecessor, v.onePredecessor = predecessor(next)
	v.layout = catalog.Fingerprint(&next.Layout)
	return known.KnownView, isNew
}

// None reports that the node holds no view yet.
func (v *View) None() bool { return v.held == nil }

// Held is the view; nil: none yet.
func (v *View) Held() *wire.View { return v.held }

// Since is when the view was adopted.
func (v *View) Since() wire.Instant { return v.since }

// Layout is the fingerprint of the view's layout.
func (v *View) Layout() uint64 { return v.layout }

// OnePredecessor reports that the view's author heard of at most one view. Then a ready holder
// of a slot lacks nothing (docs/causal.md §7.5, rule 1).
func (v *View) OnePredecessor() bool { return v.onePredecessor }

// Member reports that this node is a member of the view.
func (v *View) Member() bool { return v.member }

// Has reports that a node is a member of the view.
func (v *View) Has(id ids.Node) bool { return v.held != nil && v.held.Has(id) }

// Replica reports that a member is in this node's shard.
func (v *View) Replica(id ids.Node) bool {
	shard, _ := v.catalog.Get(v.held.ID).ShardOf(id)
	return v.member && shard == v.shard
}

// Owners are the members that own a slot; nil: the view has no members.
func (v *View) Owners(s hashing.Slot) []wire.Member {
	shard, ok := v.ring.Owner(s)
	if !ok {
		return nil
	}
	return v.held.Layout.Shards[shard].Members
}

// Descends reports that the view replaces another one.
func (v *View) Descends(id ids.View) bool { return v.held != nil && v.held.Descends(id) }

// Within reports that a view is this one, or one that this one replaces.
func (v *View) Within(id ids.View) bool {
	return v.held != nil && (id == v.held.ID || v.held.Descends(id))
}

// Ours reports that a view of a layout is of this node's group: it is this one, has the same
// layout, or is replaced by this one.
func (v *View) Ours(id ids.View, layout uint64) bool {
	return id == v.ID() || layout == v.layout || v.Descends(id)
}

// Vouches reports that what is ready at a node in some view is ready for this view: the view is
// this one, or the only one that its author heard of. A node in an older view may lack what was
// written since (docs/causal.md §7.5, rule 1).
func (v *View) Vouches(id ids.View) bool {
	return id == v.ID() || v.onePredecessor && id == v.predecessor
}

// FollowsOn reports that every view that next's author heard of is the one that this node
// holds. Then no other node has data that this one lacks because of another view, and ready
// slots stay ready (docs/causal.md §7.1, rule 3).
func (v *View) FollowsOn(next *wire.View) bool {
	if v.held == nil {
		return false
	}
	for _, s := range next.Saw {
		if !s.View.IsZero() && s.View != v.held.ID {
			return false
		}
	}
	return true
}

// MayExchange reports that the sender of a Digest is of this node's group (docs/causal.md §6.7,
// rule 1). The views are one, their layouts are equal, or one view replaces the other. Or the
// sender has no view, or was told the empty list.
func (v *View) MayExchange(m *wire.Digest) bool {
	same := m.View.IsZero() || m.View == v.held.ID || m.Layout == v.layout || m.Layout == catalog.Fingerprint(&wire.Layout{})
	return same || m.Descends || v.Descends(m.View)
}

// OfOurGroup reports that a forward comes from this node's view, from a view that this one
// replaces, or from a view of the same layout (docs/causal.md §8.1, rule 7). Members of a
// parted group may hold versions that are lost here, so their clients are not served. A
// forward from a later view is served once this node has adopted that view.
func (v *View) OfOurGroup(view ids.View) bool {
	if v.Within(view) {
		return true
	}
	c := v.catalog.Get(view)
	return c != nil && catalog.Fingerprint(&c.Layout) == v.layout
}

// Closed reports that this node answers clients with 503 and takes no writes: it has no
// view, is outside its view, or was left behind.
func (v *View) Closed() bool { return v.held == nil || !v.member || v.leftBehind() }

// ID is the id of the view; zero: there is none.
func (v *View) ID() ids.View {
	if v.held == nil {
		return ids.View{}
	}
	return v.held.ID
}

// Births are the births of the view, which identify the cluster; nil: no view yet.
func (v *View) Births() []ids.View {
	if v.held == nil {
		return nil
	}
	return v.held.Births
}

// Owns reports whether this node owns a slot.
func (v *View) Owns(s hashing.Slot) bool {
	if !v.member {
		return false
	}
	owner, ok := v.ring.Owner(s)
	return ok && owner == v.shard
}

// OwnedBy reports whether a member owns a slot.
func (v *View) OwnedBy(id ids.Node, s hashing.Slot) bool {
	owner, ok := v.ring.Owner(s)
	shard, has := v.catalog.Get(v.held.ID).ShardOf(id)
	return ok && has && owner == shard
}

// SlotsOf are the slots that a member of the view owns, ascending.
func (v *View) SlotsOf(id ids.Node) []hashing.Slot {
	shard, ok := v.catalog.Get(v.held.ID).ShardOf(id)
	if !ok {
		return nil
	}
	return v.ring.Slots(shard)
}

// Replicas are the members of this node's shard, this node included.
func (v *View) Replicas() []ids.Node {
	var all []ids.Node
	for _, m := range v.held.Layout.Shards[v.shard].Members {
		all = append(all, m.ID)
	}
	return all
}

// predecessor is a view that v's author heard of; zero: none. only says that the author heard of
// no other. Then a ready holder of a slot lacks nothing (docs/causal.md §7.5, rule 1).
func predecessor(v *wire.View) (one ids.View, only bool) {
	for _, s := range v.Saw {
		switch {
		case s.View.IsZero():
		case one.IsZero():
			one = s.View
		case s.View != one:
			return one, false
		}
	}
	return one, true
}

// FirstOfAll reports that v is a first view: no member held a view when v was made, v
// replaces none, and has no sources. So no member has data (docs/causal.md §7.1, rule 6).
func FirstOfAll(v *wire.View) bool {
	for _, m := range v.Layout.Members() {
		if !slices.ContainsFunc(v.Saw, func(s wire.Sighting) bool { return s.Node == m.ID && s.View.IsZero() }) {
			return false
		}
	}
	return len(v.Ancestors) == 0 && len(v.Sources) == 0
}
