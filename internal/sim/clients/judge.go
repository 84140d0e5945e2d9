package clients

import (
	"encoding/binary"

	"github.com/cohortkv/cohort/benchmark/check/causal"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"

	told "github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/internal/sim/truth"
)

// record is the history of the sessions of a run, in the form of the judge of recorded
// histories. Package truth judges the same run more strictly, so this is a test of that
// judge.
type record struct {
	all     *Sessions
	h       causal.History
	answers map[int]causal.OpID          // request → the operation whose answer carried the context
	writes  map[*truth.Write]causal.OpID // the operation of each write that has one
	values  map[*truth.Write]told.Value
	of      []*truth.Write // by operation: its write; nil: it is no write
	near    []*truth.Incarnation
}

// Judge gives the history to the judge, with the items that the members of the last list
// hold at the end. near are the boots whose data must have reached those members.
func (ss *Sessions) Judge(list schedule.Nodes, near []*truth.Incarnation) {
	r := &record{
		all: ss, answers: map[int]causal.OpID{}, writes: map[*truth.Write]causal.OpID{}, values: map[*truth.Write]told.Value{},
		near: near,
	}
	for _, q := range ss.requests[1:] {
		r.name(q)
	}
	for _, q := range ss.requests[1:] {
		r.add(q)
	}
	r.final(list)
	r.h.Lost = r.lost
	if result := causal.Check(&r.h); len(result.Violations) > 0 {
		ss.w.Fail("judge: "+string(result.Violations[0].Rule), "%v", result.Violations[0])
	}
}

// name gives every write a value of its own. A request that two owners took counts as two
// writes.
func (r *record) name(q *Request) {
	for i, w := range q.Writes {
		r.values[w] = told.NewValue(told.ClientID(1+i), uint32(q.Token))
	}
}

// push appends an operation.
func (r *record) push(op causal.Op, w *truth.Write, parents ...causal.OpID) causal.OpID {
	r.of = append(r.of, w)
	return r.h.Add(op, parents...)
}

func (r *record) add(q *Request) {
	var parents []causal.OpID
	if from, ok := r.answers[q.context.from]; ok {
		parents = append(parents, from)
	}
	switch {
	case q.List:
		r.addList(q, parents)
	case !q.Read:
		r.addWrites(q, parents)
	case q.state == witness.Done:
		r.answers[int(q.Token)] = r.addGet(q, q.Key, q.read, parents)
	}
}

// op returns the fields that all operations of a request share.
func (r *record) op(q *Request, kind causal.Kind) causal.Op {
	op := causal.Op{Client: told.ClientID(q.session.id), Kind: kind, Outcome: told.OK, Status: 200, Start: int64(q.Asked), End: int64(q.ended)}
	if q.state != witness.Done {
		op.Outcome, op.Status, op.End = told.Unknown, 0, max(op.End, op.Start)
	}
	return op
}

func (r *record) addWrites(q *Request, parents []causal.OpID) {
	for _, w := range q.Writes {
		op := r.op(q, causal.Put)
		op.Key, op.Version, op.Value = w.Item.Key, versionOf(w), r.values[w]
		if w.Item.Deleted {
			op.Kind, op.Value = causal.Delete, 0
		}
		if q.state == witness.Done && w.Version != q.version { // two owners took it, and the other version was answered
			op.Outcome, op.Status = told.Unknown, 0
		}
		id := r.push(op, w, parents...)
		r.writes[w] = id
		if op.Outcome == told.OK {
			r.answers[int(q.Token)] = id
		}
	}
}

// addGet adds a read of a key. w is the write that it found; nil: none.
func (r *record) addGet(q *Request, key int, w *truth.Write, parents []causal.OpID) causal.OpID {
	op := r.op(q, causal.Get)
	op.Key, op.Status = truth.KeyName(key), 404
	if w != nil {
		op.Version = versionOf(w)
		if !w.Item.Deleted {
			op.Status, op.Value = 200, r.values[w]
		}
	}
	return r.push(op, nil, parents...)
}

// addList adds a listing: a get of every key that its node owned, and a join of these.
func (r *record) addList(q *Request, parents []causal.OpID) {
	if q.state != witness.Done {
		return
	}
	all := parents[:len(parents):len(parents)]
	for _, seen := range q.listed {
		all = append(all, r.addGet(q, seen.key, seen.write, parents))
	}
	join := r.op(q, causal.Join)
	join.Start = join.End
	r.answers[int(q.Token)] = r.push(join, nil, all...)
}

// final records what every owner of every key holds at the end.
func (r *record) final(list schedule.Nodes) {
	for _, id := range list.List() {
		has := r.all.Of(r.all.w.Nodes[id])
		for key := range r.all.w.Sched.Causal.Keys {
			if !has.Owns(key) {
				continue
			}
			held := causal.Held{Replica: uint64(id), Key: truth.KeyName(key)}
			if w := has.Item(key); w != nil {
				held.Version = versionOf(w)
				if !w.Item.Deleted {
					held.Value = r.values[w]
				}
			}
			r.h.Final = append(r.h.Final, held)
		}
	}
}

// lost reports that the judge may ask nothing of a write. Either all nodes that held it
// have lost their state, or no node that must hand data to the last list holds it.
func (r *record) lost(id causal.OpID) bool {
	w := r.of[id]
	if w == nil {
		return false
	}
	if w.Excused() || w.Spared() {
		return true
	}
	for _, l := range r.near {
		if l.Has(w) {
			return false
		}
	}
	return true
}

// versionOf returns a version in the form that the judge compares.
func versionOf(w *truth.Write) causal.Version {
	d := w.Version.Dot
	var dot []byte
	for _, part := range [...]uint64{
		d.Stream.View.Number, uint64(d.Stream.View.Author), uint64(d.Stream.View.Boot), uint64(d.Stream.Node), uint64(d.Stream.Boot), d.N,
	} {
		dot = binary.BigEndian.AppendUint64(dot, part)
	}
	return causal.Version{Counter: w.Version.Counter, Node: uint64(d.Stream.Node), Dot: string(dot)}
}

// seen is what a listing shows of one key.
type seen struct {
	key   int
	write *truth.Write // nil: the listing leaves the key out
}
