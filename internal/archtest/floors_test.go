package archtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFloorsStandOnWhatIsImported(t *testing.T) {
	graph := map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": nil, "d": nil, "e": {"d"}}
	want := [][]string{{"c", "d"}, {"b", "e"}, {"a"}}
	if diff := cmp.Diff(want, Floors(graph)); diff != "" {
		t.Error(diff)
	}
}

func TestThePictureHasEveryPackageOnce(t *testing.T) {
	tree, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	graph := tree.Graph()
	var shown []string
	for line := range strings.Lines(tree.Picture()) {
		if pkg, found := strings.CutPrefix(line, "  "); found {
			shown = append(shown, strings.Fields(pkg)[0])
		}
	}
	var packages []string
	for _, src := range tree.Sources {
		packages = append(packages, src.Package())
	}
	slices.Sort(packages)
	slices.Sort(shown)
	if diff := cmp.Diff(slices.Compact(packages), shown); diff != "" {
		t.Error(diff)
	}
	height := map[string]int{}
	for i, floor := range Floors(graph) {
		for _, pkg := range floor {
			height[pkg] = i
		}
	}
	for pkg, targets := range graph {
		for _, target := range targets {
			if height[target] >= height[pkg] {
				t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, height[pkg], target, height[target])
			}
		}
	}
}
