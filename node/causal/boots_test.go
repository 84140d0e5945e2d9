package causal

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func from(id ids.Node, boot ids.Boot) wire.Header { return wire.Header{From: id, Boot: boot} }

// TestABootHasEndedWhenItsNodeAnswersInAnother: neither a hello nor the answer to an earlier
// question shows that a boot has ended. Both may have been under way for long.
func TestABootHasEndedWhenItsNodeAnswersInAnother(t *testing.T) {
	r := New(Config{Self: 9, Boot: 90}, &core.Outbox{}, nil)
	l := &r.boots
	*l = bootTable{}
	for r.step.LastSession() < 100 {
		r.step.Session()
	}
	r.noteBoot(1, 10)
	for r.step.LastSession() < 101 {
		r.step.Session()
	}
	r.noteBoot(1, 10)
	l.answered(from(1, 10), 102)
	if l.inquiring || len(l.ended) > 0 {
		t.Fatalf("a node goes on living, and over are %v", l.ended)
	}
	for r.step.LastSession() < 103 {
		r.step.Session()
	}
	r.noteBoot(1, 11) // a hello of an earlier boot, or of a new one
	l.answered(from(1, 10), 103)
	l.answered(from(2, 20), 104)
	if l.inquiring || len(l.ended) > 0 {
		t.Fatalf("over are %v before the node was asked", l.ended)
	}
	l.answered(from(1, 11), 104)
	if want := []wire.NodeBoot{{Node: 1, Boot: 10}}; !l.inquiring || !slices.Equal(l.ended, want) {
		t.Fatalf("over are %v, want %v", l.ended, want)
	}
	l.answered(from(1, 10), 105) // a late answer of the old boot
	if l.hasEnded(1, 11) {
		t.Error("the present boot has ended")
	}
}

func TestWhatOthersKnowToBeOverIsNewsOnce(t *testing.T) {
	var l bootTable
	told := []wire.NodeBoot{{Node: 2, Boot: 5}}
	l.hearEnded(told)
	news := l.inquiry
	if !l.inquiring || news == 0 || !slices.Equal(l.endedBoots(), told) {
		t.Fatalf("asking %t, news %d, told %v", l.inquiring, news, l.endedBoots())
	}
	if l.hearEnded(told); l.inquiry != news {
		t.Error("it is news a second time")
	}
}

// TestWhoKnowsOfOthersIsNoWitnessOfALoss: a node that was in a parted group may have released its
// data to nodes that this one may not ask (docs/causal.md §10, rule 12).
func TestWhoKnowsOfOthersIsNoWitnessOfALoss(t *testing.T) {
	r := bare()
	r.addPeer(&peer{id: 1, member: true})
	r.drained = []ids.Node{4}
	for _, c := range []struct {
		former []ids.Node
		others bool
	}{
		{nil, false},
		{[]ids.Node{0}, false}, // this node
		{[]ids.Node{1}, false}, // a peer, which this node asks
		{[]ids.Node{4}, false}, // drained
		{[]ids.Node{0, 1, 4, 3}, true},
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
