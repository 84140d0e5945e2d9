package causal

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func from(id wire.NodeID, boot wire.Boot) wire.Header { return wire.Header{From: id, Boot: boot} }

// TestALifeIsOverWhenItsNodeAnswersInAnother: a greeting does not tell, it may have
// been under way for long; nor does the answer to a question of before.
func TestALifeIsOverWhenItsNodeAnswersInAnother(t *testing.T) {
	r := New(Config{Self: 9, Boot: 90}, &wire.Outbox{}, nil)
	l := &r.lives
	*l = lives{}
	r.sessions = 100
	r.noteLife(1, 10)
	r.sessions = 101
	r.noteLife(1, 10)
	l.answered(from(1, 10), 102)
	if l.asking || len(l.list) > 0 {
		t.Fatalf("a node goes on living, and over are %v", l.list)
	}
	r.sessions = 103
	r.noteLife(1, 11) // of a life before, or of a new one
	l.answered(from(1, 10), 103)
	l.answered(from(2, 20), 104)
	if l.asking || len(l.list) > 0 {
		t.Fatalf("over are %v before the node was asked", l.list)
	}
	l.answered(from(1, 11), 104)
	if want := []wire.NodeBoot{{Node: 1, Boot: 10}}; !l.asking || !slices.Equal(l.list, want) {
		t.Fatalf("over are %v, want %v", l.list, want)
	}
	l.answered(from(1, 10), 105) // of the old life, and late
	if l.isOver(1, 11) {
		t.Error("the present life is over")
	}
}

func TestWhatOthersKnowToBeOverIsNewsOnce(t *testing.T) {
	var l lives
	told := []wire.NodeBoot{{Node: 2, Boot: 5}}
	l.hear(told)
	news := l.news
	if !l.asking || news == 0 || !slices.Equal(l.told(), told) {
		t.Fatalf("asking %t, news %d, told %v", l.asking, news, l.told())
	}
	if l.hear(told); l.news != news {
		t.Error("it is news a second time")
	}
}

// TestWhoKnowsOfOthersIsNoWitnessOfALoss: a node that was told another list may have given
// what it had to nodes that this one is not to ask.
func TestWhoKnowsOfOthersIsNoWitnessOfALoss(t *testing.T) {
	r := bare()
	r.addPeer(&peer{id: 1, member: true})
	r.drained = []wire.NodeID{4}
	for _, c := range []struct {
		former []wire.NodeID
		others bool
	}{
		{nil, false},
		{[]wire.NodeID{0}, false}, // this node
		{[]wire.NodeID{1}, false}, // asked itself
		{[]wire.NodeID{4}, false}, // has nothing any more
		{[]wire.NodeID{0, 1, 4, 3}, true},
	} {
		var have wire.Digest
		for _, id := range c.former {
			have.Former = append(have.Former, wire.Member{ID: id})
		}
		if got := r.tellsOfOthers(&have); got != c.others {
			t.Errorf("who knows of %v knows of others: %v, want %v", c.former, got, c.others)
		}
	}
}
