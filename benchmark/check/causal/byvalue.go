package causal

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// tableSize bounds the numbers in the tables of keys that are judged together, if there is
// more than one key.
const tableSize = 1 << 26

// byValue judges keys without versions, as many at a time as the bound allows.
func (j *judge) byValue(registers []*register) {
	j.row = make([]int32, len(j.ops))
	for len(registers) > 0 {
		group := j.together(registers)
		registers = registers[len(group):]
		j.measure(j.axes, func(b *block) {
			for _, v := range group {
				v.fill(b)
			}
		})
		for _, v := range group {
			v.decide()
		}
	}
}

// together takes keys from the front: as many as tableSize allows, but at least one.
func (j *judge) together(registers []*register) []*values {
	var group []*values
	size := 0
	for _, r := range registers {
		v := newValues(j, r)
		n := len(r.ops) * len(v.lines)
		if size += n; len(group) > 0 && size > tableSize {
			break
		}
		v.past = make([]int32, n)
		group = append(group, v)
	}
	return group
}

// values is a key judged by values alone. The question: is there an order of its writes
// that contains causal order, and in which every read shows the last write of its past or a
// later one?
//
// Lost writes are left out, and so are their reads.
type values struct {
	*judge
	of    *register
	lines []line
	index map[int32]int // by axis of a line: its place in lines
	past  []int32       // a row for each operation: how far its past reaches along each line
}

// line holds the writes to one key on one line of writes, in order.
type line struct {
	axis   int32
	writes []OpID
}

func newValues(j *judge, r *register) *values {
	v := &values{judge: j, of: r, index: map[int32]int{}}
	for i, id := range r.ops {
		j.row[id] = int32(i)
		p := j.axes.place[id]
		if p.axis < 0 || j.lost(id) {
			continue
		}
		n, seen := v.index[p.axis]
		if !seen {
			n = len(v.lines)
			v.index[p.axis] = n
			v.lines = append(v.lines, line{axis: p.axis})
		}
		v.lines[n].writes = append(v.lines[n].writes, id)
	}
	slices.SortFunc(v.lines, func(a, b line) int { return cmp.Compare(a.axis, b.axis) })
	for n, l := range v.lines {
		v.index[l.axis] = n
		slices.SortFunc(l.writes, func(a, b OpID) int { return cmp.Compare(v.n(a), v.n(b)) })
	}
	return v
}

// n returns the place of a write on its line.
func (v *values) n(write OpID) int32 { return v.axes.place[write].n }

// fill copies what a block has of the pasts of the operations on the key.
func (v *values) fill(b *block) {
	from := sort.Search(len(v.lines), func(n int) bool { return v.lines[n].axis >= b.first })
	to := sort.Search(len(v.lines), func(n int) bool { return v.lines[n].axis >= b.first+width })
	if from == to {
		return
	}
	lines := v.lines[from:to]
	for i, id := range v.of.ops {
		past := v.past[i*len(v.lines)+from:][:len(lines)]
		for _, p := range v.context(id) {
			c := b.clocks[p]
			if c == &start {
				continue
			}
			for n := range lines {
				past[n] = max(past[n], c[lines[n].axis-b.first])
			}
		}
	}
}

// pastOf returns the row of an operation.
func (v *values) pastOf(op OpID) []int32 {
	i := int(v.row[op]) * len(v.lines)
	return v.past[i : i+len(v.lines)]
}

// in reports whether a write is in the past of an operation on the key.
func (v *values) in(write, op OpID) bool {
	n, ok := v.index[v.axes.place[write].axis]
	return ok && v.pastOf(op)[n] >= v.n(write)
}

// latest yields, of each line, the last write in the past of an operation.
func (v *values) latest(op OpID) iter.Seq[OpID] {
	return func(yield func(OpID) bool) {
		past := v.pastOf(op)
		for n, l := range v.lines {
			i := sort.Search(len(l.writes), func(i int) bool { return v.n(l.writes[i]) > past[n] })
			if i > 0 && !yield(l.writes[i-1]) {
				return
			}
		}
	}
}

