// Package linear decides whether a history of puts, gets and deletes is
// linearizable. It holds two judges that share nothing but this file, so that a
// mistake in one is not a mistake in the other.
//
// Witness (witness.go, register.go, assign.go) takes the numbers that the
// cluster put on its answers (Msg-Num) as the order in which operations took
// effect and decides, for all operations of all keys in O(n log n), whether that
// very order is a linearization. It is exact with respect to the numbers: a
// cluster that is linearizable but numbers wrongly is found guilty.
//
// Key (slices.go, search.go) does not look at the numbers. It cuts the history
// of one key into slices small enough for Porcupine and lets it search for any
// order. The cuts lose nothing: what may be true at a cut is handed on exactly.
//
// Both are pure and deterministic: bounded by counts of steps, never by a
// clock. Neither has a third verdict: what cannot be decided within the bounds
// is reported as a violation with rule Undecided, because a judge that gave up
// has not acquitted. Linearizability after Herlihy and Wing, TOPLAS 1990.
package linear

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Rule names what a violation violates.
type Rule string

// The rules, in the order in which they are checked.
const (
	Malformed   Rule = "malformed"   // the history itself cannot be judged
	BadStatus   Rule = "status"      // an answer that no operation of its kind has
	BadNumber   Rule = "number"      // numbers missing, doubled, or out of range
	RealTime    Rule = "real time"   // an operation is ordered before one that had ended when it began
	BadValue    Rule = "value"       // a read, or a status, that the writes before do not explain
	Unexplained Rule = "unexplained" // no choice of unknown writes explains what was seen
	NoOrder     Rule = "no order"    // Porcupine found no order of a slice
	Undecided   Rule = "undecided"   // the judge ran into its bounds
)

// Violation is one reason why a history is not linearizable, with the
// operations that show it.
type Violation struct {
	Rule Rule
	Text string
	Ops  []history.Op
}

// shown bounds the operations that a violation prints.
const shown = 24

// String renders the violation over several lines, one for each operation.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.Rule, v.Text)
	for i, op := range v.Ops {
		if i == shown {
			fmt.Fprintf(&b, "\n    … and %d more", len(v.Ops)-shown)
			break
		}
		fmt.Fprintf(&b, "\n    %v", op)
	}
	return b.String()
}

// maxViolations bounds a report: whoever reads it needs the first few.
const maxViolations = 20

// findings collects violations up to the bound.
type findings struct {
	list []Violation
}

func (f *findings) add(rule Rule, ops []history.Op, format string, args ...any) {
	if len(f.list) < maxViolations {
		f.list = append(f.list, Violation{Rule: rule, Text: fmt.Sprintf(format, args...), Ops: ops})
	}
}

func (f *findings) full() bool { return len(f.list) >= maxViolations }

// wellFormed checks what both judges build on: times that run forward, and
// written values that are unique and the run's own.
func wellFormed(ops []history.Op, f *findings) {
	writers := make(map[history.Value]int, len(ops))
	for i := range ops {
		o := &ops[i]
		if o.End < o.Start {
			f.add(Malformed, ops[i:i+1], "an operation ends before it starts")
		}
		if o.Kind != history.Put {
			continue
		}
		if o.Value == 0 || o.Value.Foreign() {
			f.add(Malformed, ops[i:i+1], "a put without a value of this run")
			continue
		}
		if j, twice := writers[o.Value]; twice {
			f.add(Malformed, []history.Op{ops[j], *o}, "two puts write the same value")
		}
		writers[o.Value] = i
	}
}

// answered checks the answer to an operation that took effect: a status of its
// kind, and a value exactly when the status promises one.
func answered(o *history.Op, f *findings) bool {
	found, known := o.Found()
	switch {
	case !known:
		f.add(BadStatus, []history.Op{*o}, "no %v that took effect answers %d", o.Kind, o.Status)
	case o.Kind == history.Get && found == history.Present && o.Value == 0:
		f.add(BadStatus, []history.Op{*o}, "a get answers %d without a value", o.Status)
	case o.Kind == history.Get && found == history.Absent && o.Value != 0:
		f.add(BadStatus, []history.Op{*o}, "a get answers %d with a value", o.Status)
	default:
		return true
	}
	return false
}
