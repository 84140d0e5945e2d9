// Package catalog is what a node knows of views: their layouts and stable cuts (docs/causal.md
// §2, §9.2). Streams and references name views. The catalog says in which slots a stream may
// have writes, and which positions a reference means. Where the catalog lacks knowledge, it
// assumes the worst: a stream of an unknown view concerns every slot, and a reference to an
// unknown cut is not satisfied. So a lack of knowledge makes a read wait, and never makes it
// show less (I14, I17).
//
// A Catalog is a value without I/O. One goroutine at a time may use it. The caller asks peers
// for the views that Unknown lists, and persists what Add reports as news.
package catalog

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Bounds of a catalog.
const (
	MaxViews = 2000     // views that are known at a time
	room     = 64 << 20 // bytes of memory of these views
	maxRings = 32       // rings that are kept; one takes 130 KB in the standard space
)

// Catalog has the views that are known here. Beyond its bounds the view that came first is
// evicted, but never the one that this node holds. An evicted view is asked for again when a
// vector names it.
type Catalog struct {
	space hashing.Space
	views map[ids.View]*View
	order []ids.View // the keys of views, in the order in which they came
	bytes int        // memory of views, as View.bytes counts it
	held  ids.View   // the view that this node holds; zero: none
	rings []*View    // views whose rings are kept, the least recently used first; at most maxRings

	// newestCut has the highest id among the views whose stable cuts are common; nil: there
	// is none. New contexts refer to that cut and to no other.
	newestCut *View
	// subsumed are the views whose stable cuts say no more than that of subsumer. They are
	// computed when needed; a nil subsumer means that the catalog has changed since.
	subsumed []ids.View
	subsumer *View

	unknown unknown
}

// View is what is known of one view. Its layout never changes. Its stable cut never changes
// either once all members know the cut (Common). Until then no context refers to the cut, so
// another one may take its place.
type View struct {
	wire.KnownView
	shardOf map[ids.Node]int // by member: place of its shard in the layout
	ring    *hashing.Ring    // nil: not made yet, or given back
}

// ShardOf is the place of a node's shard in the layout; false: the node is no member of the
// view.
func (v *View) ShardOf(id ids.Node) (shard int, has bool) {
	shard, has = v.shardOf[id]
	return shard, has
}

// New returns an empty catalog. The space must be the same on all nodes (I20).
func New(space hashing.Space) Catalog {
	return Catalog{space: space, views: map[ids.View]*View{}}
}

// Get finds a view; nil: the view is not known.
func (c *Catalog) Get(id ids.View) *View { return c.views[id] }

// All yields the views that are known, in the order in which they came.
func (c *Catalog) All() iter.Seq[*View] {
	return func(yield func(*View) bool) {
		for _, id := range c.order {
			if !yield(c.views[id]) {
				return
			}
		}
	}
}

// Hold adds the view that this node holds from now on, and reports whether the view was
// unknown before.
func (c *Catalog) Hold(k wire.KnownView) (v *View, isNew bool) {
	c.held = k.ID
	isNew = c.Add(k)
	return c.views[k.ID], isNew
}

// Add adds what was learnt of a view. It reports whether that is news: the view, its stable
// cut, or that the cut is common. The layout must be canonical. k is kept and must not be
// changed.
func (c *Catalog) Add(k wire.KnownView) bool {
	if v := c.views[k.ID]; v != nil {
		return c.addCut(v, k)
	}
	v := &View{KnownView: k, shardOf: map[ids.Node]int{}}
	for i, s := range k.Layout.Shards {
		for _, m := range s.Members {
			v.shardOf[m.ID] = i
		}
	}
	c.views[k.ID] = v
	c.order = append(c.order, k.ID)
	c.bytes += v.bytes()
	c.preferCut(v)
	c.unknown.remove(k.ID)
	for len(c.order) > MaxViews || c.bytes > room && len(c.order) > 2 {
		c.evict()
	}
	return true
}

// addCut adds the stable cut of a known view. A common cut takes the place of one that is not
// known to be common, and of no other.
func (c *Catalog) addCut(v *View, k wire.KnownView) bool {
	if !k.HasStableCut || v.HasStableCut && (v.Common || !k.Common) {
		return false
	}
	c.bytes -= v.bytes()
	v.HasStableCut, v.StableCut, v.Common = true, k.StableCut, k.Common
	c.bytes += v.bytes()
	if v.Common {
		c.unknown.remove(k.ID)
	}
	c.preferCut(v)
	return true
}

// Memory of a view in bytes, about.
const (
	viewSize   = 512 // without its members and its stable cut
	memberSize = 160 // with its addresses, and its place in shardOf
)

// bytes is about the memory of a view, without its ring.
func (v *View) bytes() int {
	n := viewSize + footprint.Position*len(v.StableCut)
	for i := range v.Layout.Shards {
		n += memberSize * (1 + len(v.Layout.Shards[i].Members))
	}
	return n
}

