package causal

import (
	"github.com/cohortkv/cohort/benchmark/history"
)

// none stands for an operation that there is not.
const none OpID = -1

// judge is a history on its way through the rules.
type judge struct {
	findings
	h          *History
	ops        []Op   // of the history, then the deletes that were read and cannot be told apart
	counted    int    // operations with an effect or an answer
	took       []bool // a write that took effect for certain: acknowledged, or read
	spent      []bool // a delete that may have, but then under a version that was seen
	source     []OpID // read → the write that it read, or none
	lostGhosts map[OpID]bool
	shown      []OpID // the same for History.Final
	registers  []*register

	learned map[OpID]Version
	sees    []int32 // rank of what an operation shows; see rank
	order   []OpID  // all that counts, each after what it depends on
	axes    axes    // the lines of writes
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

func newJudge(h *History) *judge {
	return &judge{h: h, ops: h.Ops[:len(h.Ops):len(h.Ops)]}
}

func (j *judge) one(id OpID, part string) []Evidence {
	return []Evidence{{ID: id, Op: &j.ops[id], Part: part}}
}

func (j *judge) two(a OpID, partA string, b OpID, partB string) []Evidence {
	return append(j.one(a, partA), j.one(b, partB)...)
}

// lost reports whether nothing may be asked of a write.
func (j *judge) lost(id OpID) bool {
	if int(id) >= len(j.h.Ops) {
		return j.lostGhosts[id]
	}
	return j.h.Lost != nil && j.h.Lost(id)
}

// counts reports whether an operation says anything: refused ones do not, nor
// do reads without an answer.
func counts(o *Op) bool {
	return o.Outcome == history.OK || o.Outcome == history.Unknown && o.Write()
}

// wellFormed checks what everything else builds on.
func (j *judge) wellFormed() {
	for i := range j.ops {
		if j.full() {
			return
		}
		id, o := OpID(i), &j.ops[i]
		switch {
		case o.Kind < Put || o.Kind > Join || o.Outcome < history.OK || o.Outcome > history.Unknown:
			j.add(Malformed, j.one(id, ""), "an operation without a kind or an outcome")
		case o.End < o.Start:
			j.add(Malformed, j.one(id, ""), "an operation ends before it starts")
		case o.Kind == Put && (o.Value == 0 || o.Value.Foreign()):
			j.add(Malformed, j.one(id, ""), "a put without a value of this run")
		case o.Kind == Delete && o.Value != 0 || o.Kind == Join && (o.Value != 0 || o.Key != "" || !o.Version.None()):
			j.add(Malformed, j.one(id, ""), "a %v has nothing of this kind", o.Kind)
		default:
			j.parents(id)
			j.answered(id)
		}
	}
}

// parents must have been answered, and before: nobody else has their contexts.
func (j *judge) parents(id OpID) {
	o := &j.ops[id]
	for _, p := range o.Parents {
		switch {
		case p < 0 || p >= id:
			j.add(Malformed, j.one(id, ""), "parent #%d does not stand before the operation", p)
		case j.ops[p].Outcome != history.OK:
			j.add(Malformed, j.two(p, "the parent", id, ""), "a parent without an answer, and so without a context")
		case j.ops[p].End > o.Start:
			j.add(Malformed, j.two(p, "the parent", id, ""), "a context was used before it was had")
		}
	}
}

// statuses that an answered operation can have. A causal bucket does not say
// whether a write found something, so that is not judged.
var statuses = [...][]uint16{Put: {200, 201, 204}, Get: {200, 404}, Delete: {200, 204, 404}, Join: {0, 200}}

// answered checks the form of an answer.
func (j *judge) answered(id OpID) {
	o := &j.ops[id]
	if o.Outcome != history.OK {
		return
	}
	known := false
	for _, s := range statuses[o.Kind] {
		known = known || s == o.Status
	}
	switch {
	case !known:
		j.add(BadStatus, j.one(id, ""), "no %v that took effect answers %d", o.Kind, o.Status)
	case o.Kind == Get && (o.Status == 200) != (o.Value != 0):
		j.add(BadStatus, j.one(id, ""), "a get answers 200 exactly when it has a value")
	}
}

// deal hands the operations out to their keys, in order of first appearance.
func (j *judge) deal() {
	index := map[string]int{}
	at := func(key string) *register {
		i, seen := index[key]
		if !seen {
			i = len(j.registers)
			index[key] = i
			j.registers = append(j.registers, &register{key: key})
		}
		return j.registers[i]
	}
	for i := range j.ops {
		o := &j.ops[i]
		if !counts(o) {
			continue
		}
		j.counted++
		if o.Kind != Join {
			r := at(o.Key)
			r.ops = append(r.ops, OpID(i))
		}
	}
	for i := range j.h.Final {
		r := at(j.h.Final[i].Key)
		r.finals = append(r.finals, i)
	}
}
