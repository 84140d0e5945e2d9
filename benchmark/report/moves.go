package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Move is a view that moves keys between shards, put to all nodes at once. Its time ends
// when the last node has answered that it is ready.
type Move struct {
	Step        string
	Keys, Moved int             // keys in the cluster, and keys that changed their shard
	Took        []time.Duration // of each round
	CPU         []time.Duration // of all nodes during the move
	Repeated    int             // PUTs that had to be repeated because a node was not ready by the bound
}

// PrintMoves writes one line for each step. Keys per second count each moved key once,
// however many replicas its shard has.
func PrintMoves(w io.Writer, moves []Move) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "keys\tview\trounds\tmoved\tto the last 200\tmin…max\tkeys/s\tserver CPU\trepeated\t")
	for i := range moves {
		m := &moves[i]
		rate := "-"
		if m.Moved > 0 {
			rate = fmt.Sprintf("%.0f", float64(m.Moved)/middle(m.Took).Seconds())
		}
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%s\t%s…%s\t%s\t%s\t%d\t\n", m.Keys, m.Step, len(m.Took), m.Moved, brief(middle(m.Took)),
			brief(slices.Min(m.Took)), brief(slices.Max(m.Took)), rate, brief(middle(m.CPU)), m.Repeated)
	}
	return t.Flush()
}
