package causal

import (
	"iter"
	"slices"
)

// place is where a write stands: the n-th, from 1, of a line of writes of which
// each is in the past of the next. Line -1: in none.
type place struct {
	line, n int32
}

// before yields what an operation directly depends on.
func (j *judge) before(id OpID) iter.Seq[OpID] {
	return func(yield func(OpID) bool) {
		for _, p := range j.ops[id].Parents {
			if !yield(p) {
				return
			}
		}
		if s := j.source[id]; s != none {
			yield(s)
		}
	}
}

// direct is the i-th thing that an operation directly depends on, or none.
func (j *judge) direct(id OpID, i int) OpID {
	if p := j.ops[id].Parents; i < len(p) {
		return p[i]
	} else if i == len(p) {
		return j.source[id]
	}
	return none
}

// arrange puts the operations in an order that extends causal order, and deals
// the writes out to lines. If there is no such order, it reports a cycle.
func (j *judge) arrange() {
	j.order = make([]OpID, 0, len(j.ops))
	walk := walk{judge: j, state: make([]uint8, len(j.ops))}
	for i := range j.ops {
		if id := OpID(i); counts(&j.ops[i]) && walk.state[i] == unvisited && !walk.visit(id) {
			return
		}
	}
	j.draw()
}

// walk is a search in depth, without recursion: histories are deep.
type walk struct {
	*judge
	state []uint8
	path  []step
}

type step struct {
	id   OpID
	next int // of the things it depends on
}

const (
	unvisited = iota
	open
	done
)

// visit appends an operation to the order, after all that it depends on.
func (w *walk) visit(id OpID) bool {
	w.state[id] = open
	w.path = append(w.path[:0], step{id: id})
	for len(w.path) > 0 {
		top := &w.path[len(w.path)-1]
		need := w.direct(top.id, top.next)
		top.next++
		switch {
		case need == none && top.next > len(w.ops[top.id].Parents):
			w.order = append(w.order, top.id)
			w.state[top.id] = done
			w.path = w.path[:len(w.path)-1]
		case w.state[need] == open:
			w.cycle(need)
			return false
		case w.state[need] == unvisited:
			w.state[need] = open
			w.path = append(w.path, step{id: need})
		}
	}
	return true
}

// cycle reports the shortest way from an operation back to itself.
func (w *walk) cycle(id OpID) {
	from := map[OpID]OpID{}
	for todo := []OpID{id}; len(todo) > 0; todo = todo[1:] {
		for before := range w.before(todo[0]) {
			if _, seen := from[before]; seen {
				continue
			}
			if from[before] = todo[0]; before != id {
				todo = append(todo, before)
				continue
			}
			ops := w.one(id, "")
			for at := from[id]; at != id; at = from[at] {
				ops = append(ops, w.one(at, "")...)
			}
			w.add(CausalCycle, ops, "each of these operations depends on the one before it, and the first on the last (CyclicCO)")
			return
		}
	}
}

// future looks for reads of writes that had not begun.
func (j *judge) future() {
	for i, s := range j.source {
		if s != none && j.ops[s].Start > j.ops[i].End {
			j.add(ThinAir, j.two(OpID(i), "the read", s, "the write"), "a read ended before what it read began")
		}
	}
}

// draw deals the writes that took effect out to lines. An operation goes on with
// the line of something that it directly depends on, if that is its end; there
// are about as many lines as there were clients and forks of contexts.
func (j *judge) draw() {
	j.place = slices.Repeat([]place{{line: -1}}, len(j.ops))
	var ends []OpID   // of chains: the operation that may be continued
	var lines []place // of chains: their line, and how many writes it has
	chain := make([]int32, len(j.ops))
	for _, id := range j.order {
		o := &j.ops[id]
		if o.Write() && !j.took[id] {
			continue // nothing depends on it
		}
		at := int32(-1)
		for before := range j.before(id) {
			if c := chain[before]; ends[c] == before {
				at = c
				break
			}
		}
		if at < 0 {
			at = int32(len(ends))
			ends, lines = append(ends, id), append(lines, place{line: -1})
		}
		ends[at], chain[id] = id, at
		if !o.Write() {
			continue
		}
		if lines[at].line < 0 {
			lines[at].line = int32(j.lines)
			j.lines++
		}
		lines[at].n++
		j.place[id] = lines[at]
	}
}
