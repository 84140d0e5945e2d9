package linear

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cohortkv/cohort/benchmark/history"
)

// maxSlice is the number of operations that Porcupine is given at once: its work
// grows faster than the length of a slice. Key halves slices that are too hard,
// down to minSlice.
const (
	maxSlice = 1000
	minSlice = 8
)

// Result is the verdict of Key on one key.
type Result struct {
	Operations int // operations with an effect or an answer; the others say nothing
	Slices     int
	Violations []Violation
}

// ByKey groups a history by key, in order of first appearance.
func ByKey(ops []history.Op) [][]history.Op {
	var keys [][]history.Op
	index := map[string]int{}
	for _, o := range ops {
		i, seen := index[o.Key]
		if !seen {
			i = len(keys)
			index[o.Key] = i
			keys = append(keys, nil)
		}
		keys[i] = append(keys[i], o)
	}
	return keys
}

// item is an operation as Porcupine sees it. It has no number. Its end says when,
// at the latest, it had taken effect.
type item struct {
	op       *history.Op
	found    history.Existence
	end      int64
	optional bool // a write with unknown outcome: it may take effect at any time after its start, or never
}

// Key judges the operations on one key, which is absent at the beginning, without
// looking at their numbers.
//
// The history is cut where few operations are open. Every linearization passes each
// cut in some configuration: the value at the cut, and the set of open operations
// that have taken effect already. For every slice, Key finds with Porcupine all
// configurations in which the slice can end, from any in which it can begin.
//
// If no configuration is left, the history is not linearizable. If one is left at
// the end, the linearizations of the slices together are one of the whole history.
// The cuts therefore never change the verdict.
//
// If the value of an unanswered put was read, the put had taken effect when the
// first such read ended, and is judged as a put that ended then. Other unknown
// writes stay open for ever.
func Key(ops []history.Op) Result { return sliced(ops, maxSlice) }

func sliced(ops []history.Op, size int) Result {
	var f findings
	wellFormed(ops, &f)
	items := itemsOf(ops, &f)
	if len(f.list) > 0 {
		return Result{Operations: len(items), Violations: f.list}
	}
	c := explain(items, size)
	return Result{Operations: len(items), Slices: c.slices, Violations: c.list}
}

func itemsOf(ops []history.Op, f *findings) []*item {
	readBy := map[history.Value]int64{} // value → end of the first read of it that ended
	for i := range ops {
		if o := &ops[i]; o.Kind == history.Get && o.Outcome == history.OK {
			if end, seen := readBy[o.Value]; !seen || o.End < end {
				readBy[o.Value] = o.End
			}
		}
	}
	var items []*item
	for i := range ops {
		o := &ops[i]
		switch {
		case o.Outcome == history.OK && answered(o, f):
			found, _ := o.Found()
			items = append(items, &item{op: o, found: found, end: o.End})
		case o.Outcome == history.Unknown && o.Write():
			it := &item{op: o, end: math.MaxInt64, optional: true}
			if end, seen := readBy[o.Value]; seen && o.Kind == history.Put {
				it.end, it.optional = max(end, o.Start), false
			}
			items = append(items, it)
		}
	}
	slices.SortStableFunc(items, func(a, b *item) int { return cmp.Compare(a.op.Start, b.op.Start) })
	return items
}

// cutter walks through the history of one key slice by slice.
type cutter struct {
	findings
	items    []*item // ordered by start
	ends     []int64 // of items that are not optional, ascending
	size     int     // operations in a slice at most
	slices   int     // slices judged so far
	fastPath bool    // end at the first slice that fails, without evidence
	stuck    int64   // the start of the slice that failed, if the history was not accepted
}

// judge advances from cut to cut. A slice that Porcupine cannot decide within its
// bounds is tried again at half the length, from the same configurations.
func (c *cutter) judge() {
	at := frontier{configs: []config{{}}, cut: math.MinInt64}
	size := c.size
	for from := 0; from < len(c.items); {
		to, cut := c.cut(from, size)
		next, ok := at.advance(c.items[from:to], cut)
		switch {
		case !ok && size/2 >= minSlice:
			size /= 2
		case len(next.configs) == 0 && c.fastPath:
			c.stuck = c.items[from].op.Start
			c.add(NoOrder, nil, "a quick try finds none")
			return
		case !ok:
			c.add(Undecided, c.around(to), "too many operations overlap here for Porcupine; use more keys or fewer clients")
			return
		case len(next.configs) == 0:
			c.confirm(at, from, to)
			return
		default:
			at, from = next, to
			c.slices++
			size = min(size*2, c.size)
		}
	}
}

// never is the cut behind the last operation.
const never = math.MaxInt64 - 1

// cut chooses the end of a slice that begins with item from. Among the starts in
// the second half of the slice, it takes the one at which the fewest operations are
// open. A cut lies just before a start, and items that start together stay
// together.
func (c *cutter) cut(from, size int) (to int, cut int64) {
	if from+size >= len(c.items) {
		return len(c.items), never
	}
	best := math.MaxInt
	for i := from + size; i > from+size/2; i-- {
		if open := c.open(i); c.items[i-1].op.Start < c.items[i].op.Start && open < best {
			best, to = open, i
		}
	}
	if to == 0 { // all start at once
		for to = from + 1; to < len(c.items) && c.items[to].op.Start == c.items[from].op.Start; to++ {
		}
		if to == len(c.items) {
			return to, never
		}
	}
	return to, c.items[to].op.Start
}

// open counts the operations that begin no later than item i and may not have taken
// effect when item i begins.
func (c *cutter) open(i int) int {
	ended := sort.Search(len(c.ends), func(j int) bool { return c.ends[j] >= c.items[i].op.Start })
	return i - ended
}

// confirm narrows a slice without an order down to its shortest prefix without an
// order, and reports the last operations of that.
func (c *cutter) confirm(at frontier, from, to int) {
	n := sort.Search(to-from, func(n int) bool {
		cut := int64(never)
		if from+n+1 < len(c.items) {
			cut = c.items[from+n+1].op.Start
		}
		next, ok := at.advance(c.items[from:from+n+1], cut)
		return ok && len(next.configs) == 0
	})
	c.add(NoOrder, c.around(min(from+n+1, to)), "no order of the operations explains these answers and all before them; the last ones are")
}

// around returns the operations that start just before item i.
func (c *cutter) around(i int) []history.Op {
	var ops []history.Op
	for _, it := range c.items[max(0, i-shown/2):i] {
		ops = append(ops, *it.op)
	}
	return ops
}
