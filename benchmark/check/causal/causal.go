// Package causal decides whether a history is causally consistent, and each of
// its keys convergent. docs/causal-check.md says what exactly it decides, and
// what it does not.
//
// Causal order is the order of contexts: an operation comes after those whose
// contexts it was sent with, and a read after the write that it read. The judge
// looks for the bad patterns of CC in Bouajjani, Enea, Guerraoui and Hamza, POPL
// 2017 (CyclicCO, ThinAirRead, WriteCOInitRead, WriteCORead), and, because
// versions order the writes to one key, for reads below their context (I14),
// writes not above theirs (I13), versions that are not unique (I16). A violation
// that one of the four session guarantees forbids is reported under its name. It
// does not look for CCv or CM: versions per key give no order over keys, and the
// correct history of CAUSAL.md §1 is cyclic under CCv.
//
// It is pure, deterministic and polynomial: operations times lines of writes.
// There is no third verdict: Undecided is a violation.
package causal

import (
	"fmt"
	"strings"
)

// Rule names what a violation violates.
type Rule string

// The rules, in the order in which they are checked.
const (
	Malformed   Rule = "malformed"    // the history itself cannot be judged
	BadStatus   Rule = "status"       // an answer that no operation of its kind has
	ThinAir     Rule = "thin air"     // a read of what nobody wrote, or not yet (ThinAirRead)
	BadVersion  Rule = "version"      // two writes with one version or dot, one write with two (I16)
	CausalCycle Rule = "causal cycle" // an operation before itself (CyclicCO)

	// A read that does not show a write of its own context, or what won over it
	// (WriteCORead, WriteCOInitRead, I14), or a write that is not above one of its
	// context (I13). The session guarantees name the short ways by which the write
	// came into the context.
	ReadYourWrites    Rule = "read your writes"    // the session wrote it
	MonotonicReads    Rule = "monotonic reads"     // the session had read it
	MonotonicWrites   Rule = "monotonic writes"    // whoever wrote what the session had read wrote it before
	WritesFollowReads Rule = "writes follow reads" // whoever wrote what the session had read had read it
	CausalRead        Rule = "causal read"         // any longer way, to a read
	VersionOrder      Rule = "version order"       // any longer way, to a write

	KeyOrder    Rule = "key order"    // no order of the writes to a key explains the reads of it
	Divergence  Rule = "divergence"   // replicas differ at the end (I18)
	Resurrected Rule = "resurrection" // a deleted key is back at the end (I19)
	LostWrite   Rule = "lost write"   // an acknowledged write, or one that was read, is gone at the end (I25)
	Undecided   Rule = "undecided"    // the judge ran into its bounds
)

// Result is what Check has to say.
type Result struct {
	Operations int // with an effect or an answer; the others say nothing
	Keys       int
	ByValue    int // keys of them that were judged by values alone, for want of versions
	Lines      int // of writes one after another, which the work is proportional to
	Violations []Violation
}

// Violation is one reason why a history is wrong, with the operations that show
// it.
type Violation struct {
	Rule Rule
	Text string
	Ops  []Evidence
}

// Evidence is an operation and its part in the violation. The operation is
// shared with the history.
type Evidence struct {
	ID   OpID
	Op   *Op
	Part string
}

// shown bounds the operations that a violation prints.
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

// maxViolations bounds a report: whoever reads it needs the first few.
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

// Check judges a history. It stops at the end of a step that found something
// without which the next one makes no sense.
func Check(h *History) Result {
	j := newJudge(h)
	steps := []func(){j.wellFormed, j.deal, j.sources, j.rank, j.arrange, j.future}
	for _, step := range steps {
		if step(); len(j.list) > 0 {
			return j.result()
		}
	}
	j.keys()
	j.ends()
	return j.result()
}

func (j *judge) result() Result {
	r := Result{Operations: j.counted, Keys: len(j.registers), Lines: j.axes.count, Violations: j.list}
	for _, reg := range j.registers {
		if !reg.ranked {
			r.ByValue++
		}
	}
	return r
}
