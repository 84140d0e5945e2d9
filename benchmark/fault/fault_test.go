package fault

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsReadBackAsTheyAreWritten(t *testing.T) {
	const s = time.Second
	for text, want := range map[string]Fault{
		"kill-primary@10s":       {KillPrimary, nil, 10 * s, 0},
		"kill=1@5s":              {Kill, []int{1}, 5 * s, 0},
		"restart=1@8s":           {Restart, []int{1}, 8 * s, 0},
		"pause=1@10s+5s":         {Pause, []int{1}, 10 * s, 5 * s},
		"pause=0@0s+1.5s":        {Pause, []int{0}, 0, 1500 * time.Millisecond},
		"cut=2@3s+2s":            {Cut, []int{2}, 3 * s, 2 * s},
		"cut=3,4@3s+2s":          {Cut, []int{3, 4}, 3 * s, 2 * s},
		"cut-one-way=0:2@3s+2s":  {CutOneWay, []int{0, 2}, 3 * s, 2 * s},
		"view=0,1,2@5s":          {View, []int{0, 1, 2}, 5 * s, 0},
		"view=3@5s":              {View, []int{3}, 5 * s, 0},
		"shrink=4@2s":            {Shrink, []int{4}, 2 * s, 0},
		"grow=4@4s":              {Grow, []int{4}, 4 * s, 0},
		"cut-one-way=10:0@1m+1s": {CutOneWay, []int{10, 0}, 60 * s, s},
	} {
		got, err := Parse(text)
		again, err2 := Parse(got.String())
		if err != nil || err2 != nil || !cmp.Equal(got, want) || !cmp.Equal(again, want) {
			t.Errorf("%s: %+v %q, err %v %v", text, got, got, err, err2)
		}
	}
}

func TestEveryActionHasAnExample(t *testing.T) {
	for action, form := range forms {
		if f, err := Parse(form.example); err != nil || f.Action != action || f.String() != form.example {
			t.Errorf("%s: %+v, err %v", form.example, f, err)
		}
		if !strings.Contains(Examples(), form.example) {
			t.Errorf("%s is not among %s", form.example, Examples())
		}
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "unknown action",
		"flood@1s":               "unknown action \"flood\"; there are cut-one-way=0:2@10s+5s, cut=2@10s+5s",
		"pause":                  "no @ with a time; write it like pause=1@10s+5s",
		"kill-primary":           "no @ with a time",
		"kill-primary@":          "invalid duration",
		"kill-primary@10":        "missing unit",
		"kill-primary=1@1s":      "kill-primary names no node; write it like kill-primary@10s",
		"kill-primary@1s+1s":     "kill-primary has no length",
		"pause@1s+1s":            "pause names one node",
		"pause=1@1s":             "pause has a length",
		"pause=x@1s+1s":          `"x" is no node`,
		"pause=-1@1s+1s":         `"-1" is no node`,
		"pause=1,2@1s+1s":        `"1,2" is no node`,
		"pause=1@-1s+1s":         "negative",
		"pause=1@1s+0s":          "not positive",
		"cut=@1s+1s":             `"" is no node`,
		"cut=2@1s":               "cut has a length",
		"cut=2,2@1s+1s":          "node 2 is there twice",
		"cut-one-way=2@1s+1s":    "cut-one-way names 2 nodes",
		"cut-one-way=1:1@1s+1s":  "node 1 is there twice",
		"cut-one-way=0,2@1s+1s":  `"0,2" is no node; write it like cut-one-way=0:2@10s+5s`,
		"view@1s":                "view names one node or more",
		"view=0,1@1s+1s":         "view has no length",
		"grow=1,2@1s":            `"1,2" is no node`,
		"restart=1@5s, kill=1@3": "unknown unit",
	} {
		if f, err := Parse(text); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "\n", "; "), want) {
			t.Errorf("%q: %+v, err %v, want %q in it", text, f, err, want)
		}
	}
}

func TestTheScenarioFitsItsClusterAndItsTime(t *testing.T) {
	s := Changes()
	for _, f := range s.Faults {
		if f.At+f.For >= s.Duration {
			t.Errorf("%v ends after %v", f, s.Duration)
		}
		for _, n := range f.Nodes {
			if n >= s.Nodes {
				t.Errorf("%v: there are %d nodes", f, s.Nodes)
			}
		}
	}
}
