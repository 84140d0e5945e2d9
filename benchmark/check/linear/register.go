package linear

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// An answered operation fixes the state of its key: just after it the value is
// known, whatever came before. So a key's history falls apart into gaps, each
// between one answered operation on the key and the next, and what unknown
// writes may do in a gap depends on that gap alone: the last of them must leave
// what the operation behind the gap says it found.
//
// gap is one such stretch, open at both ends.
type gap struct {
	after, before uint64 // positions; before is 0 behind the last operation
	want          want
	must          bool        // without an unknown write the operation behind is not explained
	writer        *candidate  // for exactly: the only write that may come last
	behind        *history.Op // the operation that makes the demand
	sealed        bool        // during assignment: its last write is chosen, anything may come earlier
}

// want is what the last unknown write in a gap has to be.
type want uint8

const (
	anything want = iota
	nothing       // no unknown write at all: the value before is read behind
	aPut          // any put that nobody read
	aDelete       // any delete
	exactly       // the put whose value was read
)

// candidate is a write with unknown outcome.
type candidate struct {
	*history.Op
	lo   int  // lowest free number, as an index, that real time allows
	read bool // its value was read: it belongs to one gap
	used bool
}

// register is the history of one key.
type register struct {
	key     string
	ops     []placed
	unknown []*candidate
	gaps    []gap // only when there are unknown writes
}

// registers judges values and statuses key by key and then asks whether the
// unknown writes can be given to the free numbers.
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

// split assigns operations to their keys, in order of first appearance.
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

// walk follows one key through the order: the state that answered operations
// leave, and the gaps between them.
func (w *witness) walk(r *register, unknown map[history.Value]*candidate, writers map[history.Value]*history.Op) {
	g := gap{}
	var state history.Value // 0: absent
	var last *history.Op    // whoever left the state
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

// left is the state of the key just after an answered operation: what a put
// wrote and a get read, and absence after a delete and a get without a value.
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
