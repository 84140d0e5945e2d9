package linear

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// gap is the stretch of one key's history between two consecutive answered
// operations on the key, open at both ends.
//
// An answered operation fixes the state of its key: just after it the value is
// known, regardless of earlier operations. The history of a key therefore falls apart into gaps
// that do not depend on each other. What unknown writes may do in a gap depends on
// that gap alone: the last of them must leave the state that the operation behind
// the gap found.
type gap struct {
	after, before uint64 // positions; before is 0 behind the last operation
	want          want
	must          bool        // without an unknown write, the operation behind is not explained
	writer        *candidate  // for exactly: the only write that may come last
	behind        *history.Op // the operation that makes the demand
	sealed        bool        // during assignment: the last write is chosen, and any write may come before it
}

// want is the demand of a gap on the last unknown write in it.
type want uint8

const (
	anything want = iota
	nothing       // no unknown write at all: the operation behind reads the value before the gap
	aPut          // any put whose value no operation read
	aDelete       // any delete
	exactly       // the put whose value was read
)

// candidate is a write with unknown outcome. It may be given to a free number.
type candidate struct {
	*history.Op
	lo   int  // lowest free number, as an index of witness.free, that real time allows
	read bool // its value was read, so it belongs to one gap
	used bool
}

// register is the history of one key.
type register struct {
	key     string
	ops     []placed
	unknown []*candidate
	gaps    []gap // only if there are unknown writes
}

// registers judges values and statuses key by key. Then it asks whether the unknown
// writes can be given to the free numbers.
func (w *witness) registers(ops []history.Op) {
	regs, candidates := w.split()
	writers := writersOf(ops)
	for _, r := range regs {
		byValue := make(map[history.Value]*candidate, len(r.unknown))
		for _, c := range r.unknown {
			if c.Kind == history.Put {
				byValue[c.Value] = c
			}
		}
		w.walk(r, byValue, writers)
		if w.full() {
			return
		}
	}
	if len(w.list) == 0 {
		w.assign(regs, candidates)
	}
}

// split groups the operations by key, in order of first appearance.
func (w *witness) split() ([]*register, []*candidate) {
	var regs []*register
	byKey := map[string]*register{}
	of := func(key string) *register {
		r := byKey[key]
		if r == nil {
			r = &register{key: key}
			byKey[key] = r
			regs = append(regs, r)
		}
		return r
	}
	for _, p := range w.line {
		r := of(p.Key)
		r.ops = append(r.ops, p)
	}
	candidates := make([]*candidate, len(w.unknown))
	for i, o := range w.unknown {
		candidates[i] = &candidate{Op: o}
		r := of(o.Key)
		r.unknown = append(r.unknown, candidates[i])
	}
	return regs, candidates
}

func writersOf(ops []history.Op) map[history.Value]*history.Op {
	m := make(map[history.Value]*history.Op, len(ops))
	for i := range ops {
		if ops[i].Kind == history.Put {
			m[ops[i].Value] = &ops[i]
		}
	}
	return m
}

// walk follows one key through the order. It finds the state that answered
// operations leave, and the gaps between them.
func (w *witness) walk(r *register, unknown map[history.Value]*candidate, writers map[history.Value]*history.Op) {
	g := gap{}
	var state history.Value // 0: absent
	var last *history.Op    // the operation that left the state
	for _, p := range r.ops {
		g.before, g.behind = p.pos, p.Op
		g.want, g.must = demand(p.Op, state)
		if g.want == exactly {
			g.writer = unknown[p.Value]
			if g.writer == nil || g.writer.read {
				w.add(BadValue, around(last, p.Op), "%s", misread(p.Op, state, writers[p.Value]))
			} else {
				g.writer.read = true
			}
		} else if g.must && !slices.ContainsFunc(r.unknown, g.fits) {
			w.add(BadValue, around(last, p.Op), "%d says that the key %s, but the writes before leave %v", p.Status, existed(p.Op), state)
		}
		if len(r.unknown) > 0 {
			r.gaps = append(r.gaps, g)
		}
		state, last = left(p.Op), p.Op
		g = gap{after: p.pos}
	}
	r.gaps = append(r.gaps, g)
}

// demand compares what an operation found with the state that the answered
// operations before it leave.
func demand(o *history.Op, state history.Value) (want, bool) {
	found, _ := o.Found()
	switch {
	case o.Kind == history.Get && found == history.Present && o.Value == state:
		return nothing, false
	case o.Kind == history.Get && found == history.Present:
		return exactly, true
	case found == history.Present:
		return aPut, state == 0
	case found == history.Absent:
		return aDelete, state != 0
	}
	return anything, false
}

// left is the state of the key just after an answered operation: the value that a
// put wrote or a get read, and absence after a delete or a get without a value.
func left(o *history.Op) history.Value {
	if o.Kind == history.Delete {
		return 0
	}
	return o.Value
}

// fits reports whether c may be the last unknown write in the gap.
func (g *gap) fits(c *candidate) bool {
	switch g.want {
	case aPut:
		return c.Kind == history.Put && !c.read
	case aDelete:
		return c.Kind == history.Delete
	case exactly:
		return c == g.writer
	case anything:
		return !c.read
	}
	return false
}

func existed(o *history.Op) string {
	if found, _ := o.Found(); found == history.Present {
		return "had a value"
	}
	return "had no value"
}

// misread says what is wrong with a value that a get read.
func misread(o *history.Op, state history.Value, writer *history.Op) string {
	switch {
	case writer == nil:
		return fmt.Sprintf("%v was read, which nobody wrote", o.Value)
	case writer.Key != o.Key:
		return fmt.Sprintf("%v was read, which was written to %q", o.Value, writer.Key)
	case writer.Outcome == history.NotApplied:
		return fmt.Sprintf("%v was read, whose put was refused: %v", o.Value, writer)
	case writer.Outcome == history.OK && writer.Num >= o.Num:
		return fmt.Sprintf("%v was read before it was written: %v", o.Value, writer)
	}
	return fmt.Sprintf("%v was read, but the writes before leave %v; written by %v", o.Value, state, writer)
}
