package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// Pair is one scenario, measured in turns on a baseline and on another side. Base[i] and
// Other[i] ran next to each other, so other load of the machine affects both.
type Pair struct {
	Scenario    string
	Base, Other []Run
}

// Ratios are the throughputs of Other over those of Base, sorted.
func (p *Pair) Ratios() []float64 {
	var ratios []float64
	for i := range min(len(p.Base), len(p.Other)) {
		if base := p.Base[i].PerSecond(); base > 0 {
			ratios = append(ratios, p.Other[i].PerSecond()/base)
		}
	}
	slices.Sort(ratios)
	return ratios
}

// PrintComparison writes one line for each scenario: median throughputs, the ratio of the
// turns (median, lowest and highest), and the median CPU of the servers.
func PrintComparison(w io.Writer, base, other string, pairs []Pair) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "scenario\t%s op/s\t%s op/s\tratio\tmin…max\t%s CPU/op\t%s CPU/op\t\n", base, other, base, other)
	for i := range pairs {
		p := &pairs[i]
		ratios := p.Ratios()
		spread := "-"
		if len(ratios) > 0 {
			spread = fmt.Sprintf("%.2f…%.2f", ratios[0], ratios[len(ratios)-1])
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.2f×\t%s\t%s\t%s\t\n", p.Scenario, median(each(p.Base, throughput)), median(each(p.Other, throughput)),
			median(ratios), spread, micros(p.Base), micros(p.Other))
	}
	return t.Flush()
}

func throughput(r *Run) (float64, bool) { return r.PerSecond(), true }

func cpuMicros(r *Run) (float64, bool) {
	d, known := r.CPUPerOp()
	return float64(d.Nanoseconds()) / 1000, known
}

func micros(runs []Run) string {
	if m := median(each(runs, cpuMicros)); !math.IsNaN(m) {
		return fmt.Sprintf("%.1fµs", m)
	}
	return "-"
}

// each collects a figure of the runs that have it.
func each(runs []Run, f func(*Run) (float64, bool)) []float64 {
	var all []float64
	for i := range runs {
		if v, known := f(&runs[i]); known {
			all = append(all, v)
		}
	}
	return all
}

// median returns NaN if there are no figures.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}
