// Package causal decides whether a history is causally consistent, and each of
// its keys convergent. docs/causal-check.md says what exactly it decides, and
// what it does not.
//
// Causal order is the order of contexts: an operation comes after those whose
// contexts it was sent with, and a read after the write that it read. The judge
// looks for the bad patterns of CC in Bouajjani, Enea, Guerraoui and Hamza, POPL
// 2017: CyclicCO, ThinAirRead, WriteCOInitRead, WriteCORead. Versions order the writes
// to one key. So it also looks for reads below their context (I14), writes not above
// theirs (I13), and versions that are not unique (I16). A violation
// that one of the four session guarantees forbids is reported under its name. It
// does not look for CCv or CM: versions per key give no order over keys, and the
// correct history of two keys and two sides in causal_test.go is cyclic under CCv.
//
// It is pure, deterministic and polynomial: operations times lines of writes.
// There is no third verdict: Undecided is a violation.
package causal

import (
	"cmp"
	"slices"
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

// Check judges a history. It ends after a step that found something without which
// the next ones make no sense.
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

// judge is a history on its way through the rules.
type judge struct {
	findings
	h       *History
	limit   int
	ops     []Op // of the history, followed by the phantom deletes (sources.go)
	counted int  // operations with an effect or an answer

	registers []*register
	took      []bool // a write took effect for certain: it was acknowledged, or read
	source    []OpID // of a get: the write that it read, or none
	shown     []OpID // the same for History.Final
	names

	deps  depends
	order []OpID // all that counts, each after what it depends on
	axes  axes   // the lines of writes

	sees    []int32 // rank of what an operation shows; see rank
	row     []int32 // of an operation in the table of its key; see values
	charges []charge
}

// register is one key with its operations.
type register struct {
	key    string
	ops    []OpID // puts and deletes that may have taken effect, and answered gets
	finals []int  // places in History.Final
	ranked bool   // every write that took effect has a version
}

// none stands for an operation that there is not.
const none OpID = -1

// one is an operation as evidence.
func (j *judge) one(id OpID, part string) []Evidence {
	if int(id) >= len(j.h.Ops) {
		part = strings.TrimPrefix(part+"; one of the deletes whose version nobody was told", "; ")
	}
	return []Evidence{{ID: id, Op: &j.ops[id], Part: part}}
}

func (j *judge) two(a OpID, partA string, b OpID, partB string) []Evidence {
	return append(j.one(a, partA), j.one(b, partB)...)
}

// keys judges every key: those whose writes all have versions by these, the
// others by values.
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

// addViolation reports the operations that were charged, in the order in which they
// ended.
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
