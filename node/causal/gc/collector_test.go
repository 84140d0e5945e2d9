package gc

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var both = []ids.Node{0, 1}

// TestTheFirstRoundFindsWhatEveryReplicaMustHave: P, the union of the replicas' K, for each slot
// whose tombstones all replicas have.
func TestTheFirstRoundFindsWhatEveryReplicaMustHave(t *testing.T) {
	list := []Tombstone{
		tombstone("a", 0, 5, 0, 2),
		tombstone("b", 1, 5, 0, 2), tombstone("c", 1, 6, 0, 3), // node 1 lacks the second tombstone
		tombstone("d", 2, 7, 0, 1), tombstone("e", 2, 8, 1, 1),
	}
	answers := Answers{
		0: holds(at(3, 0), at(3, 0), at(3, 1)),
		1: holds(at(2, 4), at(2, 9), at(1, 6)),
	}
	want := map[hashing.Slot]wire.Vector{0: at(3, 4), 2: at(3, 6)}
	if d := gocmp.Diff(want, FirstRound(list, both, answers)); d != "" {
		t.Error(d)
	}
	if got := FirstRound(list, both, nil); len(got) != 0 {
		t.Errorf("a failed survey finds %v", got)
	}
	if got := largest(list, want); got != 8 {
		t.Errorf("the largest counter that is about to go is %d", got)
	}
	if got := largest(list[:4], map[hashing.Slot]wire.Vector{0: nil}); got != 5 {
		t.Errorf("of slot 0 the largest counter is %d", got)
	}
}

func TestTheSecondRoundLeavesTheSlotsOfWhichAllHaveThat(t *testing.T) {
	needed := map[hashing.Slot]wire.Vector{0: at(3, 4), 2: at(3, 6)}
	SecondRound(needed, both, Answers{
		0: holds(at(3, 4), nil, at(3, 6)),
		1: holds(at(3, 4), nil, at(3, 5)),
	})
	if len(needed) != 1 || needed[0] == nil {
		t.Errorf("left are %v", needed)
	}
}

// note tells a collector of stored tombstones.
func (c *Collector) note(list ...Tombstone) {
	for _, t := range list {
		c.Note(&wire.Item{Key: t.Key, Version: t.Version, Deleted: true}, 0, t.Slot)
	}
}

func keys(list []Tombstone) (keys []string) {
	for i := range list {
		keys = append(keys, list[i].Key)
	}
	return keys
}

func TestACollectionTakesTwoRounds(t *testing.T) {
	var c Collector
	c.note(tombstone("b", 1, 6, 0, 2), tombstone("a", 1, 5, 0, 1), tombstone("c", 2, 9, 0, 3), tombstone("not yet", 3, 9, 0, 3))
	q := c.Begin(func(t *Tombstone) bool { return t.Slot != 3 })
	if want := []wire.SlotRange{{First: 1, Count: 2}}; q == nil || !slices.Equal(q.Slots, want) || q.Collecting != 0 {
		t.Fatalf("the first question is %+v", q)
	}
	c.Conduct(NewSurvey(*q, 1, ids.View{}, both[1:], 0))
	if _, idle := c.Next(); idle {
		t.Error("another collection may begin")
	}
	have, lacking := holds(nil, at(2), at(3)), holds(nil, at(2), at(2)) // node 1 lacks the tombstone of c
	q, list := c.Conclude(both, Answers{0: have, 1: lacking})
	if q == nil || q.Collecting != 6 || len(list) > 0 {
		t.Fatalf("after the first round: %+v, %v", q, list)
	}
	c.Conduct(NewSurvey(*q, 2, ids.View{}, both[1:], 0))
	c.note(tombstone("b", 1, 7, 0, 4)) // deleted again
	q, list = c.Conclude(both, Answers{0: have, 1: have})
	if q != nil || !slices.Equal(keys(list), []string{"a", "b"}) {
		t.Fatalf("after the second round: %+v, %v", q, keys(list))
	}
	if _, stands := c.Standing(&list[0]); !stands {
		t.Error("a is not stored any more")
	}
	if _, stands := c.Standing(&list[1]); stands {
		t.Error("the later deletion of b is collected with the earlier one")
	}
	if _, idle := c.Next(); !idle {
		t.Error("no other collection may begin")
	}
}

func TestAFailedRoundCollectsNothing(t *testing.T) {
	for failing := range 2 {
		var c Collector
		c.note(tombstone("a", 0, 5, 0, 1))
		all := Answers{0: holds(at(1)), 1: holds(at(1))}
		c.Begin(func(*Tombstone) bool { return true })
		if failing == 1 {
			c.Conclude(both, all)
		}
		if q, list := c.Conclude(both, nil); q != nil || len(list) > 0 {
			t.Errorf("round %d failed, and then %+v, %v", failing+1, q, list)
		}
		c.Begin(func(*Tombstone) bool { return true })
		c.Conclude(both, all)
		if _, list := c.Conclude(both, all); len(list) != 1 {
			t.Errorf("round %d failed, and the next collection finds %v", failing+1, list)
		}
	}
}

func TestACollectionIsBoundedAndInOrder(t *testing.T) {
	var c Collector
	for i := range maxBatch + 5 {
		c.note(tombstone(fmt.Sprintf("%06d", i), hashing.Slot(i%7), 1, 0, 1))
	}
	q := c.Begin(func(*Tombstone) bool { return true })
	if len(c.batch) != maxBatch || !slices.IsSortedFunc(c.batch, func(a, b Tombstone) int { return int(a.Slot) - int(b.Slot) }) {
		t.Errorf("%d tombstones", len(c.batch))
	}
	if want := []wire.SlotRange{{First: 0, Count: 7}}; !slices.Equal(q.Slots, want) {
		t.Errorf("slots %v", q.Slots)
	}
	if c.Begin(func(*Tombstone) bool { return false }) != nil {
		t.Error("a collection of nothing begins")
	}
}

func TestTheListHasWhatIsStored(t *testing.T) {
	var c Collector
	if _, idle := c.Next(); idle {
		t.Error("there is something to collect at the beginning")
	}
	c.note(tombstone("a", 0, 5, 0, 1), tombstone("b", 1, 5, 0, 2), tombstone("c", 2, 5, 0, 3))
	c.Removed(&wire.Item{Key: "a", Deleted: true})
	c.Removed(&wire.Item{Key: "b"}) // an earlier value
	c.Released(func(at hashing.Slot) bool { return at == 2 })
	c.Begin(func(*Tombstone) bool { return true })
	if got := keys(c.batch); !slices.Equal(got, []string{"b"}) {
		t.Errorf("listed are %v", got)
	}
	if c.Raise(5); c.Counter != 5 {
		t.Errorf("the GC counter is %d", c.Counter)
	}
	if c.Raise(3); c.Counter != 5 {
		t.Errorf("the GC counter fell to %d", c.Counter)
	}
}
