package process

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark"
)

// TestTheTimesOfViewsAreMeasured compares which changes were measured, in which order and how
// often, and times with one another. How long a change takes depends on the machine.
func TestTheTimesOfViewsAreMeasured(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cfg := benchmark.DefaultViews(&out)
	cfg.Binary, cfg.LogDir, cfg.Members, cfg.Keys, cfg.Rounds = path, t.TempDir(), []int{3}, []int{10}, 2
	begun := time.Now()
	r, err := benchmark.Views(t.Context(), cfg)
	elapsed := time.Since(begun)
	if err != nil {
		t.Fatal(err)
	}
	type measured struct {
		Step                        string
		Members, Keys, Times, Loads int
	}
	var got []measured
	var sum time.Duration
	for _, p := range r.Puts {
		got = append(got, measured{p.Step, p.Members, p.Keys, len(p.Took), len(p.CPU)})
		for i, took := range p.Took {
			if sum += took; took <= 0 || p.CPU[i] < 0 {
				t.Errorf("%s, round %d: took %v, and %v of the processors", p.Step, i+1, took, p.CPU[i])
			}
		}
	}
	want := []measured{
		{"first view, no keys", 3, 10, 1, 1},
		{"one member less", 3, 10, 2, 2},
		{"it joins, empty", 3, 10, 2, 2},
		{"the same again", 3, 10, 2, 2},
		{"again, to one", 3, 10, 2, 2},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if sum >= elapsed {
		t.Errorf("the changes took %v together, and came one after another within %v", sum, elapsed)
	}
	for _, step := range want {
		if strings.Count(out.String(), " "+step.Step+" ") != 1 {
			t.Errorf("%q is not one line of the table:\n%s", step.Step, out.String())
		}
	}
}
