package harness

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/benchmark/history"
)

func TestTheValuesThatAKeyMayHaveAfterAMerge(t *testing.T) {
	has := func(value string) Contents { return Contents{Data: map[string]string{"k": value}} }
	none := Contents{}
	for _, test := range []struct {
		name        string
		base        Contents
		left, right Contents
		want        []state
	}{
		{"nobody touched it", has("a"), has("a"), has("a"), []state{{"a", true}}},
		{"nobody ever wrote it", none, none, none, []state{{}}},
		{"one side overwrote it", has("a"), has("a"), has("b"), []state{{"b", true}}},
		{"one side deleted it, the other had not touched it", has("a"), none, has("a"), []state{{}}},
		{"one side deleted it, the other overwrote it", has("a"), none, has("b"), []state{{"b", true}}},
		{"both deleted it", has("a"), none, none, []state{{}}},
		{"both overwrote it", has("a"), has("b"), has("c"), []state{{"b", true}, {"c", true}}},
		{"one side made it", none, has("b"), none, []state{{"b", true}}},
	} {
		got := mayBecome("k", test.base, []Contents{test.left, test.right})
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(state{})); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestTheAncestryOfAGroupFollowsItsSplits(t *testing.T) {
	ln := ancestry{{from: 10, nodes: []int{0, 1}}, {from: 20, nodes: []int{1}}}
	for _, test := range []struct {
		at   int64
		node int
		want bool
	}{
		{9, 2, true}, {9, 0, true}, {10, 0, true}, {10, 2, false}, {20, 0, false}, {20, 1, true},
	} {
		if got := ln.has(history.Op{Start: test.at}, test.node); got != test.want {
			t.Errorf("at %d through node %d: %v", test.at, test.node, got)
		}
	}
}
