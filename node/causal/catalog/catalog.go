// Package catalog is what a node knows of views: their layouts and stable cuts
// (docs/causal.md §2, §9.2). Vectors and references name views, so the catalog tells
// which slots the writes of a stream are in, and what a reference stands for. It also
// keeps the list of views that were met and are not known, which are asked for.
//
// A Catalog is a value without I/O. It may be used by one goroutine at a time.
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
	MaxViews = 2000
	room     = 64 << 20 // bytes that the views take
	maxRings = 32       // a ring takes 130 KB in the standard space
)

// Catalog has the views that are known here. A node adds what it learns; when there is
// no room the view that came first goes, but never the one that this node holds. A view
// that is forgotten is asked for again when a vector names it.
type Catalog struct {
	space hashing.Space
	views map[ids.View]*View
	order []ids.View // of views, as they came
	bytes int        // that views take
	held  ids.View   // the view that this node holds; zero: none
	rings []*View    // whose rings are kept, the least recently used first

	// newestCut has the highest id among the views whose stable cuts all members know;
	// nil: there is none. Contexts refer to it and to no other.
	newestCut *View
	// subsumed are the views whose stable cuts say no more than that of subsumer. It is
	// computed when it is needed, and again when the catalog has changed (nil).
	subsumed []ids.View
	subsumer *View

	unknown unknown
}

// View is what is known of one view. Its layout never changes. Its stable cut does not
// change either once all members know it (Common): until then no context refers to it,
// and another one may take its place.
type View struct {
	wire.KnownView
	shardOf map[ids.Node]int
	ring    *hashing.Ring // nil: it is to be made
}

// ShardOf is the place of a node's shard in the layout; false: the view does not have
// the node.
func (v *View) ShardOf(id ids.Node) (shard int, has bool) {
	shard, has = v.shardOf[id]
	return shard, has
}

// New returns an empty catalog.
func New(space hashing.Space) Catalog {
	return Catalog{space: space, views: map[ids.View]*View{}}
}

// Get finds a view; nil: it is not known.
func (c *Catalog) Get(id ids.View) *View { return c.views[id] }

// Hold adds the view that this node holds from now on. It reports whether the view was
// not known before.
func (c *Catalog) Hold(k wire.KnownView) (v *View, isNew bool) {
	c.held = k.ID
	isNew = c.Add(k)
	return c.views[k.ID], isNew
}

// Add adds what was learnt of a view. It reports whether that is news: the view was not
// known, or its stable cut was not, or was not known to be common.
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

// addCut adds the stable cut of a view that is known.
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

// Bytes of a view in memory, about.
const (
	viewSize   = 512
	memberSize = 160 // with its addresses, and its place in shardOf
)

func (v *View) bytes() int {
	n := viewSize + footprint.Position*len(v.StableCut)
	for i := range v.Layout.Shards {
		n += memberSize * (1 + len(v.Layout.Shards[i].Members))
	}
	return n
}

// evict forgets the view that came first, but for the one that this node holds.
func (c *Catalog) evict() {
	i := 0
	if c.order[0] == c.held {
		i = 1
	}
	old := c.views[c.order[i]]
	if c.newestCut == old {
		c.newestCut = nil // a node does not refer to a cut that it does not know
	}
	c.bytes -= old.bytes()
	c.rings = slices.DeleteFunc(c.rings, func(v *View) bool { return v == old })
	delete(c.views, old.ID)
	c.order = slices.Delete(c.order, i, i+1)
}

// Ring assigns slots to the shards of a view. The rings that were used last are kept.
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

// Concerns reports that a stream may have writes in a slot: its view gave the slot to the
// shard of the stream's node, or did not have the node. A stream of an unknown view may
// have writes in any slot; the view is noted, to be asked for.
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

// CommonCut finds a view whose stable cut all members know. Otherwise it notes the view,
// to be asked for, and returns nil.
func (c *Catalog) CommonCut(id ids.View) *View {
	if v := c.views[id]; v != nil && v.Common {
		return v
	}
	c.unknown.note(id)
	return nil
}

// With yields the known views that have a node, in the order in which they came.
func (c *Catalog) With(id ids.Node) iter.Seq[ids.View] {
	return func(yield func(ids.View) bool) {
		for _, at := range c.order {
			if _, has := c.views[at].shardOf[id]; has && !yield(at) {
				return
			}
		}
	}
}

// HasNode reports that a known view has a node.
func (c *Catalog) HasNode(id ids.Node) bool {
	for range c.With(id) {
		return true
	}
	return false
}

// Compactor bounds contexts, with references to the newest stable cut that all members
// know.
func (c *Catalog) Compactor(limit int) *version.Compactor {
	n := &version.Compactor{Limit: limit}
	if c.newestCut != nil {
		n.Cut, n.Subsumed = &c.newestCut.KnownView, c.subsumedBy(c.newestCut)
	}
	return n
}

// preferCut refers to the stable cut of a view from now on, if all members know it and no
// higher view has one. The catalog has changed, so what was computed of it is void.
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

// Unknown are the views that are to be asked for.
func (c *Catalog) Unknown() []ids.View { return slices.Clone([]ids.View(c.unknown)) }

// DropUnknown forgets which views are to be asked for: no request waits for them.
func (c *Catalog) DropUnknown() { c.unknown = nil }

// UnknownIn lists the views that vectors name and that are not known here, MaxUnknown at
// most.
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

// Known is what this node can tell of some views, MaxUnknown at most.
func (c *Catalog) Known(list []ids.View) (known []wire.KnownView) {
	for _, id := range list {
		if v := c.views[id]; v != nil && len(known) < MaxUnknown {
			known = append(known, v.KnownView)
		}
	}
	return known
}
