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
		"kill-primary@10s":       {Action: KillPrimary, At: 10 * s},
		"kill=1@5s":              {Action: Kill, Nodes: []int{1}, At: 5 * s},
		"restart=1@8s":           {Action: Restart, Nodes: []int{1}, At: 8 * s},
		"pause=1@10s+5s":         {Action: Pause, Nodes: []int{1}, At: 10 * s, For: 5 * s},
		"pause=0@0s+1.5s":        {Action: Pause, Nodes: []int{0}, At: 0, For: 1500 * time.Millisecond},
		"cut=2@3s+2s":            {Action: Cut, Nodes: []int{2}, At: 3 * s, For: 2 * s},
		"cut=3,4@3s+2s":          {Action: Cut, Nodes: []int{3, 4}, At: 3 * s, For: 2 * s},
		"cut-one-way=0:2@3s+2s":  {Action: CutOneWay, Nodes: []int{0, 2}, At: 3 * s, For: 2 * s},
		"view=0,1,2@5s":          {Action: View, Nodes: []int{0, 1, 2}, At: 5 * s},
		"view=3@5s":              {Action: View, Nodes: []int{3}, At: 5 * s},
		"shards=0,1/2@5s":        {Action: Shards, Nodes: []int{0, 1, 2}, Shards: [][]int{{0, 1}, {2}}, At: 5 * s},
		"shrink=4@2s":            {Action: Shrink, Nodes: []int{4}, At: 2 * s},
		"grow=4@4s":              {Action: Grow, Nodes: []int{4}, At: 4 * s},
		"cut-one-way=10:0@1m+1s": {Action: CutOneWay, Nodes: []int{10, 0}, At: 60 * s, For: s},
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
		"shards=0,1/@1s":         `"" is no node`,
		"shards=0/1/0@1s":        "node 0 is there twice",
		"grow=1,2@1s":            `"1,2" is no node`,
		"restart=1@5s, kill=1@3": "unknown unit",
	} {
		if f, err := Parse(text); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "\n", "; "), want) {
			t.Errorf("%q: %+v, err %v, want %q in it", text, f, err, want)
		}
	}
}

func TestScenariosFitTheirClustersAndTheirTimes(t *testing.T) {
	for _, name := range Names() {
		s := ScenarioNamed(name)
		for _, f := range s.Faults {
			if f.At+f.For >= s.Duration {
				t.Errorf("%s: %v ends after %v", name, f, s.Duration)
			}
			for _, n := range f.Nodes {
				if n >= s.Nodes {
					t.Errorf("%s: %v: there are %d nodes", name, f, s.Nodes)
				}
			}
		}
	}
}
