package causal

// width is the number of axes in one block.
const width = 64

// clock has, for each axis of a block, the furthest place in a past.
type clock [width]int32

// axes are the directions along which pasts are measured. A clock keeps the furthest place
// on each axis, so the places before it must follow from it. That holds for a line of
// writes, each in the past of the next, and for the writes to one key by rank.
type axes struct {
	place []place // by write
	count int
}

// place is the place of a write: the n-th on an axis, from 1; axis -1: on none.
type place struct {
	axis, n int32
}

// maxWork bounds operations times blocks of axes: about ten minutes.
const maxWork = 1 << 34

// measure computes how far the pasts of all operations reach, for one block of axes after
// the other. What a past has of one axis does not depend on the other axes. So the clocks
// of all axes are never in memory together.
func (j *judge) measure(a axes, look func(*block)) {
	blocks := (a.count + width - 1) / width
	if blocks*len(j.order) > j.limit {
		j.add(Undecided, nil, "%d operations with contexts that form %d lines are too much", len(j.order), a.count)
		return
	}
	b := &block{judge: j, place: a.place, clocks: make([]*clock, len(j.ops))}
	for i := range blocks {
		b.compute(int32(i * width))
		look(b)
	}
}

// block holds the clocks of all operations along some axes. Operations with the same past
// share a clock.
type block struct {
	*judge
	place  []place
	first  int32    // index of its first axis
	clocks []*clock // by operation: its past, itself included
	chunks [][]clock
	used   int
}

// start is the clock of an empty past.
var start clock

const chunkClocks = 1 << 10

func (b *block) compute(first int32) {
	b.first, b.used = first, 0
	for _, id := range b.order {
		c := &start
		for _, before := range b.before(id) {
			c = b.join(c, b.clocks[before])
		}
		if p := b.place[id]; b.has(p) && c[p.axis-first] < p.n {
			own := b.fresh()
			*own = *c
			own[p.axis-first] = p.n
			c = own
		}
		b.clocks[id] = c
	}
}

// has reports whether the axis of a place is in the block.
func (b *block) has(p place) bool { return p.axis >= b.first && p.axis < b.first+width }

// fresh returns a clock for the caller to fill.
func (b *block) fresh() *clock {
	chunk := b.used / chunkClocks
	if chunk == len(b.chunks) {
		b.chunks = append(b.chunks, make([]clock, chunkClocks))
	}
	c := &b.chunks[chunk][b.used%chunkClocks]
	b.used++
	return c
}

// join returns the maximum of two clocks. If one of them is the maximum, join returns that
// one.
func (b *block) join(x, y *clock) *clock {
	switch {
	case x == y || y == &start:
		return x
	case x == &start:
		return y
	}
	var less, more int32
	for i := range x {
		d := x[i] - y[i]
		less |= d  // negative if x is behind on an axis
		more |= -d // negative if y is behind on an axis
	}
	switch {
	case less >= 0:
		return x
	case more >= 0:
		return y
	}
	both := b.fresh()
	for i := range x {
		both[i] = max(x[i], y[i])
	}
	return both
}
