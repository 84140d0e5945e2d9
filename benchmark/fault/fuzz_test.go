package fault

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse parses the text form of faults, as flags and scenarios use it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"kill-primary@10s", "pause=0@0s+1.5s", "cut-one-way=10:0@1m+1s", "shards=0,1/2@5s", "view=3@5s", "cut=3,4@3s+2s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(fault.String())
		if err != nil || !cmp.Equal(fault, again) {
			t.Fatalf("%q is %+v, written as %q, which is %+v: %v", text, fault, fault.String(), again, err)
		}
	})
}
