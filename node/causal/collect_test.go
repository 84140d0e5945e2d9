package causal_test

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// TestTombstonesGoAfterAViewThatEndedACollection brings a new view while a node waits for the
// answers to a collection round. Collections must go on in the new view.
func TestTombstonesGoAfterAViewThatEndedACollection(t *testing.T) {
	c := newCluster(t, 2)
	c.write("k", wire.Context{})
	c.submit(wire.Op{Kind: wire.OpDelete, Key: "k"}, wire.Context{})
	asked := false
	c.twist = func(from, to *driven, m wire.Message) {
		if q, ok := m.(*wire.DigestRequest); ok && from.id == 0 && q.Survey && len(q.Slots) == 1 && q.Slots[0].Count == 1 {
			asked, to.cut = true, true
		}
	}
	for range 100 {
		if c.pass(100 * wire.Millisecond); asked {
			break
		}
	}
	if !asked || c.nodes[0].store.Item("k") == nil {
		t.Fatal("no collection round is open")
	}
	c.twist, c.nodes[1].cut = nil, false
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: 0, Address: "node0:8081"}, {ID: 1, Address: "node1:9081"}}}}}
	c.nodes[0].step(&core.PutView{Layout: l.Canonical()})
	c.deliver()
	c.idle(30)
	for _, n := range c.nodes {
		if n.store.Item("k") != nil {
			t.Errorf("node %d still has the tombstone", n.id)
		}
	}
}
