package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// ViewPut is one view, put to all members at once. Its time ends when the last member has
// answered that it is ready.
type ViewPut struct {
	Step          string
	Members, Keys int             // members of the view, and keys in the cluster
	Took          []time.Duration // of each round
	CPU           []time.Duration // of all nodes during the change
	Repeated      int             // PUTs that had to be repeated because a node was not ready by the bound
}

// PrintViewPuts writes one line for each view.
func PrintViewPuts(w io.Writer, puts []ViewPut) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "members\tkeys\tview\trounds\tto the last 200\tmin…max\tserver CPU\trepeated\t")
	for i := range puts {
		p := &puts[i]
		fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%s\t%s…%s\t%s\t%d\t\n", p.Members, p.Keys, p.Step, len(p.Took), brief(middle(p.Took)),
			brief(slices.Min(p.Took)), brief(slices.Max(p.Took)), brief(middle(p.CPU)), p.Repeated)
	}
	return t.Flush()
}

// middle returns the median; of an even number, the upper one of the two in the middle.
func middle(all []time.Duration) time.Duration { return slices.Sorted(slices.Values(all))[len(all)/2] }
