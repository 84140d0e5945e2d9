package schedule

import (
	"slices"

	"github.com/cohortkv/cohort/node/machine"
)

// Model says which buckets a schedule has clients of. The nodes run both models
// always.
type Model uint8

// The models.
const (
	Strong Model = iota
	Causal
	Both
	Models
)

var ModelNames = [Models]string{Strong: "strong", Causal: "causal", Both: "both"}

func (m Model) String() string { return ModelNames[m] }

func (m Model) Strong() bool { return m != Causal }
func (m Model) Causal() bool { return m != Strong }

// recoversCausal reports that a node finds its causal buckets when it starts with its
// disk.
const recoversCausal = false

// Restarts reports that a node may start again with what it had made durable.
func (m Model) Restarts() bool { return recoversCausal || !m.Causal() }

// ModelNamed finds a model by its name.
func ModelNamed(name string) (Model, bool) {
	i := slices.Index(ModelNames[:], name)
	return Model(max(i, 0)), i >= 0
}

// RuledBy is the operator as strong buckets see it. Where they have no clients the
// rules that are theirs alone are not kept, and promise nothing.
func (s *Schedule) RuledBy() Operator {
	if s.Model.Strong() {
		return s.Operator
	}
	return Adversarial
}

// CausalLimits are those of a schedule's causal buckets, and how many keys its
// clients use.
type CausalLimits struct {
	machine.CausalLimits
	Keys int
}
