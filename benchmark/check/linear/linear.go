// Package linear decides whether a history of puts, gets and deletes is
// linearizable (Herlihy and Wing, TOPLAS 1990). It has two judges that share
// nothing but this file, so a mistake in one is not a mistake in the other.
//
// Witness (witness.go, register.go, assign.go) takes the numbers on the cluster's
// answers (Msg-Num) as the order in which operations took effect. It decides in O(n
// log n), for all operations of all keys, whether that order is a linearization. A
// cluster that is linearizable but numbers its answers wrongly is rejected.
//
// Key (slices.go, search.go) does not look at the numbers. It cuts the history of
// one key into slices that are small enough for Porcupine, which searches for any
// order. The cuts lose nothing: every state that is possible at a cut is handed on
// to the next slice.
//
// Both judges are pure and deterministic. Their bounds count steps and never read a
// clock. Neither has a third verdict: a history that cannot be decided within the
// bounds is reported as a violation with rule Undecided.
package linear

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Rule names the rule that a violation breaks.
type Rule string

// The rules, in the order in which they are checked.
const (
	Malformed   Rule = "malformed"   // the history itself cannot be judged
	BadStatus   Rule = "status"      // no operation of this kind has such a status
	BadNumber   Rule = "number"      // a number is missing, given twice, or out of range
	RealTime    Rule = "real time"   // an operation is ordered before one that had ended when it began
	BadValue    Rule = "value"       // the writes before do not explain the value or status of an answer
	Unexplained Rule = "unexplained" // no assignment of unknown writes explains the answers
	NoOrder     Rule = "no order"    // Porcupine found no order of a slice
	Undecided   Rule = "undecided"   // the judge reached one of its bounds
)

// Violation is one reason why a history is not linearizable, with the operations
// that show it.
type Violation struct {
	Rule Rule
	Text string
	Ops  []history.Op
}

// shown is the number of operations of a violation that String prints at most.
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

// maxViolations bounds a report: its reader needs the first few.
const maxViolations = 20

// findings collects violations, at most maxViolations.
type findings struct {
	list []Violation
}

func (f *findings) add(rule Rule, ops []history.Op, format string, args ...any) {
	if len(f.list) < maxViolations {
		f.list = append(f.list, Violation{Rule: rule, Text: fmt.Sprintf(format, args...), Ops: ops})
	}
}

func (f *findings) full() bool { return len(f.list) >= maxViolations }

// wellFormed checks what both judges build on: times run forward, and the values
// written are unique and belong to this run.
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

// answered checks the answer to an operation that took effect. The status must be
// one of the operation's kind, and the answer has a value exactly when its status
// promises one.
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
