package causal

import (
	"slices"
	"sort"
)

// byValue judges a key without versions: a read must not show what was
// overwritten in its past (WriteCORead), or nothing where the past has a write
// that no delete explains (WriteCOInitRead).
type byValue struct {
	*judge
	of    *register
	lines []line
	index map[int32]int // line → its place in lines
	row   map[OpID]int  // operation → its place in the table
	past  []int32       // a row for each operation: how many writes of each line are in its past
}

// line is the writes to one key in one line, in order.
type line struct {
	number int32
	writes []OpID
}

func newByValue(j *judge, r *register) *byValue {
	v := &byValue{judge: j, of: r, index: map[int32]int{}, row: map[OpID]int{}}
	for i, id := range r.ops {
		v.row[id] = i
		p := j.place[id]
		if p.line < 0 {
			continue
		}
		n, seen := v.index[p.line]
		if !seen {
			n = len(v.lines)
			v.index[p.line] = n
			v.lines = append(v.lines, line{number: p.line})
		}
		v.lines[n].writes = append(v.lines[n].writes, id)
	}
	for _, l := range v.lines {
		slices.SortFunc(l.writes, func(a, b OpID) int { return int(j.place[a].n - j.place[b].n) })
	}
	v.past = make([]int32, len(r.ops)*len(v.lines))
	return v
}

func (v *byValue) block(b *block) {
	for n, l := range v.lines {
		if l.number < b.first || l.number >= b.first+width {
			continue
		}
		for i, id := range v.of.ops {
			for _, p := range v.ops[id].Parents {
				at := &v.past[i*len(v.lines)+n]
				*at = max(*at, b.clocks[p][l.number-b.first])
			}
		}
	}
}

// in reports whether a write is in the past of an operation.
func (v *byValue) in(write, op OpID) bool {
	p := v.place[write]
	return p.line >= 0 && v.past[v.row[op]*len(v.lines)+v.index[p.line]] >= p.n
}

// latest yields, of each line, the last write in the past of an operation of
// which something may be asked.
func (v *byValue) latest(op OpID) func(func(OpID) bool) {
	return func(yield func(OpID) bool) {
		row := v.past[v.row[op]*len(v.lines):]
		for n, l := range v.lines {
			i := sort.Search(len(l.writes), func(i int) bool { return v.place[l.writes[i]].n > row[n] })
			for i > 0 && v.lost(l.writes[i-1]) {
				i--
			}
			if i > 0 && !yield(l.writes[i-1]) {
				return
			}
		}
	}
}

func (v *byValue) finish() {
	for _, id := range v.of.ops {
		if v.ops[id].Kind == Get && v.overwritten(id) {
			v.charges = append(v.charges, charge{id, func(w OpID) bool { return !v.lost(w) && v.shows(id, w) }})
		}
	}
}

// shows reports whether a write in the past of a read proves it wrong: it comes
// after what was read or, where nothing was, it is not overwritten itself.
func (v *byValue) shows(read, write OpID) bool {
	if s := v.source[read]; s != none {
		return write != s && v.in(s, write)
	}
	return !v.beaten(write, read)
}

func (v *byValue) wins(a, b OpID) bool { return a != b && v.in(b, a) }

// overwritten reports whether a read shows what its past has overwritten.
func (v *byValue) overwritten(read OpID) bool {
	if s := v.source[read]; s != none {
		return v.beaten(s, read)
	}
	some := false
	for range v.latest(read) {
		some = true
	}
	if !some {
		return false
	}
	for _, d := range v.of.ops {
		o := &v.ops[d]
		if o.Kind == Delete && o.Start <= v.ops[read].End && !v.beaten(d, read) &&
			(o.Start < v.ops[read].End || !v.follows(d, read)) {
			return false
		}
	}
	return true
}

// beaten reports whether a read's past has a write that comes after another one.
func (v *byValue) beaten(write, read OpID) bool {
	for m := range v.latest(read) {
		if m != write && v.in(write, m) {
			return true
		}
	}
	return false
}
