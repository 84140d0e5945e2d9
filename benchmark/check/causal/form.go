package causal

import (
	"github.com/cohortkv/cohort/benchmark/history"
)

// counts reports whether an operation proves anything. Refused operations do not, and reads
// without an answer do not.
func counts(o *Op) bool {
	return o.Outcome == history.OK || o.Outcome == history.Unknown && o.Write()
}

// wellFormed checks what all later steps rely on.
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

// parents checks that every parent was answered before the operation began. Otherwise the
// client could not have its context.
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

// statuses are the statuses that an answered operation may have. A causal bucket does not
// say whether a write found a value, so that is not judged.
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

// numberClients assigns the operations to their keys, in order of first appearance.
func (j *judge) numberClients() {
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
