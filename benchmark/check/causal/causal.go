// Package causal decides whether a history is causally consistent, and whether each of its
// keys converges. docs/causal-check.md says exactly what it decides, and what not.
//
// Causal order is the order of contexts. An operation comes after the operations whose
// contexts it was sent with, and a read after the write that it read. The judge looks for
// the bad patterns of CC in Bouajjani, Enea, Guerraoui and Hamza, POPL 2017: CyclicCO,
// ThinAirRead, WriteCOInitRead, WriteCORead. Versions order the writes to one key. So the
// judge also looks for reads below their context (I14), writes that are not above their
// context (I13), and versions that are not unique (I16). A violation of one of the four
// session guarantees is reported under its name. The judge does not look for CCv or CM:
// versions per key give no order over keys, and the correct history of two keys and two
// sides in causal_test.go is cyclic under CCv.
//
// The package is pure and deterministic. Its time is polynomial: operations times lines of
// writes. There is no third verdict: Undecided is a violation.
package causal

import (
	"cmp"
	"slices"
	"strings"
)

// Rule names the rule that a violation breaks.
type Rule string

// The rules, in the order in which they are checked.
const (
	Malformed   Rule = "malformed"    // the history itself cannot be judged
	BadStatus   Rule = "status"       // a status that no operation of this kind has
	ThinAir     Rule = "thin air"     // a read of a value that was never written, or not yet (ThinAirRead)
	BadVersion  Rule = "version"      // two writes with one version or dot, or one write with two (I16)
	CausalCycle Rule = "causal cycle" // an operation is causally before itself (CyclicCO)

	// A read that shows neither a write of its own context nor one that won over it
	// (WriteCORead, WriteCOInitRead, I14). Or a write that is not above a write of its
	// context (I13). The session guarantees name the short ways by which the missed write
	// came into the context.
	ReadYourWrites    Rule = "read your writes"    // the session wrote it
	MonotonicReads    Rule = "monotonic reads"     // the session had read it
	MonotonicWrites   Rule = "monotonic writes"    // the client that wrote what the session had read had written it before
	WritesFollowReads Rule = "writes follow reads" // the client that wrote what the session had read had read it
	CausalRead        Rule = "causal read"         // any longer way to a read
	VersionOrder      Rule = "version order"       // any longer way to a write

	KeyOrder    Rule = "key order"    // no order of the writes to a key explains the reads of it
	Divergence  Rule = "divergence"   // replicas differ at the end (I18)
	Resurrected Rule = "resurrection" // a deleted key is back at the end (I19)
	LostWrite   Rule = "lost write"   // an acknowledged write, or one that was read, is missing at the end (I25)
	Undecided   Rule = "undecided"    // the judge reached one of its bounds
)

// Result is the verdict of Check.
type Result struct {
	Operations int // operations with an effect or an answer; the others prove nothing
	Keys       int // keys that were judged
	ByValue    int // keys that were judged by values alone, because versions were missing
	Lines      int // lines of writes; the time is proportional to their number
	Violations []Violation
}

// Check judges a history. If a step finds a violation that makes the later steps
// meaningless, Check ends after that step.
func Check(h *History) Result { return check(h, maxWork) }

func check(h *History, limit int) Result {
	j := &judge{h: h, ops: slices.Clip(h.Ops), limit: limit}
	for _, step := range []func(){j.wellFormed, j.numberClients, j.sources, j.arrange, j.future, j.rank} {
		if step(); len(j.list) > 0 {
			return j.result()
		}
	}
	j.keys()
	j.addViolation()
	j.ends()
	return j.result()
}

// judge is a history while the rules are checked.
type judge struct {
	findings
	h       *History
	limit   int
	ops     []Op // of the history, followed by the phantom deletes (sources.go)
	counted int  // how many operations have an effect or an answer

	registers []*register
	took      []bool // by operation: the write took effect, because it was acknowledged or read
	source    []OpID // by operation: the write that a get read; none otherwise
	shown     []OpID // by place in History.Final: the write that was held
	names

	deps  depends
	order []OpID // the operations that count, each after those it depends on
	axes  axes   // the lines of writes

	sees    []int32 // by operation: the rank that it shows (rank)
	row     []int32 // by operation: its row in the table of its key (values)
	charges []charge
}

// register is one key with its operations.
type register struct {
	key    string
	ops    []OpID // puts and deletes that may have taken effect, and answered gets
	finals []int  // places in History.Final
	ranked bool   // every write that took effect has a version
}

// none stands for no operation.
const none OpID = -1

// one returns an operation as evidence.
func (j *judge) one(id OpID, part string) []Evidence {
	if int(id) >= len(j.h.Ops) {
		part = strings.TrimPrefix(part+"; one of the deletes whose version nobody was told", "; ")
	}
	return []Evidence{{ID: id, Op: &j.ops[id], Part: part}}
}

func (j *judge) two(a OpID, partA string, b OpID, partB string) []Evidence {
	return append(j.one(a, partA), j.one(b, partB)...)
}

// keys judges every key: by versions if all its writes have one, otherwise by values.
func (j *judge) keys() {
	var ranked, rest []*register
	for _, r := range j.registers {
		if r.ranked {
			ranked = append(ranked, r)
		} else {
			rest = append(rest, r)
		}
	}
	j.byVersion(ranked)
	j.byValue(rest)
}

// addViolation reports the charged operations in the order in which they ended.
func (j *judge) addViolation() {
	slices.SortStableFunc(j.charges, func(a, b charge) int {
		return cmp.Or(cmp.Compare(j.ops[a.id].End, j.ops[b.id].End), cmp.Compare(a.id, b.id))
	})
	for _, c := range j.charges {
		if !j.full() {
			j.confirm(c)
		}
	}
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
