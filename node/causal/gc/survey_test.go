package gc

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func stream(node ids.Node) wire.Stream {
	return wire.Stream{View: ids.View{Number: 1}, Node: node, Boot: 7}
}

// at makes a vector: at(3, 5) is number 3 of node 0's stream and 5 of node 1's.
func at(numbers ...uint64) wire.Vector {
	var v wire.Vector
	for node, n := range numbers {
		if n > 0 {
			v = append(v, wire.Position{Stream: stream(ids.Node(node)), N: n})
		}
	}
	return v
}

// holds makes the answer of a member that holds slots from the first, with K of each.
func holds(k ...wire.Vector) *wire.Digest {
	d := &wire.Digest{}
	for slot, v := range k {
		d.Held.Vectors = append(d.Held.Vectors, v)
		d.Held.Held = append(d.Held.Held, wire.HeldSlots{Slots: wire.SlotRange{First: uint32(slot), Count: 1}, Vector: uint32(slot)})
	}
	return d
}

func unsynced(d *wire.Digest) *wire.Digest {
	d.Unsynced = true
	return d
}

// TestAllHaveAVectorOnlyIfNoMemberCouldStillBringLess has nodes 0 and 1 as replicas of the slot. Node
// 2 owns another slot.
func TestAllHaveAVectorOnlyIfNoMemberCouldStillBringLess(t *testing.T) {
	v := at(2, 1)
	elsewhere := &wire.Digest{Held: wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{First: 5, Count: 1}}}}}
	for _, c := range []struct {
		name    string
		answers Answers
		want    bool
	}{
		{"both replicas have it", Answers{0: holds(v), 1: holds(v), 2: elsewhere}, true},
		{"both have more", Answers{0: holds(at(2, 1, 4)), 1: holds(at(9, 9)), 2: elsewhere}, true},
		{"one replica lacks a stream", Answers{0: holds(v), 1: holds(at(2)), 2: elsewhere}, false},
		{"one replica is behind in a stream", Answers{0: holds(v), 1: holds(at(1, 1)), 2: elsewhere}, false},
		{"one replica does not hold the slot", Answers{0: holds(v), 1: elsewhere, 2: elsewhere}, false},
		{"another member holds the slot", Answers{0: holds(v), 1: holds(v), 2: holds(v)}, false},
		{"a replica is unsynced", Answers{0: holds(v), 1: unsynced(holds(v)), 2: elsewhere}, false},
		{"another member is unsynced", Answers{0: holds(v), 1: holds(v), 2: unsynced(&wire.Digest{})}, false},
		{"the survey has failed", nil, false},
	} {
		if got := AllHave(0, v, []ids.Node{0, 1}, c.answers); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestASurveyCountsWhenAllHaveAnsweredInItsView(t *testing.T) {
	view := ids.View{Number: 4}
	s := NewSurvey(Question{}, 9, view, []ids.Node{1, 2, 3}, 100)
	ask := func(want ...ids.Node) {
		t.Helper()
		if got := s.Ask(100); !slices.Equal(got, want) {
			t.Errorf("asked are %v, want %v", got, want)
		}
	}
	ask(1, 2, 3)
	s.Answer(2, view, holds())
	s.Answer(3, ids.View{Number: 5}, holds()) // this member has gone on to another view
	s.Answer(7, view, holds())                // not a member
	ask(1, 3)
	later := holds(at(1))
	s.Answer(2, view, later) // a later answer to the repeated question
	s.Answer(1, view, holds())
	if s.Complete() {
		t.Error("complete without node 3")
	}
	s.Answer(3, view, holds())
	ask()
	if !s.Complete() {
		t.Error("not complete although all have answered")
	}
	own := holds()
	if all := s.Answers(0, own); len(all) != 4 || all[0] != own || all[2] != later {
		t.Errorf("the answers are %v", all)
	}
}

func TestASurveyIsRepeatedAndGivenUp(t *testing.T) {
	s := NewSurvey(Question{}, 9, ids.View{}, []ids.Node{1}, 100)
	s.Ask(100)
	for _, c := range []struct {
		now           wire.Instant
		failed, again bool
	}{{100, false, false}, {100 + AskEvery - 1, false, false}, {100 + AskEvery, false, true}, {100 + Patience, true, true}} {
		failed, again, until := s.Due(c.now)
		if failed != c.failed || again != c.again || until != 100+AskEvery {
			t.Errorf("at %d: failed %t, again %t, until %d", c.now, failed, again, until)
		}
	}
}

// tombstone is the deletion of a key in a slot.
func tombstone(key string, slot hashing.Slot, counter uint64, node ids.Node, n uint64) Tombstone {
	return Tombstone{Key: key, Slot: slot, Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: stream(node), N: n}}}
}
