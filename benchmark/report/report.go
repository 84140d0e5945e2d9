// Package report turns a history into figures, and figures and verdicts into text: one line
// for each run, one table for each comparison, one line for the verdict. It is pure except
// for the writers that it is given.
package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Latency holds how long the operations of one kind took.
type Latency struct {
	Count                    int64   // operations
	PerSecond                float64 // throughput over the window
	P50, P90, P99, P999, Max time.Duration
}

// Run holds the figures of one workload. It counts operations that took effect and that
// started and ended inside the window.
type Run struct {
	Name       string
	Window     time.Duration // length of the measurement
	Kinds      map[history.Kind]Latency
	Done       int64         // operations of all kinds
	NotApplied int64         // refused operations, and reads without an answer
	Unknown    int64         // writes whose effect is not known
	CPU        time.Duration // of all servers during the window; negative: not known
}

// PerSecond is the throughput over all kinds.
func (r *Run) PerSecond() float64 { return float64(r.Done) / r.Window.Seconds() }

// CPUPerOp is the servers' processor time for one operation. It returns false if the time
// is not known.
func (r *Run) CPUPerOp() (time.Duration, bool) {
	if r.CPU < 0 || r.Done == 0 {
		return 0, false
	}
	return r.CPU / time.Duration(r.Done), true
}

// longest is the longest latency that is distinguished, in microseconds.
const longest = int64(10 * time.Minute / time.Microsecond)

// Measure computes the figures of a history between from and to, in nanoseconds of the
// history. Latencies have three significant digits.
func Measure(name string, ops []history.Op, from, to int64, cpu time.Duration) Run {
	r := Run{Name: name, Window: time.Duration(to - from), Kinds: map[history.Kind]Latency{}, CPU: cpu}
	kinds := map[history.Kind]*hdrhistogram.Histogram{}
	for i := range ops {
		o := &ops[i]
		if o.Start < from || o.End > to {
			continue
		}
		switch o.Outcome {
		case history.NotApplied:
			r.NotApplied++
			continue
		case history.Unknown:
			r.Unknown++
			continue
		}
		h := kinds[o.Kind]
		if h == nil {
			h = hdrhistogram.New(1, longest, 3)
			kinds[o.Kind] = h
		}
		_ = h.RecordValue(min((o.End-o.Start)/int64(time.Microsecond), longest)) // within its range
		r.Done++
	}
	for kind, h := range kinds {
		r.Kinds[kind] = latency(h, r.Window)
	}
	return r
}

func latency(h *hdrhistogram.Histogram, window time.Duration) Latency {
	at := func(percent float64) time.Duration {
		return time.Duration(h.ValueAtPercentile(percent)) * time.Microsecond
	}
	return Latency{
		Count: h.TotalCount(), PerSecond: float64(h.TotalCount()) / window.Seconds(),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(h.Max()) * time.Microsecond,
	}
}

// Print writes a table of runs: for each, one line for each kind of operation.
func Print(w io.Writer, runs ...Run) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "run\top\top/s\tp50\tp90\tp99\tp99.9\tmax\tserver CPU/op\tnot applied\tunknown\t")
	for _, r := range runs {
		for _, kind := range []history.Kind{history.Put, history.Get, history.Delete} {
			if l, there := r.Kinds[kind]; there {
				fmt.Fprintf(t, "%s\t%v\t%.0f\t%v\t%v\t%v\t%v\t%v\t%s\t%d\t%d\t\n", r.Name, kind, l.PerSecond, round(l.P50), round(l.P90),
					round(l.P99), round(l.P999), round(l.Max), cpu(r.CPUPerOp()), r.NotApplied, r.Unknown)
			}
		}
		if r.Done == 0 {
			fmt.Fprintf(t, "%s\tnone\t0\t-\t-\t-\t-\t-\t-\t%d\t%d\t\n", r.Name, r.NotApplied, r.Unknown)
		}
	}
	return t.Flush()
}

func round(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}

func cpu(d time.Duration, known bool) string {
	if !known {
		return "-"
	}
	return fmt.Sprintf("%.1fµs", float64(d)/float64(time.Microsecond))
}

// Verdict is the result of the judges on a history.
type Verdict struct {
	Causal     bool           // of a causal bucket: contexts were judged, and the final state of replicas
	Operations int            // that the witness ordered; causal: with an effect or an answer
	Slices     int            // slices that Porcupine searched
	Keys       int            // causal: keys that were judged
	Ended      bool           // causal: the final state of replicas was recorded
	Violations []fmt.Stringer // the first line of each names the broken rule
}

// Clean reports whether no judge found a violation.
func (v *Verdict) Clean() bool { return len(v.Violations) == 0 }

// String is the verdict line. The violations of a bad verdict follow the line.
func (v *Verdict) String() string {
	if v.Clean() {
		return "verdict: " + v.good()
	}
	var b strings.Builder
	brief, _, _ := strings.Cut(v.Violations[0].String(), "\n")
	fmt.Fprintf(&b, "verdict: NOT %s: %s", v.what(), brief)
	for _, violation := range v.Violations {
		fmt.Fprintf(&b, "\n  %v", violation)
	}
	return b.String()
}

func (v *Verdict) what() string {
	if v.Causal {
		return "causally consistent"
	}
	return "linearizable"
}

func (v *Verdict) good() string {
	if !v.Causal {
		return fmt.Sprintf("%s (witness %d operations, porcupine %d slices)", v.what(), v.Operations, v.Slices)
	}
	end := "replicas equal at the end"
	if !v.Ended {
		end = "nobody looked at the replicas at the end"
	}
	return fmt.Sprintf("%s (%d operations on %d keys, %s)", v.what(), v.Operations, v.Keys, end)
}
