package causal

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// ordering looks for an order of the writes to one key, from the last write to the first.
// Placing a write never removes another one from the writes that may come next. So taking
// any of these finds an order if there is one.
//
// A write may come when all writes that must be above it have come. These are the writes
// with it in their past, and the writes that were read where it was in the past. A put may
// come only when every 404 with it in its past also has a delete that explains it.
type ordering struct {
	*values
	end            ending
	need           [][]int32 // by line and write: for each line, up to where its writes must be below
	left           []int     // by line: how many writes have not come yet
	checked        []int     // by line: the lines that do not block its last write
	waiting        [][]int   // by line: the lines whose last write waits for this line
	blocker        []int     // by line: what blocks its last write: a line, or itself, or noDelete
	awaitingDelete []int     // lines whose last write waits for a delete
	earliest       int64     // start of the earliest delete that has come
	absent         []absence // in the order in which they ended, without ties
	tied           []absence // those with ties that have no delete yet
	todo           []int
}

const (
	nobody   = -1 - iota
	itself   // a write further down the same line must be above it
	noDelete // a 404 has no delete that explains it
)

// absence is a 404, or a key that no replica held at the end.
type absence struct {
	read  OpID    // none for the end
	until int64   // every delete that began before this time explains it
	tied  []OpID  // so do these, which began at that moment
	past  []int32 // without ties: joined with those of absences that end earlier
}

// ending is what the replicas held of the key at the end, if they agreed.
type ending struct {
	judged bool
	held   OpID // none: no value
}

func newOrdering(v *values, end ending) *ordering {
	n := len(v.lines)
	o := &ordering{
		values: v, end: end, earliest: math.MaxInt64,
		need: make([][]int32, n), left: make([]int, n), checked: make([]int, n), waiting: make([][]int, n), blocker: slices.Repeat([]int{nobody}, n),
	}
	for c, l := range v.lines {
		o.left[c] = len(l.writes)
		o.need[c] = make([]int32, len(l.writes)*n)
	}
	o.needs()
	o.absences()
	return o
}

// needs joins, for each write, its past and the pasts of its readers. What must be below a
// write must also be below the later writes of its line.
func (o *ordering) needs() {
	n := len(o.lines)
	for _, id := range o.of.ops {
		w := id
		if o.ops[id].Kind == Get {
			w = o.source[id]
		}
		if w == none {
			continue
		}
		if c, i, ok := o.at(w); ok {
			raise(o.need[c][i*n:(i+1)*n], o.pastOf(id))
		}
	}
	for c, l := range o.lines {
		for i := 1; i < len(l.writes); i++ {
			raise(o.need[c][i*n:(i+1)*n], o.need[c][(i-1)*n:i*n])
		}
	}
}

func raise(to, from []int32) {
	for i, n := range from {
		to[i] = max(to[i], n)
	}
}

// at returns the place of a write on its line.
func (o *ordering) at(w OpID) (c, i int, ok bool) {
	if o.lost(w) {
		return 0, 0, false
	}
	c, ok = o.index[o.axes.place[w].axis]
	if !ok {
		return 0, 0, false
	}
	i, ok = slices.BinarySearchFunc(o.lines[c].writes, o.n(w), func(w OpID, n int32) int { return cmp.Compare(o.n(w), n) })
	return c, i, ok
}

func (o *ordering) absences() {
	starts := map[int64][]OpID{} // starts of deletes
	for _, d := range o.of.ops {
		if o.ops[d].Kind == Delete {
			starts[o.ops[d].Start] = append(starts[o.ops[d].Start], d)
		}
	}
	for _, id := range o.of.ops {
		if o.ops[id].Kind != Get || o.source[id] != none {
			continue
		}
		a := absence{read: id, until: o.ops[id].End, past: o.pastOf(id)}
		for _, d := range starts[a.until] {
			if o.excuses(d, id) {
				a.tied = append(a.tied, d)
			}
		}
		if len(a.tied) > 0 {
			o.tied = append(o.tied, a)
		} else {
			a.past = slices.Clone(a.past)
			o.absent = append(o.absent, a)
		}
	}
	if o.end.judged && o.end.held == none {
		all := slices.Repeat([]int32{math.MaxInt32}, len(o.lines))
		o.absent = append(o.absent, absence{read: none, until: math.MaxInt64, past: all})
	}
	slices.SortStableFunc(o.absent, func(a, b absence) int { return cmp.Compare(a.until, b.until) })
	for i := 1; i < len(o.absent); i++ {
		raise(o.absent[i].past, o.absent[i-1].past)
	}
}

// complete reports whether all writes can be placed.
func (o *ordering) complete() bool {
	if !o.begin() {
		return false
	}
	for c := range o.left {
		o.todo = append(o.todo, c)
	}
	for len(o.todo) > 0 {
		c := o.todo[len(o.todo)-1]
		o.todo = o.todo[:len(o.todo)-1]
		if o.left[c] == 0 {
			continue
		}
		if o.mayCome(c) {
			o.come(c)
		}
	}
	return !slices.ContainsFunc(o.left, func(n int) bool { return n > 0 })
}

