package causal

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Recorded makes the history to judge of what clients recorded over HTTP. They are
// told no versions, and cannot look into contexts: what they know is the values,
// which are unique, and whose answer each context came with. A history.List becomes
// a join of its gets; a history.Held becomes what a replica held at the end. An
// error means that the record contradicts itself, so that nothing can be said.
func Recorded(ops []history.Op) (*History, error) {
	r := recording{h: &History{}, places: make(map[history.OpID]OpID, len(ops)), parts: map[history.OpID][]OpID{}}
	for i := range ops {
		if ops[i].Kind == history.Held {
			r.held(&ops[i])
		}
	}
	for _, i := range inOrder(ops) {
		if err := r.add(&ops[i]); err != nil {
			return nil, err
		}
	}
	return r.h, nil
}

// inOrder sorts by end, so that whoever was answered stands before whoever used
// the answer: that one began, and ended, later. A listing comes after its items,
// which end with it.
func inOrder(ops []history.Op) []int {
	order := make([]int, 0, len(ops))
	for i := range ops {
		if ops[i].Kind != history.Held {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &ops[a], &ops[b]
		return cmp.Or(cmp.Compare(x.End, y.End), cmp.Compare(x.Start, y.Start), cmp.Compare(rank(x), rank(y)))
	})
	return order
}

func rank(o *history.Op) int {
	if o.Kind == history.List {
		return 1
	}
	return 0
}

// recording is a history that is being made.
type recording struct {
	h      *History
	places map[history.OpID]OpID   // of answers
	parts  map[history.OpID][]OpID // gets of a listing
}

func (r *recording) held(o *history.Op) {
	r.h.Final = append(r.h.Final, Held{Replica: o.Num, Key: o.Key, Value: o.Value})
}

var asked = [...]Kind{history.Put: Put, history.Get: Get, history.Delete: Delete, history.List: Join}

func (r *recording) add(o *history.Op) error {
	if int(o.Kind) >= len(asked) || o.Kind == 0 {
		return fmt.Errorf("causal history: an operation of kind %d", o.Kind)
	}
	var parents []OpID
	if o.Parent != 0 {
		parent, known := r.places[o.Parent]
		if !known {
			return fmt.Errorf("causal history: %v came with the context of an answer that nobody had", o)
		}
		parents = append(parents, parent)
	}
	op := Op{Client: o.Client, Kind: asked[o.Kind], Outcome: o.Outcome, Status: o.Status, Key: o.Key, Value: o.Value, Start: o.Start, End: o.End}
	if o.Kind == history.List {
		parents = append(parents, r.parts[o.ID]...)
		delete(r.parts, o.ID)
		op.Start = o.End // it brings together what its gets were told
	}
	id := r.h.Add(op, parents...)
	if o.Part != 0 {
		r.parts[o.Part] = append(r.parts[o.Part], id)
	}
	if o.ID != 0 && o.Outcome == history.OK {
		r.places[o.ID] = id
	}
	return nil
}