// evict forgets the view that came first, except for the one that this node holds.
func (c *Catalog) evict() {
	i := 0
	if c.order[0] == c.held {
		i = 1
	}
	old := c.views[c.order[i]]
	if c.newestCut == old {
		c.newestCut = nil // this node could not check references to a cut that it does not know
	}
	c.bytes -= old.bytes()
	c.rings = slices.DeleteFunc(c.rings, func(v *View) bool { return v == old })
	delete(c.views, old.ID)
	c.order = slices.Delete(c.order, i, i+1)
}

// Ring assigns slots to the shards of a view (I20). The maxRings that were used last are kept.
func (c *Catalog) Ring(v *View) *hashing.Ring {
	if i := slices.Index(c.rings, v); i >= 0 {
		c.rings = append(slices.Delete(c.rings, i, i+1), v)
		return v.ring
	}
	if len(c.rings) == maxRings {
		c.rings[0].ring = nil
		c.rings = slices.Delete(c.rings, 0, 1)
	}
	v.ring = RingOf(c.space, &v.Layout)
	c.rings = append(c.rings, v)
	return v.ring
}

// Concerns reports that a stream may have writes in a slot: its view assigned the slot to the
// shard of the stream's node, or did not have the node (docs/causal.md §2, rule 5). A stream
// of an unknown view concerns every slot, and the view is noted to be asked for.
func (c *Catalog) Concerns(stream wire.Stream, s hashing.Slot) bool {
	v := c.views[stream.View]
	if v == nil {
		c.unknown.note(stream.View)
		return true
	}
	shard, has := v.shardOf[stream.Node]
	owner, owned := c.Ring(v).Owner(s)
	return !has || owned && owner == shard
}

// CommonCut finds a view whose stable cut is known to be common. If there is none under the
// id, CommonCut notes the view to be asked for and returns nil.
func (c *Catalog) CommonCut(id ids.View) *View {
	if v := c.views[id]; v != nil && v.Common {
		return v
	}
	c.unknown.note(id)
	return nil
}

// With yields the known views that have a node as a member, in the order in which they came.
func (c *Catalog) With(id ids.Node) iter.Seq[ids.View] {
	return func(yield func(ids.View) bool) {
		for _, at := range c.order {
			if _, has := c.views[at].shardOf[id]; has && !yield(at) {
				return
			}
		}
	}
}

// HasNode reports that a known view has a node as a member.
func (c *Catalog) HasNode(id ids.Node) bool {
	for range c.With(id) {
		return true
	}
	return false
}

// Compactor bounds contexts to a number of positions in the vector, with references to the
// newest common stable cut.
func (c *Catalog) Compactor(limit int) *version.Compactor {
	n := &version.Compactor{Limit: limit}
	if c.newestCut != nil {
		n.Cut, n.Subsumed = &c.newestCut.KnownView, c.subsumedBy(c.newestCut)
	}
	return n
}

// preferCut makes the stable cut of a view the one that contexts refer to, if it is common and
// no higher view has a common one. The computed list of subsumed views is void.
func (c *Catalog) preferCut(v *View) {
	c.subsumer = nil
	if v.Common && (c.newestCut == nil || v.ID.Compare(c.newestCut.ID) > 0) {
		c.newestCut = v
	}
}

// subsumedBy lists the views whose stable cuts say no more than that of a view.
func (c *Catalog) subsumedBy(v *View) []ids.View {
	if c.subsumer == v {
		return c.subsumed
	}
	c.subsumer, c.subsumed = v, nil
	for _, id := range c.order {
		if o := c.views[id]; o.HasStableCut && version.Within(o.StableCut, v.StableCut) {
			c.subsumed = append(c.subsumed, id)
		}
	}
	return c.subsumed
}

// Unknown are the views to be asked for, at most MaxUnknown.
func (c *Catalog) Unknown() []ids.View { return slices.Clone([]ids.View(c.unknown)) }

// DropUnknown empties the list of views to be asked for, when no request waits for them.
func (c *Catalog) DropUnknown() { c.unknown = nil }

// UnknownIn lists the unknown views that some vectors name, at most MaxUnknown. They are not
// noted.
func (c *Catalog) UnknownIn(list []wire.Vector) []ids.View {
	var u unknown
	for _, v := range list {
		for i := range v {
			if id := v[i].Stream.View; c.views[id] == nil {
				u.note(id)
			}
		}
	}
	return u
}

// Known is what this node knows of some views, at most MaxUnknown of them.
func (c *Catalog) Known(list []ids.View) (known []wire.KnownView) {
	for _, id := range list {
		if v := c.views[id]; v != nil && len(known) < MaxUnknown {
			known = append(known, v.KnownView)
		}
	}
	return known
}
