package forgetting

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is node 0 in a view with node 1. Node 2 was in the view before.
type node struct {
	*bare.Node
	*Orders
	asked, stopped []ids.Node
}

func (n *node) ExchangeAgain(p *peers.Peer) { n.asked = append(n.asked, p.ID) }
func (n *node) StopExchange(p *peers.Peer)  { n.stopped = append(n.stopped, p.ID) }
func (n *node) EndInquiry()                 {}
func (n *node) CheckSynced()                {}

func begun() *node {
	n := &node{Node: bare.In(true, []ids.Node{0, 1, 2}, nil)}
	n.Orders = New(n.Step, n.View, n.Peers, n.Catalog, n.Boots, func(ids.Node) *core.ForgetResult {
		return &core.ForgetResult{Fate: core.ForgetDone, Versions: 3}
	}, n)
	n.Adopt(6, true, []ids.Node{0, 1}, nil)
	return n
}

// fate is what an operator was told; 0: nothing yet.
func (n *node) fate() (r *core.ForgetResult) {
	for _, reply := range n.Step.Output().Replies {
		r = reply.Forget
	}
	return r
}

func TestWhichNodesMayBeForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		id   ids.Node
		want core.ForgetFate
	}{
		{"this node", 0, core.ForgetMember},
		{"a member", 1, core.ForgetMember},
		{"a former member that is heard", 3, core.ForgetHeard},
		{"a node that no view has", 9, core.ForgetUnknown},
	} {
		n := begun()
		n.Peers.HearOfFormer(wire.Member{ID: 3})
		n.Forget(&core.ForgetNode{Token: 1, Node: c.id})
		if r := n.fate(); r == nil || r.Fate != c.want || n.Waiting() || n.Boots.Forgotten(c.id) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestAnOrderIsAnsweredWhenAllWereAsked(t *testing.T) {
	n := begun()
	inquiry := n.Boots.Inquiry()
	n.Forget(&core.ForgetNode{Token: 1, Node: 2})
	if !n.Boots.Forgotten(2) || n.Peers.Get(2) != nil || n.Boots.Inquiry() == inquiry || !n.Waiting() || n.fate() != nil {
		t.Fatal("the node is still a peer, or the operator is answered at once")
	}
	if !slices.Equal(n.stopped, []ids.Node{2}) || !slices.Equal(n.asked, []ids.Node{1}) {
		t.Errorf("stopped are %v, and asked %v", n.stopped, n.asked)
	}
	n.End()
	if r := n.fate(); r == nil || r.Versions != 3 || n.Waiting() || !n.Boots.GivenUp(2) || !n.Told(EventForgotten) {
		t.Errorf("%+v", r)
	}
	n.Sent()
	if n.End(); n.Told(EventForgotten) {
		t.Error("it is over twice")
	}
	if n.Forget(&core.ForgetNode{Token: 2, Node: 2}); n.fate() == nil || n.Waiting() {
		t.Error("a repeated order waits")
	}
}

func TestAnOperatorIsToldWhoHasNotAnswered(t *testing.T) {
	n := begun()
	n.Forget(&core.ForgetNode{Token: 1, Node: 2})
	if n.Tick(); n.fate() != nil {
		t.Error("told at once")
	}
	n.Pass(forgetPatience)
	n.Tick()
	if r := n.fate(); r == nil || r.Fate != core.ForgetPending || !slices.Equal(r.Waiting, []ids.Node{1}) {
		t.Errorf("%+v", r)
	}
	n.Forget(&core.ForgetNode{Token: 2, Node: 2})
	if !n.Abandon(2) || n.Abandon(2) || n.Waiting() {
		t.Error("an operator leaves twice, or not at all")
	}
}

func TestWhoseWordForgetsANode(t *testing.T) {
	for _, c := range []struct {
		name  string
		from  ids.Node
		order wire.Forgotten
		done  bool
	}{
		{"a member's", 1, wire.Forgotten{Node: 2, View: ids.View{Number: 6}}, true},
		{"of a view that this one replaces", 1, wire.Forgotten{Node: 9, View: ids.View{Number: 5}}, true},
		{"of another group", 1, wire.Forgotten{Node: 9, View: ids.View{Number: 4}}, false},
		{"a former member's", 2, wire.Forgotten{Node: 9, View: ids.View{Number: 6}}, false},
		{"of a member", 1, wire.Forgotten{Node: 1, View: ids.View{Number: 6}}, false},
	} {
		n := begun()
		n.Hear(c.from, []wire.Forgotten{c.order})
		if got := n.Boots.Forgotten(c.order.Node); got != c.done {
			t.Errorf("%s: forgotten %t", c.name, got)
		}
	}
}

func TestAViewThatHasANodeReadmitsIt(t *testing.T) {
	n := begun()
	order := wire.Forgotten{Node: 2, View: n.View.ID()}
	n.Hear(1, []wire.Forgotten{order})
	n.Adopt(7, true, []ids.Node{0, 1, 2}, nil)
	n.Readmit(n.View.Held())
	if n.Boots.Forgotten(2) {
		t.Error("not readmitted")
	}
	n.Adopt(8, true, []ids.Node{0, 1}, nil)
	if n.Hear(1, []wire.Forgotten{order}); n.Boots.Forgotten(2) {
		t.Error("an order of a view before the readmission counts")
	}
}
