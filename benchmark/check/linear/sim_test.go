package linear

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// world is the reference: a map that executes operations one at a time, each at a
// point between its start and its end. Clients see its state through answers, some
// of which are lost. Its histories are linearizable by construction.
type world struct {
	clients, keys, ops int
	lost               float64 // share of operations without an answer, 0 to 1
	refused            float64
	v1                 bool
	seed               uint64
}

type event struct {
	op    history.Op
	point int64
	never bool
}

func (w world) history() []history.Op {
	rng := rand.New(rand.NewPCG(w.seed, 1))
	var events []*event
	next := history.ClientID(0)
	for c := range w.clients {
		next++
		client, values, t := next, uint32(0), rng.Int64N(50)
		for range (w.ops + c) / w.clients {
			e := &event{op: history.Op{Client: client, Outcome: history.OK, Kind: history.Kind(1 + rng.IntN(3)), Key: fmt.Sprint("k", rng.IntN(w.keys))}}
			if e.op.Kind == history.Put {
				values++
				e.op.Value = history.NewValue(client, values)
			}
			e.op.Start = t + rng.Int64N(10)
			e.point = e.op.Start + rng.Int64N(60)
			e.op.End = e.point + rng.Int64N(60)
			t = e.op.End + 1
			switch p := rng.Float64(); {
			case p < w.lost:
				e.op.Outcome = history.Unknown
				e.point += rng.Int64N(400)
				e.never = rng.IntN(3) == 0
				next++
				client, values = next, 0
			case p < w.lost+w.refused:
				e.op.Outcome, e.op.Status, e.never = history.NotApplied, 503, true
			}
			events = append(events, e)
		}
	}
	return w.execute(events)
}

func (w world) execute(events []*event) []history.Op {
	slices.SortStableFunc(events, func(a, b *event) int { return cmp.Compare(a.point, b.point) })
	state, num := map[string]history.Value{}, uint64(1)
	var ops []history.Op
	for _, e := range events {
		if !e.never {
			w.apply(&e.op, state, &num)
		}
		if e.op.Outcome == history.Unknown {
			e.op.Status, e.op.Num = 0, 0
			if e.op.Kind == history.Get {
				e.op.Value = 0
			}
		}
		ops = append(ops, e.op)
	}
	slices.SortStableFunc(ops, func(a, b history.Op) int { return cmp.Compare(a.Start, b.Start) })
	return ops
}

func (w world) apply(o *history.Op, state map[string]history.Value, num *uint64) {
	there := state[o.Key] != 0
	o.Num = *num
	switch {
	case o.Kind == history.Put && there && w.v1:
		o.Status = 204
	case o.Kind == history.Put && !there:
		o.Status = 201
	case o.Kind == history.Get && !there:
		o.Status = 404
	case o.Kind == history.Delete && w.v1:
		o.Status = 204
	case o.Kind == history.Delete && !there:
		o.Status = 404
	default:
		o.Status = 200
	}
	if o.Kind == history.Get {
		o.Value = state[o.Key]
		return
	}
	*num++
	state[o.Key] = left(o)
}

// brute decides linearizability from the definition, by trying every order. The other
// judges are compared with it. It is short, so that a reader can check it, and slow: it
// serves for about a dozen operations.
type brute struct {
	ops     []history.Op
	numbers bool // the numbers must agree too, from 1
	done    []bool
	state   map[string]history.Value
	num     uint64
}

func (b *brute) linearizable() bool {
	b.done, b.state, b.num = make([]bool, len(b.ops)), map[string]history.Value{}, 1
	return b.try()
}

func (b *brute) try() bool {
	finished := true
	for i := range b.ops {
		o := &b.ops[i]
		if b.done[i] || o.Outcome == history.NotApplied || o.Outcome == history.Unknown && !o.Write() {
			continue
		}
		if o.Outcome == history.OK {
			finished = false
		}
		if !b.mayComeNow(i) || !b.agrees(o) {
			continue
		}
		before, num := b.state[o.Key], b.num
		b.done[i], b.state[o.Key] = true, left(o)
		if o.Write() {
			b.num++
		}
		if b.try() {
			return true
		}
		b.done[i], b.state[o.Key], b.num = false, before, num
	}
	return finished
}

func (b *brute) mayComeNow(i int) bool {
	for j := range b.ops {
		if p := &b.ops[j]; j != i && !b.done[j] && p.Outcome == history.OK && p.End < b.ops[i].Start {
			return false
		}
	}
	return true
}

func (b *brute) agrees(o *history.Op) bool {
	if o.Outcome == history.Unknown {
		return true
	}
	found, ok := o.Found()
	there := b.state[o.Key] != 0
	switch {
	case !ok, found == history.Present && !there, found == history.Absent && there:
		return false
	case o.Kind == history.Get && o.Value != b.state[o.Key]:
		return false
	}
	return !b.numbers || o.Num == b.num
}