// decide looks for an order. If there is none, it reports the simplest reason.
func (v *values) decide() {
	end, agreed := v.end()
	if !agreed {
		v.divergence(v.of)
		return
	}
	o := newOrdering(v, end)
	if o.complete() || v.direct() {
		return
	}
	if end.judged {
		before := newOrdering(v, ending{})
		if before.complete() {
			v.endByValue(end, o)
			return
		}
		o = before
	}
	v.add(KeyOrder, o.why(), "no order of the writes to %q explains the reads of it: each of these must be below the next, and the last below the first", v.of.key)
}

// direct charges reads that show a write which another write of their past overwrote
// (WriteCORead). It also charges reads that show nothing although their past has a write
// that no delete explains (WriteCOInitRead).
func (v *values) direct() bool {
	some := false
	for _, id := range v.of.ops {
		if v.ops[id].Kind == Get && v.overwritten(id) {
			some = true
			v.charges = append(v.charges, charge{id, v.of, func(w OpID) bool { return !v.lost(w) && v.proves(id, w) }})
		}
	}
	return some
}

func (v *values) overwritten(read OpID) bool {
	if s := v.source[read]; s != none {
		return !v.lost(s) && v.beaten(s, read)
	}
	empty := true
	for range v.latest(read) {
		empty = false
	}
	if empty {
		return false
	}
	for _, d := range slices.Backward(v.of.ops) { // a late delete is the most likely one
		if v.excuses(d, read) && !v.beaten(d, read) {
			return false
		}
	}
	return true
}

// excuses reports whether a delete may have taken effect before a read ended.
func (v *values) excuses(d, read OpID) bool {
	o, end := &v.ops[d], v.ops[read].End
	return o.Kind == Delete && !v.spent[d] && (o.Start < end || o.Start == end && !v.follows(d, read, end))
}

// beaten reports whether the past of a read has a write that comes after another write.
func (v *values) beaten(write, read OpID) bool {
	for m := range v.latest(read) {
		if m != write && v.in(write, m) {
			return true
		}
	}
	return false
}

// proves reports whether a write in the past of a read proves the read wrong. Such a write
// comes after the write that was read. If the read found nothing, it is a write that is not
// overwritten.
func (v *values) proves(read, write OpID) bool {
	if s := v.source[read]; s != none {
		return write != s && v.in(s, write)
	}
	return !v.beaten(write, read)
}

// end returns what the replicas of the key hold at the end; agreed is false if they differ.
// Tombstones of different deletes differ, as values do. Lost writes do not count.
func (v *values) end() (e ending, agreed bool) {
	if len(v.of.finals) == 0 || v.diverged(v.of) {
		return ending{}, true // reported elsewhere
	}
	e = ending{judged: true, held: none}
	for _, i := range v.of.finals {
		switch s := v.shown[i]; {
		case s == none || s == e.held:
		case e.held == none || v.lost(e.held):
			e.held = s
		case !v.lost(s):
			return e, false
		}
	}
	return e, true
}

// endByValue reports the final state as the violation: without it there would be an order.
func (v *values) endByValue(end ending, o *ordering) {
	final := v.of.finals[0]
	if m := v.above(end.held); m != none {
		v.missing(final, m)
	} else {
		v.add(Resurrected, o.why(), "a get found the key deleted, and at the end it is back (I19): %v", v.h.Final[final])
	}
}

// above returns a write that must be above the write that was held; none if there is none.
func (v *values) above(held OpID) OpID {
	owed := v.owed(v.of)
	for _, id := range v.of.ops {
		switch o := &v.ops[id]; {
		case o.Write() && (!v.took[id] || v.lost(id)):
		case held == none && o.Kind == Put && !slices.ContainsFunc(owed, func(m OpID) bool { return m != id && v.in(id, m) }):
			return id
		case held == none || id == held || !v.in(held, id):
		case o.Write():
			return id
		case v.source[id] != none && v.source[id] != held && !v.lost(v.source[id]):
			return v.source[id]
		}
	}
	return none
}
