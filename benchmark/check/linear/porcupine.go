package linear

import (
	"math"

	"github.com/anishathalye/porcupine"

	"github.com/cohortkv/cohort/benchmark/history"
)

// question is one run of Porcupine: may these operations lead from the initial
// value to the final one?
type question struct {
	items   []*item
	initial history.Value
	final   *history.Value // nil: any
	cut     int64          // an operation that is not optional ends here at the latest
}

// memory bounds what one run may keep, in bytes. Porcupine remembers every state
// that it has passed: a bit for each operation and about a hundred bytes around it.
// A bound on the model's steps bounds time as well as memory, by the same amount on
// every machine.
const memory = 128 << 20

// finalRead is the end of a question, given to Porcupine as a get. It begins when
// every operation that belongs to the slice has ended.
type finalRead struct{ value history.Value }

// ask puts the question to Porcupine. ok is false if the run reached its bound.
func (q *question) ask() (yes, ok bool) {
	budget := memory / (len(q.items)/8 + 100)
	model := porcupine.Model{
		Init: func() any { return q.initial },
		Step: func(state, input, _ any) (bool, any) {
			if budget--; budget < 0 {
				return false, state // no state has a successor, so the search ends at once
			}
			return step(state.(history.Value), input)
		},
	}
	yes = porcupine.CheckOperations(model, q.operations())
	return yes, budget >= 0
}

// operations renders the items for Porcupine, which takes two operations as
// overlapping also if one begins at the moment the other ends. Each operation gets
// a client of its own: Porcupine does not use clients to search.
func (q *question) operations() []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(q.items)+1)
	for i, it := range q.items {
		end := it.end
		if !it.optional {
			end = min(end, q.cut)
		}
		ops = append(ops, porcupine.Operation{ClientId: i, Input: it, Call: it.op.Start, Return: end})
	}
	if q.final != nil {
		// The final read stands behind the cut and before the end of the optional
		// operations. The optional ones that are not needed come after the read.
		ops = append(ops, porcupine.Operation{ClientId: len(ops), Input: finalRead{*q.final}, Call: never, Return: math.MaxInt64})
	}
	return ops
}

// step is the sequential specification of a register that may be absent.
func step(state history.Value, input any) (bool, any) {
	if last, ok := input.(finalRead); ok {
		return state == last.value, state
	}
	it := input.(*item)
	switch {
	case it.found == history.Present && state == 0, it.found == history.Absent && state != 0:
		return false, state
	case it.op.Kind == history.Get && it.op.Value != state:
		return false, state
	}
	return true, it.left()
}
