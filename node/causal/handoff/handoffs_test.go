package handoff_test

import (
	"testing"

	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/antientropy"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is a node with its hand-offs. It notes with whom it exchanges.
type node struct {
	*bare.Node
	*handoff.Handoffs
	exchanges []ids.Node
	brings    bool
	checked   int
}

func (n *node) Guest(wire.Header) *peers.Peer             { return nil }
func (n *node) Brings(*peers.Peer, ids.Boot, uint64) bool { return n.brings }
func (n *node) ExchangeWith(p *peers.Peer)                { n.exchanges = append(n.exchanges, p.ID) }
func (n *node) Advance()                                  {}
func (n *node) CheckSynced()                              { n.checked++ }

func begun(a, b []ids.Node) *node {
	n := &node{Node: bare.In(true, a, b)}
	n.Handoffs = handoff.New(n.Step, n.View, n.Peers, n.Slots, n.Items, n)
	return n
}

// hold puts an item into a slot that the node does not own.
func (n *node) hold() wire.SlotRange {
	at := n.Owned(false)
	n.Slots.Hold(at)
	n.Items.Merge(&wire.Item{Key: n.Key(at), Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: n.Slots.Revision() + 1}}}, nil)
	return wire.SlotRange{First: uint32(at), Count: 1}
}

// TestASlotIsReleasedWhenAllOwnersHaveItAsItIs is I25.
func TestASlotIsReleasedWhenAllOwnersHaveItAsItIs(t *testing.T) {
	n := begun([]ids.Node{0}, []ids.Node{1, 2})
	r := n.hold()
	n.Restart()
	one, two := n.Peers.Get(1), n.Peers.Get(2)
	if !n.Offered(one) || !n.Offered(two) {
		t.Fatal("an owner is not offered the slot")
	}
	ack := func(from ids.Node, boot ids.Boot) {
		n.OnAck(n.From(from), &wire.HandoffAck{Boot: boot, Revision: n.Slots.Revision(), Slots: []wire.SlotRange{r}})
		n.Tick()
	}
	if ack(1, 99); !n.Offered(one) {
		t.Error("an acknowledgement of another boot of this node counts")
	}
	if ack(1, 1); n.Offered(one) || !n.Offered(two) || !n.Slots.ForOthers() {
		t.Error("one of two owners is enough")
	}
	if ack(2, 1); n.Offered(two) || n.Slots.ForOthers() || n.checked != 2 || !n.Told(handoff.EventSlotsReleased) {
		t.Error("all owners have the slot, and it is kept")
	}
}

func TestASlotThatHasChangedIsOfferedAgain(t *testing.T) {
	n := begun([]ids.Node{0}, []ids.Node{1})
	r := n.hold()
	n.Restart()
	old := n.Slots.Revision()
	n.hold()
	n.OnAck(n.From(1), &wire.HandoffAck{Boot: 1, Revision: old, Slots: []wire.SlotRange{r}})
	if n.Tick(); !n.Slots.ForOthers() {
		t.Fatal("released, and the owner lacks the change")
	}
	n.Arrivals()
	n.Pass(wire.Second)
	n.Tick()
	n.Durable()
	sent := n.Sent()
	if len(sent) != 1 || sent[0].Message.(*wire.Handoff).Revision != n.Slots.Revision() {
		t.Errorf("%+v", sent)
	}
}

func TestANodeOutsideItsViewKeepsWhatItHandsOff(t *testing.T) {
	n := begun([]ids.Node{1}, []ids.Node{2})
	r := n.hold()
	n.Restart()
	for id := ids.Node(1); id <= 2; id++ {
		n.OnAck(n.From(id), &wire.HandoffAck{Boot: 1, Revision: n.Slots.Revision(), Slots: []wire.SlotRange{r}})
	}
	if n.Tick(); !n.Slots.ForOthers() {
		t.Error("released")
	}
}

// TestWhatAHandoffLeadsTo is docs/causal.md §7.3, rule 4.
func TestWhatAHandoffLeadsTo(t *testing.T) {
	for _, c := range []struct {
		name            string
		view            uint64
		from            ids.Node
		brings          bool
		receipt         uint64 // the revision that was acknowledged; 0: none
		exchanges, acks int
	}{
		{"news", 5, 1, false, 0, 1, 0},
		{"of another view", 6, 1, false, 0, 0, 0},
		{"of a stranger", 5, 9, false, 0, 0, 0},
		{"an exchange under way brings it", 5, 1, true, 0, 0, 0},
		{"everything is here", 5, 1, false, 7, 0, 1},
		{"an older revision is here", 5, 1, false, 6, 1, 0},
	} {
		n := begun([]ids.Node{0}, []ids.Node{1})
		n.brings = c.brings
		if c.receipt > 0 {
			n.Receipt(n.Peers.Get(1)).Note(&wire.HandoffAck{Boot: 10, Revision: c.receipt}, false, n.Step.Now())
		}
		h := n.From(c.from)
		h.View = ids.View{Number: c.view}
		n.OnHandoff(h, &wire.Handoff{Revision: 7})
		if sent := n.Sent(); len(n.exchanges) != c.exchanges || len(sent) != c.acks {
			t.Errorf("%s: exchanges with %v, sends %v", c.name, n.exchanges, sent)
		}
	}
}

// TestAnAcknowledgementWaitsUntilThePeerIsInTheView is docs/causal.md §7.3, rule 6.
func TestAnAcknowledgementWaitsUntilThePeerIsInTheView(t *testing.T) {
	n := begun([]ids.Node{0}, []ids.Node{1})
	p, at := n.Peers.Get(1), n.Owned(true)
	x := antientropy.New([]wire.SlotRange{{First: uint32(at), Count: 1}}, false)
	x.Open(antientropy.Start{})
	held := wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{First: uint32(at), Count: 1}}}}
	x.Answer(10, &wire.Digest{View: ids.View{Number: 4}, Revision: 3, Held: held}, n.Step.Now())
	if n.AckExchange(p, &x); len(n.Sent()) > 0 {
		t.Error("acknowledged to a node of another view")
	}
	other := n.From(1)
	other.View = ids.View{Number: 4}
	if n.Heard(p, other); len(n.Sent()) > 0 {
		t.Error("the peer is heard in another view")
	}
	n.Heard(p, n.From(1))
	sent := n.Sent()
	if len(sent) != 1 || sent[0].Message.(*wire.HandoffAck).Revision != 3 {
		t.Fatalf("%+v", sent)
	}
	if n.Heard(p, n.From(1)); len(n.Sent()) > 0 {
		t.Error("acknowledged twice")
	}
}
