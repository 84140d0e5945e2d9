package mutant_test

import (
	"testing"

	"github.com/cohortkv/cohort/internal/mutant"
)

func TestEveryMutantIsFoundByItsOwnName(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range mutant.All() {
		got, ok := mutant.Named(m.String())
		if !ok || got != m || seen[m.String()] {
			t.Errorf("mutant %d: name %q gives %d, %v", m, m, got, ok)
		}
		seen[m.String()] = true
	}
	if seen[""] || len(seen) == 0 {
		t.Errorf("a mutant has no name, or there are none: %v", seen)
	}
}

func TestNoMutantIsOnUnlessChosen(t *testing.T) {
	for _, m := range mutant.All() {
		if mutant.On(m) {
			t.Errorf("%s is on", m)
		}
	}
	if _, ok := mutant.Named("None"); ok {
		t.Error("None can be chosen by name")
	}
}
