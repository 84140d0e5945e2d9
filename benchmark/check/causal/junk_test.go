package causal

import (
	"fmt"
	"math/rand/v2"

	"github.com/cohortkv/cohort/benchmark/history"
)

// junk makes histories of no store: answers and contexts are random, and only their form is
// right. Most of them are wrong, in ways that no bug of the tests causes.
type junk struct {
	rng      *rand.Rand
	h        *History
	keys     int
	times    int             // 0: one after another, 1: overlapping, 2: none
	versions map[OpID]uint64 // by write: its version, even if its answer had none
}

func newJunk(rng *rand.Rand) *History {
	j := &junk{rng: rng, h: &History{}, keys: 1 + rng.IntN(2), times: rng.IntN(3), versions: map[OpID]uint64{}}
	n := 2 + rng.IntN(7)
	order := rng.Perm(n)
	for i := range n {
		j.op(OpID(i), uint64(1+order[i]))
	}
	for i := range j.h.Ops {
		if j.h.Ops[i].Kind == Get {
			j.answer(&j.h.Ops[i])
		}
	}
	if rng.IntN(3) == 0 {
		j.ends()
	}
	if rng.IntN(8) == 0 {
		lost := OpID(rng.IntN(n))
		j.h.Lost = func(id OpID) bool { return id == lost }
	}
	return j.h
}

func (j *junk) op(id OpID, counter uint64) {
	op := Op{Client: 1, Outcome: history.OK, Status: 200, Key: fmt.Sprint("k", j.rng.IntN(j.keys))}
	switch j.rng.IntN(8) {
	case 0, 1, 2:
		op.Kind, op.Value = Put, history.Value(id+1)
	case 3:
		op.Kind = Delete
	case 4:
		op.Kind, op.Key = Join, ""
	default:
		op.Kind = Get
	}
	if j.rng.IntN(3) > 0 { // most histories contain causal order
		counter = uint64(id + 1)
	}
	j.versions[id] = counter
	if op.Write() {
		op.Version = Version{Counter: counter, Node: uint64(id)}
		switch j.rng.IntN(8) {
		case 0:
			op.Outcome, op.Status, op.Version = history.Unknown, 0, Version{}
		case 1: // the recorder could see the version
			op.Outcome, op.Status = history.Unknown, 0
		}
	}
	var parents []OpID
	for range j.rng.IntN(3) {
		if p := OpID(j.rng.IntN(int(id) + 1)); p < id && j.h.Ops[p].Outcome == history.OK {
			parents = append(parents, p)
		}
	}
	j.clock(&op, id, parents)
	j.h.Add(op, parents...)
}

func (j *junk) clock(op *Op, id OpID, parents []OpID) {
	switch j.times {
	case 0:
		op.Start, op.End = int64(2*id), int64(2*id+1)
	case 1:
		for _, p := range parents {
			op.Start = max(op.Start, j.h.Ops[p].End)
		}
		op.End = op.Start + int64(j.rng.IntN(4))
	}
}

// answer draws the result of a get: most often a write to its key.
func (j *junk) answer(op *Op) {
	op.Status = 404
	for range 4 {
		id := OpID(j.rng.IntN(len(j.h.Ops)))
		w := &j.h.Ops[id]
		if w.Write() && w.Key == op.Key {
			op.Value, op.Version = w.Value, Version{Counter: j.versions[id], Node: uint64(id)}
			break
		}
	}
	switch {
	case op.Value != 0:
		op.Status = 200
	case j.rng.IntN(2) == 0:
		op.Version = Version{}
	}
}

func (j *junk) ends() {
	for k := range j.keys {
		get := Op{Key: fmt.Sprint("k", k)}
		j.answer(&get)
		for r := range uint64(2) {
			j.h.Final = append(j.h.Final, Held{Replica: r, Key: get.Key, Value: get.Value, Version: get.Version})
		}
	}
}
