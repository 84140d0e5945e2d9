// Package held is the view that a node holds, how the node stands in it, and the rules by which
// the node may go on to another view (docs/views.md §3.2 to §3.6).
//
// The id of the held view only grows (I2): Hold trusts its caller to have asked MayFollow or
// MayLeave, or to have made the view with NewID. No other package writes to the held view,
// except that the author of a view adds to it what it hears while its PUT is open.
package held

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/ancestry"
	"github.com/cohortkv/cohort/node/wire"
)

// Config names the node.
type Config struct {
	Self ids.Node
	Inc  ids.Incarnation
	Boot ids.Boot
}

// View is the view that one node holds, and the node's standing in it.
type View struct {
	cfg Config
	box *core.Outbox

	view          *wire.View   // nil: none. Saw, Ancestors and Births are replaced, never written to
	since         wire.Instant // when the view was adopted
	entry         wire.Member  // this node's entry in the last view that listed it; zero: there was none
	outside       bool         // view does not list this node
	leftBehind    bool         // a member went on to a view without this node, or another process has this node's id
	changed       bool         // the view or its standing has changed since the last call of Changed
	highestNumber uint64       // highest number of a view held or made here: no boot of an author gives a number twice
}

// New returns a node without a view.
func New(cfg Config, box *core.Outbox) *View { return &View{cfg: cfg, box: box} }

// Recover takes up what a node finds of itself when it starts with its state. It reports whether
// the node holds a view.
func (h *View) Recover(rec *core.Recovered, now wire.Instant) bool {
	if i := slices.IndexFunc(rec.Members, func(m wire.Member) bool { return m.ID == h.cfg.Self }); i >= 0 {
		h.entry = rec.Members[i]
	}
	if !rec.Meta.Present {
		return false
	}
	v := rec.Meta.View
	h.Hold(&v, now)
	h.leftBehind = rec.Meta.LeftBehind
	return true
}

// Hold replaces the view. The node's standing in the last one is forgotten.
func (h *View) Hold(v *wire.View, now wire.Instant) {
	h.view, h.since = v, now
	h.highestNumber = max(h.highestNumber, v.ID.Number)
	h.leftBehind, h.changed = false, true
	m, listed := v.Layout.Find(h.cfg.Self)
	h.outside = !listed
	if listed {
		h.entry = m
	}
}

// Self is this node.
func (h *View) Self() ids.Node { return h.cfg.Self }

// Inc is the incarnation of this node.
func (h *View) Inc() ids.Incarnation { return h.cfg.Inc }

// View is the view in force; nil: none.
func (h *View) View() *wire.View { return h.view }

// ID is the id of the view; zero: there is none.
func (h *View) ID() ids.View {
	if h.view == nil {
		return ids.View{}
	}
	return h.view.ID
}

// Since is when the view was adopted.
func (h *View) Since() wire.Instant { return h.since }

// Lists reports whether the view has this list.
func (h *View) Lists(l wire.Layout) bool { return h.view != nil && h.view.Layout.Equal(l) }

// Entry is this node in the last view that listed it; zero: there was none.
func (h *View) Entry() wire.Member { return h.entry }

// Outside reports whether the view does not list this node.
func (h *View) Outside() bool { return h.outside }

// LeftBehind reports whether a member of the view went on to a view without this node, or
// another process has this node's id.
func (h *View) LeftBehind() bool { return h.leftBehind }

// FallBehind makes this node one that was left behind; false: it was so already.
func (h *View) FallBehind() bool {
	if h.leftBehind {
		return false
	}
	h.leftBehind, h.changed = true, true
	return true
}

// Rejoin makes this node a member of its view again, because an operator has renewed the view.
// If another view is in force instead, the next probe finds that out. It reports whether the
// node had been left behind.
func (h *View) Rejoin() bool {
	if !h.leftBehind {
		return false
	}
	h.leftBehind, h.changed = false, true
	return true
}

// Changed reports whether the view or its standing has changed since the last call.
func (h *View) Changed() bool {
	c := h.changed
	h.changed = false
	return c
}

// NewID returns an id above a number and above all views held or made here. So no boot of an
// author gives a number twice.
func (h *View) NewID(above uint64) ids.View {
	h.highestNumber = max(h.highestNumber, above) + 1
	return ids.View{Number: h.highestNumber, Author: h.cfg.Self, Boot: h.cfg.Boot}
}

// Above returns the held view under a new id, above one that another node holds. The old id
// becomes an ancestor, and this node has seen itself in it. A member that missed the old id learns
// from that sighting that others may have written under it (docs/causal.md §7.1, rule 3). The
// caller adopts the view.
func (h *View) Above(other ids.View) *wire.View {
	v := *h.view
	v.ID = h.NewID(other.Number)
	ancestry.Add(&v, h.view.ID, h.view.Renewed)
	ancestry.Record(&v, wire.Sighting{Node: h.cfg.Self, Inc: h.cfg.Inc, View: h.view.ID})
	v.Renewed = 0
	h.box.Event(core.Event{Kind: EventRenumbered, View: v.ID})
	return &v
}

// Extend takes in what the author of the held view has heard since this node adopted it. It
// reports whether an operator has renewed the view since; the caller makes that durable.
func (h *View) Extend(v *wire.View) (renewed bool) {
	h.view.Births = ancestry.MergeBirths(h.view.Births, v.Births)
	h.view.Ancestors = ancestry.Merge(h.view.Ancestors, v.Ancestors)
	for _, s := range v.Saw {
		if !slices.Contains(h.view.Saw, s) {
			ancestry.RecordLater(h.view, s)
		}
	}
	renewed = v.Renewed > h.view.Renewed
	h.view.Renewed = max(h.view.Renewed, v.Renewed)
	return renewed
}

// Renew counts the renewals of the view up, above those that other nodes know of.
func (h *View) Renew(known uint64) { h.view.Renewed = max(h.view.Renewed, known) + 1 }

// WithBirths returns v with the births of the held view added, if both have the same list.
// Both are then first views of one cluster, made of one list (docs/views.md §2.1, rule 6).
func (h *View) WithBirths(v *wire.View) *wire.View {
	if !h.Lists(v.Layout) || slices.Equal(h.view.Births, v.Births) {
		return v
	}
	w := *v
	w.Births = ancestry.MergeBirths(v.Births, h.view.Births)
	return &w
}

// Births returns the first views of this node's cluster; empty: the node is of no cluster.
func (h *View) Births() []ids.View {
	if h.view == nil {
		return nil
	}
	return h.view.Births
}

// SameCluster reports whether a node whose view has these births is of this node's cluster.
// Nodes of another cluster get no data from here (docs/views.md §3.2).
func (h *View) SameCluster(births []ids.View) bool {
	return wire.Kin(h.Births(), births)
}
