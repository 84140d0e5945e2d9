// Package satisfied compares contexts with what a node has of a slot: whether a request must wait
// (docs/causal.md §2, §3.1), and what a write depends on and must be above (docs/causal.md §3.2). K of the
// slots decides, and what is lost there. Views never do (I14).
//
// A Checker changes nothing but suspicions: a position that is missing makes the boot of its
// stream a suspect, and an unknown view is noted, so that both are asked for. One goroutine at a
// time may use it.
package satisfied

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Checker compares contexts with the slots of one node.
type Checker struct {
	slots   *slots.Table
	catalog *catalog.Catalog
	boots   *loss.Boots
	view    *membership.View
}

// New returns a Checker of a node's slots.
func New(t *slots.Table, c *catalog.Catalog, boots *loss.Boots, v *membership.View) *Checker {
	return &Checker{slots: t, catalog: c, boots: boots, view: v}
}

// Behind reports that a context names a version of a key that is not satisfied in the slot (docs/causal.md §3.1, rule 1).
func (k *Checker) Behind(c *wire.Context, hash uint64) bool {
	want := version.Named(c, hash)
	behind := !want.IsZero() && !k.slots.Satisfied(k.slots.Of(hash), want.Dot.Stream, want.Dot.N)
	if behind {
		k.boots.Suspect(want.Dot.Stream)
	}
	return behind
}

// Folded reports that the folded part of a context is satisfied in a slot
// (docs/causal.md §2, rules 6 and 7). A fold is safe only because of this check: the vector
// stands for the exact entries that have left the context (I14, I17).
func (k *Checker) Folded(c *wire.Context, at hashing.Slot) bool {
	return k.has(c, at, k.slots.Satisfied)
}

// rule says whether a slot has a position: slots.Table.Satisfied, which counts lost
// positions, or Durable, which does not.
type rule func(s *slots.Slot, stream wire.Stream, n uint64) bool

// has reports that a slot has every position that a context's vector and stable-cut
// references mean, by a rule.
func (k *Checker) has(c *wire.Context, at hashing.Slot, rule rule) bool {
	if !k.hasVector(c.Vector, at, rule) {
		return false
	}
	for _, name := range c.CutRefs {
		if !k.hasCut(name, at, rule) {
			return false
		}
	}
	return true
}

// hasVector reports that a slot has every position of a vector that concerns it, by a rule.
// The stream of the first position that is missing becomes a suspect, and an unknown view is
// noted, to be asked for.
func (k *Checker) hasVector(v wire.Vector, at hashing.Slot, rule rule) bool {
	s := k.slots.At(at)
	for i := range v {
		p := &v[i]
		if !rule(s, p.Stream, p.N) && k.catalog.Concerns(p.Stream, at) {
			k.boots.Suspect(p.Stream)
			return false
		}
	}
	return true
}

// hasCut reports that a slot has every position of the stable cut that a reference names, by
// a rule. A reference counts only if its cut is known here to be common to all members: to
// have come to the view proves nothing.
func (k *Checker) hasCut(name ids.View, at hashing.Slot, rule rule) bool {
	v := k.catalog.CommonCut(name)
	return v != nil && k.hasVector(v.StableCut, at, rule)
}

// Listable reports that a context is satisfied in all owned slots, and so is each of its
// exact entries in an owned slot. A list checks dots against K, not items one by one: if K
// has a dot, the version is here, or one that won over it, or its key was deleted (I15).
func (k *Checker) Listable(c *wire.Context) bool {
	for i := range c.Exact {
		d := &c.Exact[i]
		at := k.slots.Space().Slot(d.Hash)
		if s := k.slots.At(at); s.Owned() && !k.slots.Satisfied(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			k.boots.Suspect(d.Version.Dot.Stream)
			return false
		}
	}
	if len(c.Vector) == 0 && len(c.CutRefs) == 0 {
		return true
	}
	for i := range k.slots.Len() {
		if k.slots.At(hashing.Slot(i)).Owned() && !k.Folded(c, hashing.Slot(i)) {
			return false
		}
	}
	return true
}

// Known are the exact entries of a context that are in owned slots and that durable K has,
// ascending by hash. Listed leaves out smaller versions of their keys.
func (k *Checker) Known(c *wire.Context) []wire.Dependency {
	var known []wire.Dependency
	for _, d := range c.Exact {
		if s := k.slots.Of(d.Hash); s.Owned() && k.slots.Durable(s, d.Version.Dot.Stream, d.Version.Dot.N) {
			known = append(known, d)
		}
	}
	slices.SortFunc(known, func(a, b wire.Dependency) int { return cmp.Compare(a.Hash, b.Hash) })
	return known
}
