package archtest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/internal/mutant/patch"
)

// TestDeliberateBugsFitTheSource holds that every patch of a deliberate bug still finds its
// lines. The simulator plants them all (docs/testing.md §5).
func TestDeliberateBugsFitTheSource(t *testing.T) {
	hunks, err := patch.Load(filepath.Join(root, "internal", "mutant", "patches"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := patch.Plant(root, hunks); err != nil {
		t.Errorf("patches in internal/mutant/patches do not fit the source:\n%v", err)
	}
	patched := map[string]bool{}
	for _, h := range hunks {
		patched[strings.TrimSuffix(h.File, ".patch")] = true
	}
	for name := range patched {
		if _, ok := mutant.Named(name); !ok && name != "Built" {
			t.Errorf("%s.patch is not named after a deliberate bug of package mutant", name)
		}
	}
	for _, m := range mutant.All() {
		if !patched[m.String()] {
			t.Errorf("the deliberate bug %s has no patch", m)
		}
	}
	if !patched["Built"] {
		t.Error("no patch says that the bugs are in the build")
	}
}
