package causal

import (
	"cmp"
	"math"
	"slices"
)

// width is the number of lines that are looked at together. What an operation's
// past holds of one line does not depend on the other lines, so that the clocks
// of a history with many lines are computed a block of lines at a time, and
// never have to be in memory together.
const width = 64

// clock says, for each line of a block, how many of its writes are in a past.
type clock [width]int32

// pasts goes through the blocks and holds every operation against its past.
func (j *judge) pasts(judges []keyJudge) {
	b := newBlock(j)
	for from := 0; from < j.lines; from += width {
		b.compute(int32(from))
		for _, k := range judges {
			k.block(b)
		}
	}
	for _, k := range judges {
		k.finish()
	}
	slices.SortStableFunc(j.charges, func(a, b charge) int {
		return cmp.Or(cmp.Compare(j.ops[a.id].End, j.ops[b.id].End), cmp.Compare(a.id, b.id))
	})
	for _, c := range j.charges {
		if !j.full() {
			j.convict(c)
		}
	}
}

// charge is an operation that shows less than its past holds.
type charge struct {
	id     OpID
	misses func(write OpID) bool // whether a write of its past and key shows that
}

// block holds the clocks of all operations, for one block of lines. Operations
// with the same past share one.
type block struct {
	*judge
	first  int32 // its first line
	chunks [][]clock
	used   int
	clocks []*clock // of an operation: its past and itself
}

var nothing clock

const chunkClocks = 1 << 10

func newBlock(j *judge) *block {
	return &block{judge: j, clocks: make([]*clock, len(j.ops))}
}

func (b *block) compute(first int32) {
	b.first, b.used = first, 0
	for _, id := range b.order {
		c := &nothing
		for before := range b.before(id) {
			c = b.join(c, b.clocks[before])
		}
		if p := b.place[id]; b.has(p) {
			own := b.fresh()
			*own = *c
			own[p.line-first] = p.n
			c = own
		}
		b.clocks[id] = c
	}
}

// has reports whether a place is in a line of the block.
func (b *block) has(p place) bool { return p.line >= b.first && p.line < b.first+width }

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

// join returns a clock that holds what both hold: one of them if that does.
func (b *block) join(x, y *clock) *clock {
	switch {
	case x == y || y == &nothing:
		return x
	case x == &nothing:
		return y
	}
	var less, more int32
	for i := range x {
		d := x[i] - y[i]
		less |= d  // negative if some d is
		more |= -d // negative if some d is positive
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

// keyJudge judges the operations on one key, block by block.
type keyJudge interface {
	block(b *block)
	finish()
	wins(a, b OpID) bool // a is certainly above b
}

func (j *judge) judges() []keyJudge {
	var judges []keyJudge
	for _, r := range j.registers {
		if r.ranked {
			judges = append(judges, newByVersion(j, r))
		} else {
			judges = append(judges, newByValue(j, r))
		}
	}
	return judges
}

// byVersion judges a key whose writes have ranks.
type byVersion struct {
	*judge
	writes []OpID // in lines, not lost, highest rank first
	ops    []OpID // by what they see, the most first
	stale  map[OpID]bool
}

func newByVersion(j *judge, r *register) *byVersion {
	v := &byVersion{judge: j, stale: map[OpID]bool{}}
	for _, id := range r.ops {
		if j.place[id].line >= 0 && !j.lost(id) {
			v.writes = append(v.writes, id)
		}
		if len(j.ops[id].Parents) > 0 {
			v.ops = append(v.ops, id)
		}
	}
	highest := func(a, b OpID) int { return cmp.Compare(j.sees[b], j.sees[a]) }
	slices.SortFunc(v.writes, highest)
	slices.SortFunc(v.ops, highest)
	return v
}

// block goes down the ranks with, for each line, the earliest write seen so far:
// an operation whose past reaches that far shows less than its past holds.
func (v *byVersion) block(b *block) {
	var earliest clock
	var lines []int32 // with a write seen so far
	w := 0
	for _, id := range v.ops {
		for ; w < len(v.writes) && v.sees[v.writes[w]] > v.sees[id]; w++ {
			p := v.place[v.writes[w]]
			if !b.has(p) {
				continue
			}
			line := p.line - b.first
			if earliest[line] == 0 {
				earliest[line] = math.MaxInt32
				lines = append(lines, line)
			}
			earliest[line] = min(earliest[line], p.n)
		}
		for _, parent := range v.judge.ops[id].Parents {
			past := b.clocks[parent]
			for _, line := range lines {
				if past[line] >= earliest[line] && !v.stale[id] {
					v.stale[id] = true
					v.charges = append(v.charges, charge{id, func(w OpID) bool { return v.wins(w, id) && !v.lost(w) }})
				}
			}
		}
	}
}

func (v *byVersion) wins(a, b OpID) bool { return v.sees[a] > v.sees[b] }

func (v *byVersion) finish() {}
