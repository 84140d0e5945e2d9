package causal

import "slices"

// depends holds, for every operation, what it directly depends on: first its parents, then
// what it read. It is a table of its own because it is read so often.
type depends struct {
	first []int32
	on    []OpID
}

func (j *judge) tabulate() {
	j.deps.first = make([]int32, len(j.ops)+1)
	j.deps.on = make([]OpID, 0, 2*len(j.ops))
	for i := range j.ops {
		if counts(&j.ops[i]) {
			j.deps.on = append(j.deps.on, j.ops[i].Parents...)
			if s := j.source[i]; s != none {
				j.deps.on = append(j.deps.on, s)
			}
		}
		j.deps.first[i+1] = int32(len(j.deps.on))
	}
}

// before returns what an operation directly depends on.
func (j *judge) before(id OpID) []OpID { return j.deps.on[j.deps.first[id]:j.deps.first[id+1]] }

// context returns what an operation depends on through its context.
func (j *judge) context(id OpID) []OpID {
	to := j.deps.first[id+1]
	if j.source[id] != none {
		to--
	}
	return j.deps.on[j.deps.first[id]:to]
}

// arrange orders the operations in an extension of causal order, and assigns the writes to
// lines. If there is no such order, it reports a cycle.
func (j *judge) arrange() {
	j.tabulate()
	j.order = make([]OpID, 0, len(j.ops))
	walk := walk{judge: j, state: make([]uint8, len(j.ops))}
	for i := range j.ops {
		if id := OpID(i); counts(&j.ops[i]) && walk.state[i] == unvisited && !walk.visit(id) {
			return
		}
	}
	j.draw()
}

// walk is a depth-first search without recursion, because histories are deep.
type walk struct {
	*judge
	state []uint8
	path  []step
}

type step struct {
	id   OpID
	next int // index of the dependency that is visited next
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
		before := w.before(top.id)
		if top.next == len(before) {
			w.order = append(w.order, top.id)
			w.state[top.id] = done
			w.path = w.path[:len(w.path)-1]
			continue
		}
		need := before[top.next]
		top.next++
		switch w.state[need] {
		case open:
			w.cycle(need)
			return false
		case unvisited:
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
		for _, before := range w.before(todo[0]) {
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
		if s != none && j.ops[s].Start > j.ops[i].End && !j.full() {
			j.add(ThinAir, j.two(OpID(i), "the read", s, "the write"), "a read ended before what it read began")
		}
	}
}

// follows reports whether an operation comes after an earlier one in causal order. All
// operations between them ended at or after time, which bounds the search.
func (j *judge) follows(later, earlier OpID, time int64) bool {
	seen := map[OpID]bool{later: true}
	for todo := []OpID{later}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == earlier {
			return true
		}
		for _, before := range j.before(id) {
			if !seen[before] && j.ops[before].End >= time {
				seen[before] = true
				todo = append(todo, before)
			}
		}
	}
	return false
}

// draw assigns the writes that took effect to lines. On a line, every write is in the past
// of the next. An operation continues the line of an operation that it directly depends on,
// if no other operation has continued it. So there are about as many lines as clients and
// forks of contexts.
func (j *judge) draw() {
	j.axes.place = slices.Repeat([]place{{axis: -1}}, len(j.ops))
	d := lineDrawer{judge: j, chain: make([]int32, len(j.ops))}
	for _, id := range j.order {
		if o := &j.ops[id]; !o.Write() {
			d.goOn(id)
		} else if j.took[id] { // no operation depends on the others
			at := &d.lines[d.goOn(id)]
			if at.axis < 0 {
				at.axis = int32(j.axes.count)
				j.axes.count++
			}
			at.n++
			j.axes.place[id] = *at
		}
	}
}

// lineDrawer follows chains of operations. A chain becomes a line with its first write.
type lineDrawer struct {
	*judge
	chain []int32 // by operation: its chain
	ends  []OpID  // by chain: its last operation
	lines []place // by chain: the place of its last write
}

// goOn returns a chain that an operation can continue, and appends the operation.
func (d *lineDrawer) goOn(id OpID) int32 {
	for _, before := range d.before(id) {
		if c := d.chain[before]; d.ends[c] == before {
			d.ends[c], d.chain[id] = id, c
			return c
		}
	}
	c := int32(len(d.ends))
	d.ends, d.lines = append(d.ends, id), append(d.lines, place{axis: -1})
	d.chain[id] = c
	return c
}
