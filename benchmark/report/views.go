package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// ViewPut is one view, put to all members of a cluster at once, and the time
// until the last of them had answered that it is ready.
type ViewPut struct {
	Step          string
	Members, Keys int
	Took          []time.Duration // of each round
	CPU           []time.Duration // of all nodes meanwhile
	Repeated      int             // PUTs that had to be repeated because a node was not ready by the bound
}

// PrintViewPuts writes one line a view.
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

// middle is the median, or the one above it.
func middle(all []time.Duration) time.Duration { return slices.Sorted(slices.Values(all))[len(all)/2] }
