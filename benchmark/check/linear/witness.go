package linear

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Witness judges a history by its numbers. first is the number that the first write
// of the history should have: 1 on an empty cluster, otherwise the number that a
// GET just before the run carried. All keys are taken to be absent at that point.
// No other client may write to the cluster during the run.
//
// Positions: write number n stands at position n. A GET that carries n stands
// between n-1 and n. GETs with the same number stand in the order of their starts.
//
// A number is free if no answered write owns it but an answered operation shows
// that it was given. Each free number must belong to a different write whose
// outcome is unknown. An unknown write may also have taken a number that no answer
// shows, or none.
//
// The history is accepted exactly if the unknown writes can be given to the free
// numbers so that the resulting order agrees with every status, every value and
// real time. GETs between the same two writes commute. The history is therefore
// accepted exactly if there is a linearization in which the numbers are true. If
// the search reaches its bound, Undecided is reported instead, which counts as a
// violation.
func Witness(ops []history.Op, first uint64) []Violation {
	var f findings
	wellFormed(ops, &f)
	w := witness{first: first, findings: &f}
	w.order(ops)
	if len(f.list) == 0 {
		w.numbers()
	}
	if len(f.list) > 0 {
		return f.list // without sound numbers there is no order to judge
	}
	w.realTime()
	w.registers(ops)
	return f.list
}

// placed is an answered operation at its position in the order.
type placed struct {
	*history.Op
	pos uint64 // 2n for write n, 2n-1 for a GET that carries n
}

// witness is a history while the rules are applied to it.
type witness struct {
	*findings
	first   uint64
	line    []placed      // answered operations, in the order of their positions
	unknown []*history.Op // writes whose outcome is unknown
	free    []uint64      // numbers that were given to an unknown write, ascending
}

// order finds the operations that took effect, and puts them at their positions.
// Refused operations and reads without an answer say nothing.
func (w *witness) order(ops []history.Op) {
	for i := range ops {
		o := &ops[i]
		switch {
		case o.Outcome == history.Unknown && o.Write():
			w.unknown = append(w.unknown, o)
		case o.Outcome == history.OK && answered(o, w.findings):
			w.place(o)
		}
	}
	slices.SortFunc(w.line, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(a.Start, b.Start))
	})
}

func (w *witness) place(o *history.Op) {
	if o.Num < w.first || o.Num > math.MaxUint64/2 {
		w.add(BadNumber, []history.Op{*o}, "numbers start at %d; this answer carries %d", w.first, o.Num)
		return
	}
	pos := 2 * o.Num
	if !o.Write() {
		pos--
	}
	w.line = append(w.line, placed{o, pos})
}

// numbers checks that no number was given twice, and finds the free ones. If there
// are more free numbers than unknown writes, it stops there, so one absurd number
// costs nothing.
func (w *witness) numbers() {
	next := w.first // the lowest number that is not accounted for yet
	var before *history.Op
	for _, p := range w.line {
		if p.Write() && p.Num < next {
			w.add(BadNumber, []history.Op{*before, *p.Op}, "two writes own number %d", p.Num)
			continue
		}
		if missing := p.Num - next; missing > uint64(len(w.unknown)-len(w.free)) {
			w.add(BadNumber, around(before, p.Op), "numbers %s are given to no write; %d writes have an unknown outcome, for %d numbers before these",
				span(next, p.Num-1), len(w.unknown), len(w.free))
			return
		}
		for ; next < p.Num; next++ {
			w.free = append(w.free, next)
		}
		if p.Write() {
			next, before = p.Num+1, p.Op
		}
	}
}

func around(before, after *history.Op) []history.Op {
	if before == nil {
		return []history.Op{*after}
	}
	return []history.Op{*before, *after}
}

func span(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d…%d", from, to)
}

// realTime goes through the order backwards. At each position it knows the earliest
// end among all operations at strictly later positions: no operation here may have
// begun after that end.
func (w *witness) realTime() {
	var earliest *history.Op
	for end := len(w.line); end > 0; {
		begin := end - 1
		for begin > 0 && w.line[begin-1].pos == w.line[begin].pos {
			begin--
		}
		group := w.line[begin:end]
		for _, p := range group {
			if earliest != nil && earliest.End < p.Start {
				w.add(RealTime, []history.Op{*earliest, *p.Op}, "the first had ended when the second began, but its number puts it behind")
			}
		}
		for _, p := range group {
			if earliest == nil || p.End < earliest.End {
				earliest = p.Op
			}
		}
		end = begin
	}
}
