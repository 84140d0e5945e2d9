package causal

import (
	"fmt"
	"strings"
)

// Violation is one reason why a history is wrong, with the operations that show it.
type Violation struct {
	Rule Rule       // the broken rule
	Text string     // what is wrong, in one line
	Ops  []Evidence // in an order that explains the text
}

// Evidence is an operation and its part in the violation. Op points into the history.
type Evidence struct {
	ID   OpID
	Op   *Op
	Part string // what the operation did, in a few words
}

// shown bounds the operations that String prints.
const shown = 24

// String renders the violation over several lines, one for each operation.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.Rule, v.Text)
	for i, e := range v.Ops {
		if i == shown {
			fmt.Fprintf(&b, "\n    … and %d more", len(v.Ops)-shown)
			break
		}
		fmt.Fprintf(&b, "\n    #%d %v", e.ID, e.Op)
		if e.Part != "" {
			fmt.Fprintf(&b, "  (%s)", e.Part)
		}
	}
	return b.String()
}

// maxViolations bounds a report: its reader needs the first few.
const maxViolations = 20

// findings collects violations up to the bound.
type findings struct {
	list []Violation
}

func (f *findings) add(rule Rule, ops []Evidence, format string, args ...any) {
	if len(f.list) < maxViolations {
		f.list = append(f.list, Violation{Rule: rule, Text: fmt.Sprintf(format, args...), Ops: ops})
	}
}

func (f *findings) full() bool { return len(f.list) >= maxViolations }

// charge is an operation that shows less than its past contains.
type charge struct {
	id     OpID
	of     *register
	misses func(write OpID) bool // reports whether a write of its past and key shows that
}

// confirm reports a charged operation, with a write that it misses and the shortest way by
// which the write came into its context.
func (j *judge) confirm(c charge) {
	o := &j.ops[c.id]
	found := j.search(c.id, func(w OpID) bool {
		return j.ops[w].Write() && j.ops[w].Key == c.of.key && c.misses(w)
	})
	if len(found.path) == 0 {
		panic(fmt.Sprintf("causal: #%d was charged with missing a write that is not in its past", c.id))
	}
	part := "does not show it"
	if o.Write() {
		part = "is not above it"
	}
	ops := append(found.path, j.one(c.id, part)...)
	if s := j.source[c.id]; s != none {
		ops = append(ops, j.one(s, "is what it shows")...)
	}
	rule, s := found.rule(o.Write()), j.source[c.id]
	switch {
	case o.Write():
		j.add(rule, ops, "a write to %q is not above one in its context (I13)", o.Key)
	case s != none && j.follows(found.path[0].ID, s, j.ops[s].Start):
		j.add(rule, ops, "a get of %q shows what was overwritten in its context (WriteCORead, I14)", o.Key)
	case s != none:
		j.add(rule, ops, "a get of %q shows less than its context has (I14)", o.Key)
	default:
		j.add(rule, ops, "a get of %q finds nothing, but its context has a write, and no delete explains that it is gone (WriteCOInitRead, I14)", o.Key)
	}
}

// finding is a write and a way from it to an operation.
type finding struct {
	path    []Evidence
	reads   int  // how many steps of the way go from a write to a read of it
	through bool // the first step is one of those
}

// rule returns the rule that is broken if the write is missed.
func (f *finding) rule(byWrite bool) Rule {
	switch {
	case byWrite && f.reads == 0:
		return MonotonicWrites
	case byWrite && f.reads == 1 && f.through:
		return WritesFollowReads
	case byWrite:
		return VersionOrder
	case f.reads == 0:
		return ReadYourWrites
	case f.reads == 1 && f.through:
		return MonotonicReads
	case f.reads == 1:
		return MonotonicWrites
	case f.reads == 2 && f.through:
		return WritesFollowReads
	}
	return CausalRead
}

// search goes back from an operation through its contexts, level by level. The next level
// is what was read in the present one. It ends at the first level that has a wanted write.
func (j *judge) search(id OpID, wanted func(OpID) bool) finding {
	toward := map[OpID]OpID{} // by operation: the next one on the way to id
	var level []OpID
	enter := func(at, next OpID) {
		if _, seen := toward[at]; !seen {
			toward[at] = next
			level = append(level, at)
		}
	}
	for _, p := range j.ops[id].Parents {
		enter(p, id)
	}
	for reads := 0; len(level) > 0; reads++ {
		for i := 0; i < len(level); i++ {
			for _, p := range j.ops[level[i]].Parents {
				enter(p, level[i])
			}
		}
		for _, at := range level {
			if wanted(at) {
				return finding{path: j.way(at, id, toward), reads: reads}
			}
		}
		readers := level
		for _, at := range readers {
			if s := j.source[at]; s != none && wanted(s) {
				toward[s] = at
				return finding{path: j.way(s, id, toward), reads: reads + 1, through: true}
			}
		}
		level = nil
		for _, at := range readers {
			if s := j.source[at]; s != none {
				enter(s, at)
			}
		}
	}
	return finding{}
}

// way describes a way from a write to an operation. It leaves out operations that only pass
// a context on.
func (j *judge) way(from, to OpID, toward map[OpID]OpID) []Evidence {
	ops := j.one(from, "is in the context")
	for at := from; at != to; {
		next := toward[at]
		switch {
		case next == to:
		case j.source[next] == at:
			ops = append(ops, j.one(next, "read it")...)
		case j.source[toward[next]] == next:
			ops = append(ops, j.one(next, "was sent after that")...)
		}
		at = next
	}
	return ops
}
