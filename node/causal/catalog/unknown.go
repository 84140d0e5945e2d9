package catalog

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// NoteUnknown notes a view that is to be asked for, or its stable cut. Beyond MaxUnknown
// views nothing is noted: whatever needs the view notes it again later.
func (c *Catalog) NoteUnknown(id ids.View) {
	if len(c.unknown) < MaxUnknown && !slices.Contains(c.unknown, id) {
		c.unknown = append(c.unknown, id)
	}
}

// noteKnown notes that a view need not be asked for any more.
func (c *Catalog) noteKnown(id ids.View) {
	c.unknown = slices.DeleteFunc(c.unknown, func(o ids.View) bool { return o == id })
}

// Unknown are the views that are to be asked for.
func (c *Catalog) Unknown() []ids.View { return slices.Clone(c.unknown) }

// DropUnknown forgets which views are to be asked for: no request waits for them.
func (c *Catalog) DropUnknown() { c.unknown = nil }

// UnknownIn lists the views that vectors name and that are not known here, MaxUnknown at
// most.
func (c *Catalog) UnknownIn(list []wire.Vector) (unknown []ids.View) {
	for _, v := range list {
		for i := range v {
			id := v[i].Stream.View
			if c.views[id] == nil && !slices.Contains(unknown, id) && len(unknown) < MaxUnknown {
				unknown = append(unknown, id)
			}
		}
	}
	return unknown
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
