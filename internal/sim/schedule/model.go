package schedule

import (
	"slices"

	"github.com/cohortkv/cohort/node/machine"
)

// Model says which buckets have clients in a schedule. The nodes always run both models.
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

// Strong reports whether strong buckets have clients.
func (m Model) Strong() bool { return m != Causal }

// Causal reports whether causal buckets have clients.
func (m Model) Causal() bool { return m != Strong }

// ModelNamed finds a model by its name.
func ModelNamed(name string) (Model, bool) {
	i := slices.Index(ModelNames[:], name)
	return Model(max(i, 0)), i >= 0
}

// RuledBy returns the operator from which strong buckets may expect its rules. Without
// clients of strong buckets, the operator keeps no rule that exists for them alone.
func (s *Schedule) RuledBy() Operator {
	if s.Model.Strong() {
		return s.Operator
	}
	return Adversarial
}

// CausalLimits are the limits of causal buckets in a schedule, and the number of keys that
// its clients use.
type CausalLimits struct {
	machine.CausalLimits
	Keys int // how many keys clients use
}
