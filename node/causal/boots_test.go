package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func from(id ids.Node, boot ids.Boot) wire.Header { return wire.Header{From: id, Boot: boot} }

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
