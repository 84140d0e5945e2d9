package causal

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// foldedSatisfied reports that the folded part of a context is satisfied in a slot
// (docs/causal.md §2, rules 6 and 7). A fold is safe only because of this check: the vector
// stands for the exact entries that have left the context (I14, I17).
func (r *Replica) foldedSatisfied(c *wire.Context, at hashing.Slot) bool {
	return mutant.On(mutant.CausalReadWithoutWait) || r.hasFolded(c, at, r.slots.Satisfied)
}

// knownRule says whether a slot has a position: slots.Table.Satisfied, which counts lost
// positions, or Durable, which does not.
type knownRule func(s *slots.Slot, stream wire.Stream, n uint64) bool

// hasFolded reports that a slot has every position that a context's vector and stable-cut
// references mean, by a rule.
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

// hasVector reports that a slot has every position of a vector that concerns it, by a rule.
// The stream of the first position that is missing becomes a suspect, and an unknown view is
// noted, to be asked for.
func (r *Replica) hasVector(v wire.Vector, at hashing.Slot, rule knownRule) bool {
	s := r.slots.At(at)
	for i := range v {
		p := &v[i]
		if !rule(s, p.Stream, p.N) && r.catalog.Concerns(p.Stream, at) {
			r.boots.Suspect(p.Stream)
			return false
		}
	}
	return true
}

// hasCut reports that a slot has every position of the stable cut that a reference names, by
// a rule. A reference counts only if its cut is known here to be common to all members: to
// have come to the view proves nothing.
func (r *Replica) hasCut(name ids.View, at hashing.Slot, rule knownRule) bool {
	if mutant.On(mutant.CausalCutReferenceByView) {
		return r.view.Within(name)
	}
	v := r.catalog.CommonCut(name)
	return v != nil && r.hasVector(v.StableCut, at, rule)
}
