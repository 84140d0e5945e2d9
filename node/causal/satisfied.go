package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// foldedSatisfied reports that a slot satisfies the folded part of a context
// (docs/causal.md §2).
func (r *Replica) foldedSatisfied(c *wire.Context, at hashing.Slot) bool {
	return mutant.On(mutant.CausalReadWithoutWait) || r.hasFolded(c, at, r.slots.Satisfied)
}

// knownRule is a rule by which a slot has a position.
type knownRule func(s *slots.Slot, stream wire.Stream, n uint64) bool

// hasFolded reports that a slot has the folded part of a context, by a rule.
func (r *Replica) hasFolded(c *wire.Context, at hashing.Slot, rule knownRule) bool {
	if !r.hasVector(c.Vector, at, rule) {
		return false
	}
	for _, name := range c.CutRefs {
		if !r.hasCut(name, at, rule) {
			return false
		}
	}
	return true
}

func (r *Replica) hasVector(v wire.Vector, at hashing.Slot, rule knownRule) bool {
	s := r.slots.At(at)
	for i := range v {
		p := &v[i]
		if !rule(s, p.Stream, p.N) && r.catalog.Concerns(p.Stream, at) {
			r.suspect(p.Stream)
			return false
		}
	}
	return true
}

func (r *Replica) hasCut(name ids.View, at hashing.Slot, rule knownRule) bool {
	if mutant.On(mutant.CausalCutReferenceByView) {
		return r.view != nil && (r.view.ID == name || r.view.Descends(name))
	}
	v := r.catalog.CommonCut(name)
	return v != nil && r.hasVector(v.StableCut, at, rule)
}
