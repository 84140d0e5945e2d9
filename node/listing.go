package node

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// listing is a shard of the causal bucket at the time when the machine allowed its list. The
// goroutine inside the driver freezes the listing right after the step. So K and the context of
// the answer hold for these items.
//
// Only durable items may be listed. So the listing is returned when all earlier writes are durable
// (driver.list).
type listing struct {
	read     core.Read
	snapshot *store.CausalSnapshot
	limits   machine.CausalLimits
}

// listing freezes the items that a ReadItems allows to be listed.
func (d *driver) listing(r *core.Read) *listing {
	l := &listing{read: *r, snapshot: d.store.CausalSnapshot(), limits: d.limits}
	l.read.Ranges = slices.Clone(r.Ranges)
	return l
}

// Pinned implements front.Listing.
func (l *listing) Pinned() int64 { return l.snapshot.Pinned() }

// From implements front.Listing.
func (l *listing) From(after *string) iter.Seq[*wire.Item] {
	items := l.snapshot.Items(l.read.Ranges)
	if after != nil {
		items = l.snapshot.ItemsAfter(l.read.Ranges, *after)
	}
	return machine.Listed(&l.read, items)
}

// Context implements front.Listing.
func (l *listing) Context(shown iter.Seq[*wire.Item]) wire.Context {
	return machine.ListContext(l.limits, &l.read, shown)
}
