package node

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// listing is a shard of the causal bucket as it was when the machine allowed a
// list of it. It is frozen by whoever is inside, right after the step: what the
// machine said of K, and what the context says, holds of these items.
//
// Nobody is shown what is not durable: memory is as durable as it gets when it is
// written. A store that is not must freeze here and hand out when all that it had
// been given by then is.
type listing struct {
	read     wire.Read
	snapshot *store.CausalSnapshot
	limits   machine.CausalLimits
}

// listing freezes what a ReadItems allows to be listed.
func (d *driver) listing(r *wire.Read) *listing {
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