// begin places the first writes: lost deletes, then the write that replicas held at the
// end, and then deletes that may have taken effect.
func (o *ordering) begin() bool {
	for _, d := range o.of.ops {
		if o.ops[d].Kind == Delete && o.lost(d) {
			o.giveDelete(d)
		}
	}
	held := none
	if o.end.judged && o.end.held != none && !o.lost(o.end.held) {
		held = o.end.held
		c, i, _ := o.at(held)
		if i != o.left[c]-1 || !o.mayCome(c) {
			return false
		}
		o.come(c)
	}
	for _, d := range o.of.ops {
		w := &o.ops[d]
		if w.Kind == Delete && !o.took[d] && !o.spent[d] && (held == none || !o.in(held, d)) {
			o.giveDelete(d)
		}
	}
	return true
}

// mayCome reports whether the last write left on a line may come now. If not, it arranges a
// new check when the cause may have changed.
func (o *ordering) mayCome(c int) bool {
	last, n := o.last(c), len(o.left)
	at := o.n(last)
	if i := o.left[c] - 1; i > 0 && o.need[c][(i-1)*n+c] >= at {
		o.blocker[c] = itself
		return false
	}
	for ; o.checked[c] < n; o.checked[c]++ {
		other := o.checked[c]
		if i := o.left[other] - 1; other != c && i >= 0 && o.need[other][i*n+c] >= at {
			o.blocker[c] = other
			o.waiting[other] = append(o.waiting[other], c)
			return false
		}
	}
	if o.ops[last].Kind == Delete {
		return true
	}
	_, lacks := o.lacksDelete(c, at)
	if lacks {
		o.blocker[c] = noDelete
		o.awaitingDelete = append(o.awaitingDelete, c)
	}
	return !lacks
}

// lacksDelete returns a 404 that has a place of a line in its past and no delete that
// explains it.
func (o *ordering) lacksDelete(c int, at int32) (read OpID, yes bool) {
	i := sort.Search(len(o.absent), func(i int) bool { return o.absent[i].until > o.earliest })
	if i > 0 && o.absent[i-1].past[c] >= at {
		first := sort.Search(i, func(i int) bool { return o.absent[i].past[c] >= at })
		return o.absent[first].read, true
	}
	for _, a := range o.tied {
		if a.until <= o.earliest && a.past[c] >= at {
			return a.read, true
		}
	}
	return none, false
}

// giveDelete assigns a delete to the 404s that it explains.
func (o *ordering) giveDelete(d OpID) {
	o.earliest = min(o.earliest, o.ops[d].Start)
	o.tied = slices.DeleteFunc(o.tied, func(a absence) bool { return slices.Contains(a.tied, d) })
	o.todo = append(o.todo, o.awaitingDelete...)
	o.awaitingDelete = o.awaitingDelete[:0]
}

func (o *ordering) last(c int) OpID { return o.lines[c].writes[o.left[c]-1] }

// come places the last write left on a line.
func (o *ordering) come(c int) {
	last := o.last(c)
	o.left[c]--
	o.checked[c], o.blocker[c] = 0, nobody
	o.todo = append(append(o.todo, o.waiting[c]...), c)
	o.waiting[c] = o.waiting[c][:0]
	if o.ops[last].Kind == Delete {
		o.giveDelete(last)
	}
}

// why explains what blocks one of the writes that have not come: a cycle of writes, or a
// 404.
func (o *ordering) why() []Evidence {
	at := slices.IndexFunc(o.blocker, func(by int) bool { return by != nobody })
	seen := map[int]bool{}
	for ; at >= 0 && !seen[at] && o.blocker[at] >= 0; at = o.blocker[at] {
		seen[at] = true
	}
	if at < 0 {
		return nil
	}
	var ops []Evidence
	for from := at; ; {
		ops = append(ops, o.blocks(at)...)
		if at = o.blocker[at]; at < 0 || at == from {
			return ops
		}
	}
}

// blocks explains why the last write left on a line may not come.
func (o *ordering) blocks(c int) []Evidence {
	last := o.last(c)
	ops := o.one(last, "")
	by := o.blocker[c]
	switch by {
	case noDelete:
		if read, _ := o.lacksDelete(c, o.n(last)); read != none {
			ops = append(ops, o.one(read, "has it in its context, finds nothing, and no delete can be above it")...)
		}
		return ops
	case itself:
		by = c
	}
	n := len(o.left)
	i := sort.Search(o.left[by], func(i int) bool { return o.need[by][i*n+c] >= o.n(last) })
	above := o.lines[by].writes[i]
	for _, r := range o.of.ops {
		if o.source[r] == above && o.in(last, r) {
			ops = append(ops, o.one(r, "has it in its context, and shows the next")...)
			break
		}
	}
	return append(ops, o.one(above, "must be above it")...)
}
