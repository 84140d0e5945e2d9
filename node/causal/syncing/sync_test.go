package syncing

import (
	"testing"

	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/forgetting"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is node 0, wired as a replica is.
type node struct {
	*bare.Node
	*Sync
	exchanges *exchanges.Exchanges
	handoffs  *handoff.Handoffs
	waiting   int
}

func (n *node) Note(string)                                {}
func (n *node) WakeKeys()                                  {}
func (n *node) WakeAll()                                   {}
func (n *node) Waiting() int                               { return n.waiting }
func (n *node) CatchUp()                                   {}
func (n *node) CheckSynced()                               { n.Check() }
func (n *node) Guest(wire.Header) *peers.Peer              { return nil }
func (n *node) ExchangeWith(p *peers.Peer)                 { n.exchanges.With(p) }
func (n *node) ExchangeAgain(p *peers.Peer)                { n.exchanges.Again(p) }
func (n *node) StopExchange(p *peers.Peer)                 { n.exchanges.Stop(p) }
func (n *node) Advance()                                   {}
func (n *node) Brings(*peers.Peer, ids.Boot, uint64) bool  { return false }
func (n *node) Digested(_ wire.Header, m *wire.Digest)     { n.HearOfFormer(m) }
func (n *node) Ending(x *exchanges.Exchange)               { n.handoffs.AckExchange(x.Peer, &x.Exchange) }
func (n *node) Ended(p *peers.Peer, x *exchanges.Exchange) { n.Exchanged(p, x) }

func begun(a, b []ids.Node) *node {
	n := &node{Node: bare.In(false, a, b)}
	n.handoffs = handoff.New(n.Step, n.View, n.Peers, n.Slots, n.Items, n)
	y := ready.New(ready.Parts{Step: n.Step, View: n.View, Slots: n.Slots, Items: n.Items, Boots: n.Boots, Collector: n.Collector, Waker: n, Host: n})
	y.Begin()
	n.exchanges = exchanges.New(exchanges.Parts{
		Step: n.Step, View: n.View, Peers: n.Peers, Slots: n.Slots, Items: n.Items, Boots: n.Boots, Guard: n.Guard,
		Handoffs: n.handoffs, Ready: y, Waker: n, Host: n,
	})
	orders := forgetting.New(n.Step, n.View, n.Peers, n.Catalog, n.Boots, func(ids.Node) *core.ForgetResult { return nil }, n)
	n.Sync = New(Parts{
		Step: n.Step, View: n.View, Peers: n.Peers, Slots: n.Slots, Boots: n.Boots, Handoffs: n.handoffs, Exchanges: n.exchanges,
		Ready: y, Orders: orders, Requests: n,
	})
	return n
}

// answer answers the open question of the node with a Digest.
func (n *node) answer(from ids.Node, d wire.Digest) {
	if p := n.Peers.Get(from); n.exchanges.Of(p) == nil {
		n.exchanges.With(p)
	}
	d.Session = n.Step.LastSession()
	n.exchanges.OnDigest(n.From(from), &d)
	n.Durable()
}

// digest is that of a member of the view that lacks nothing.
func (n *node) digest() wire.Digest { return wire.Digest{View: n.View.ID()} }

func TestANodeIsSyncedWhenItHasExchangedWithAllPeersInReach(t *testing.T) {
	n := begun([]ids.Node{0, 1, 2}, nil)
	if n.Check(); n.Synced() || n.Slots.Unready() == 0 || !n.Unsynced() {
		t.Error("synced, or serving, before any exchange")
	}
	n.answer(1, n.digest())
	if n.Synced() {
		t.Error("synced before all peers have answered")
	}
	n.answer(2, n.digest())
	if !n.Synced() || n.Slots.Unready() > 0 || n.Unsynced() || !n.Told(EventSynced) {
		t.Errorf("not synced; %d slots are not ready", n.Slots.Unready())
	}
	n.Refresh()
	if n.Synced() {
		t.Error("synced, and an operator has put the view again")
	}
}

func TestAnUnreachablePeerHoldsUpNothing(t *testing.T) {
	n := begun([]ids.Node{0, 1, 2}, nil)
	n.answer(1, n.digest())
	n.Pass(wire.Second)
	if n.Tick(); !n.Synced() {
		t.Error("it waits for a peer that is out of reach")
	}
}

// TestWhoseAnswerEndsAnInquiry is docs/causal.md §10, rules 10 to 12.
func TestWhoseAnswerEndsAnInquiry(t *testing.T) {
	for _, c := range []struct {
		name   string
		digest wire.Digest
		ends   bool
	}{
		{"of this view", wire.Digest{View: ids.View{Number: 5}}, true},
		{"of a view before", wire.Digest{View: ids.View{}}, false},
		{"of a view before, and takes no writes", wire.Digest{View: ids.View{}, Frozen: true}, true},
		{"unsynced", wire.Digest{View: ids.View{Number: 5}, Unsynced: true}, false},
	} {
		n := begun([]ids.Node{0, 1}, nil)
		if n.answer(1, c.digest); n.Boots.Inquiring() == c.ends {
			t.Errorf("%s: the inquiry goes on %t", c.name, n.Boots.Inquiring())
		}
	}
}

// TestAFormerMemberIsForgottenWhenItIsDrained is docs/causal.md §7.4, rule 6, and I25.
func TestAFormerMemberIsForgottenWhenItIsDrained(t *testing.T) {
	for _, c := range []struct {
		name      string
		digest    wire.Digest
		forgotten bool
	}{
		{"all owners have its data, and it takes no writes", wire.Digest{Frozen: true, Acked: []wire.NodeBoot{{Node: 1, Boot: 10}}}, true},
		{"it takes writes", wire.Digest{Acked: []wire.NodeBoot{{Node: 1, Boot: 10}}}, false},
		{"an owner lacks its data", wire.Digest{Frozen: true}, false},
	} {
		n := begun([]ids.Node{0, 1}, nil)
		n.answer(1, n.digest())
		m := n.digest()
		m.Former = []wire.Member{{ID: 7}}
		n.HearOfFormer(&m)
		if n.Synced() || n.Peers.Get(7) == nil || n.Boots.Inquiry() == 0 {
			t.Fatalf("%s: the former member is no peer", c.name)
		}
		c.digest.View = n.View.ID()
		n.answer(7, c.digest)
		if n.Check(); n.Peers.Get(7) == nil {
			t.Errorf("%s: forgotten before its acknowledgement could arrive", c.name)
		}
		n.Pass(forgetDelay)
		n.Hellos()
		if n.Check(); (n.Peers.Get(7) == nil) != c.forgotten || n.Told(EventFormerDrained) != c.forgotten {
			t.Errorf("%s: forgotten %t", c.name, n.Peers.Get(7) == nil)
		}
		if n.HearOfFormer(&m); c.forgotten && n.Peers.Get(7) != nil {
			t.Errorf("%s: hearsay brings it back", c.name)
		}
	}
}

func TestGossipGoesRoundTheReplicas(t *testing.T) {
	n := begun([]ids.Node{0, 1, 2}, []ids.Node{3})
	asked := map[ids.Node]int{}
	for range 4 {
		n.Gossip()
		for _, e := range n.Sent() {
			if q, ok := e.Message.(*wire.DigestRequest); ok {
				asked[e.To]++
				d := n.digest()
				d.Session = q.Session
				n.exchanges.OnDigest(n.From(e.To), &d)
				n.Durable()
			}
		}
		n.Pass(GossipEvery)
		n.Hellos()
	}
	if asked[1] != 2 || asked[2] != 2 || asked[3] != 0 {
		t.Errorf("asked are %v", asked)
	}
}

func TestAnInquiryGoesOnWhileARequestWaits(t *testing.T) {
	for waiting := range 2 {
		n := begun([]ids.Node{0}, []ids.Node{3})
		n.answer(3, n.digest())
		n.Boots.Begin()
		n.waiting = waiting
		n.Sent()
		if n.Gossip(); (len(n.Sent()) > 0) != (waiting > 0) {
			t.Errorf("%d requests wait", waiting)
		}
	}
}
