package process

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/benchmark"
)

func TestTheTimesOfViewsAreMeasured(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cfg := benchmark.DefaultViews(&out)
	cfg.Binary, cfg.LogDir, cfg.Members, cfg.Keys, cfg.Rounds = path, t.TempDir(), []int{3}, []int{10}, 2
	r, err := benchmark.Views(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, p := range r.Puts {
		steps = append(steps, p.Step)
	}
	if got, want := strings.Join(steps, "; "), "first view, no keys; one member less; it joins, empty; the same again; again, to one"; got != want {
		t.Errorf("got  %s\nwant %s\n%s", got, want, out.String())
	}
}
