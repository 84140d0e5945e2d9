package causal

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// Recorded converts a history that clients recorded over HTTP. Clients get no versions and
// cannot read contexts. They know the values, which are unique, and the answer that each
// context came with. A history.List becomes a join of its gets; a history.Held becomes the
// final state of a replica. Recorded fails if the record contradicts itself.
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

// inOrder sorts by end. So an answer comes before the operations that used its context,
// which end later. A listing comes after its items, which end with it.
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

// recording is a history under construction.
type recording struct {
	h      *History
	places map[history.OpID]OpID   // by answer: its place in the history
	parts  map[history.OpID][]OpID // by listing: its gets
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
		op.Start = o.End // a join begins when its gets have their answers
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
