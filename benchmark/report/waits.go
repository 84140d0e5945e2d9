package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Change is one change of the cluster during a run; times are nanoseconds of its history. A
// view ends when all its members are ready.
type Change struct {
	Text     string
	From, To int64 // begin and end, in nanoseconds of the history
}

// Wait is the effect of one change on writes or on reads. The time of a change lasts until
// the next change, or until the end of the measurement. Its effect lasts until the change
// is over and answers come again, at Resumed.
type Wait struct {
	Change Change
	At     time.Duration // of the change, since the begin of the measurement
	Writes bool          // of writes; otherwise of reads

	// Longest is the longest time from request to answer, among the operations that were in
	// flight while the change had effect. An operation that waited across several changes
	// counts at each.
	Longest time.Duration
	// Gap is the longest time without any answer that overlaps the first second of the
	// change, or all of the change if that took longer. It is given in full, even if it
	// began earlier or ended later. Resumed is the end of the gap, counted from the change.
	// Negative: no answer followed.
	Gap, Resumed time.Duration
	// P99 of the operations that ended in the second before the change, of those that were
	// in flight while it had effect, and of those that began after that. Negative: there
	// were none.
	Before, During, After time.Duration
	Refused, Unknown      int // answers with no effect, and requests without an answer, in the time of the change
}

// nearby is the length of the time before a change that the change is compared with. It is
// also the time after a change within which a gap counts as its effect.
const nearby = int64(time.Second)

// Waits computes the effect of each change on writes and reads. ops are sorted by start;
// begin and end are those of the measurement.
func Waits(ops []history.Op, changes []Change, begin, end int64) []Wait {
	changes = slices.SortedStableFunc(slices.Values(changes), func(a, b Change) int { return cmp.Compare(a.From, b.From) })
	var waits []Wait
	writes, reads := ofKind(ops, true), ofKind(ops, false)
	for i, c := range changes {
		until := end
		if i+1 < len(changes) {
			until = changes[i+1].From
		}
		until = max(until, c.From)
		for _, k := range []*kindOps{writes, reads} {
			if len(k.all) > 0 {
				w := k.wait(c, until)
				w.At = time.Duration(c.From - begin)
				waits = append(waits, w)
			}
		}
	}
	return waits
}

// kindOps are the writes of a history, or its reads.
type kindOps struct {
	writes   bool
	all      []history.Op
	answered []int64 // ends of the operations that took effect, sorted
}

func ofKind(ops []history.Op, writes bool) *kindOps {
	k := &kindOps{writes: writes}
	for _, o := range ops {
		if o.Write() != writes {
			continue
		}
		k.all = append(k.all, o)
		if o.Outcome == history.OK {
			k.answered = append(k.answered, o.End)
		}
	}
	slices.Sort(k.answered)
	return k
}

func (k *kindOps) wait(c Change, until int64) Wait {
	w := Wait{Change: c, Writes: k.writes}
	var resumed int64
	w.Gap, resumed = k.gap(c.From, min(until, max(c.To, c.From+nearby)))
	w.Resumed = time.Duration(resumed - c.From)
	settled := max(c.To, resumed)
	if resumed == math.MaxInt64 {
		w.Gap, w.Resumed, settled = -1, -1, until
	}
	var before, during, after tail
	for i := range k.all {
		o := &k.all[i]
		switch {
		case o.Outcome != history.OK:
			w.count(o, c.From, until)
		case o.End < c.From:
			before.add(o, o.End >= c.From-nearby)
		case o.Start > settled:
			after.add(o, o.Start < until)
		default:
			during.add(o, true)
		}
	}
	w.Longest = during.longest
	w.Before, w.During, w.After = before.p99(), during.p99(), after.p99()
	return w
}

// count counts an operation that is not known to have taken effect.
func (w *Wait) count(o *history.Op, from, until int64) {
	switch {
	case o.End < from || o.End >= until:
	case o.Outcome == history.Unknown:
		w.Unknown++
	default:
		w.Refused++
	}
}

// gap returns the longest time between two successive answers that overlaps from..until,
// and its end. If no answer ends the gap, end is the greatest number.
func (k *kindOps) gap(from, until int64) (longest time.Duration, end int64) {
	i, _ := slices.BinarySearch(k.answered, from)
	last, end := from, int64(math.MaxInt64)
	if i > 0 {
		last = k.answered[i-1]
	}
	for ; i < len(k.answered) && last < until; i++ {
		if d := time.Duration(k.answered[i] - last); d > longest {
			longest, end = d, k.answered[i]
		}
		last = k.answered[i]
	}
	if last < until && i == len(k.answered) && time.Duration(until-last) > longest {
		return time.Duration(until - last), math.MaxInt64
	}
	return longest, end
}

// tail collects latencies.
type tail struct {
	histogram *hdrhistogram.Histogram
	longest   time.Duration
}

func (t *tail) add(o *history.Op, counts bool) {
	if !counts {
		return
	}
	if t.histogram == nil {
		t.histogram = hdrhistogram.New(1, longest, 3)
	}
	d := o.End - o.Start
	t.longest = max(t.longest, time.Duration(d))
	_ = t.histogram.RecordValue(min(d/int64(time.Microsecond), longest)) // within its range
}

func (t *tail) p99() time.Duration {
	if t.histogram == nil {
		return -1
	}
	return time.Duration(t.histogram.ValueAtPercentile(99)) * time.Microsecond
}

// PrintWaits writes a table of changes: time, length, and effect on writes and on reads.
func PrintWaits(w io.Writer, waits []Wait) error {
	fmt.Fprintln(w, "what each change cost (no answer for: the longest time around it in which none came; until: its end, from the change on):")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "at\tchange\ttook\tops\tlongest wait\tno answer for\tuntil\tp99 before\tduring\tafter\trefused\tunknown\t")
	for i := range waits {
		v := &waits[i]
		head, kind := "\t\t", "reads"
		if v.Writes {
			kind = "writes"
		}
		if i == 0 || waits[i-1].Change != v.Change {
			head = fmt.Sprintf("%v\t%s\t%s", brief(v.At), v.Change.Text, brief(time.Duration(v.Change.To-v.Change.From)))
		}
		until := "the end"
		if v.Resumed >= 0 {
			until = "+" + brief(v.Resumed)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", head, kind, brief(v.Longest), brief(v.Gap), until,
			brief(v.Before), brief(v.During), brief(v.After), v.Refused, v.Unknown)
	}
	return t.Flush()
}

// brief renders a time for a table; a negative time is shown as none.
func brief(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	return fmt.Sprintf("%.1fms", d.Seconds()*1000)
}
