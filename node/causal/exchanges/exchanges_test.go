package exchanges

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is node 0 with its exchanges. It notes which are over.
type node struct {
	*bare.Node
	*Exchanges
	host
	ended []ids.Node
}

// host is what a node has beside its exchanges.
type host struct{}

func (host) Digested(wire.Header, *wire.Digest)       {}
func (host) Ending(*Exchange)                         {}
func (host) CheckSynced()                             {}
func (host) Note(string)                              {}
func (host) WakeKeys()                                {}
func (host) WakeAll()                                 {}
func (host) CatchUp()                                 {}
func (host) Guest(wire.Header) *peers.Peer            { return nil }
func (host) ExchangeWith(*peers.Peer)                 {}
func (host) Advance()                                 {}
func (host) Unsynced() bool                           { return true }
func (host) HearForgotten(ids.Node, []wire.Forgotten) {}
func (host) RaiseGCCounter(uint64)                    {}
func (host) CutSum() uint64                           { return 0 }

// offers are what hand-offs need of a node.
type offers struct{ host }

func (offers) Brings(*peers.Peer, ids.Boot, uint64) bool { return false }

func (n *node) Ended(p *peers.Peer, _ *Exchange) { n.ended = append(n.ended, p.ID) }

func begun(a, b []ids.Node) *node {
	n := &node{Node: bare.In(false, a, b)}
	h := handoff.New(n.Step, n.View, n.Peers, n.Slots, n.Items, offers{})
	y := ready.New(ready.Parts{Step: n.Step, View: n.View, Slots: n.Slots, Items: n.Items, Boots: n.Boots, Collector: n.Collector, Waker: n, Host: n.host})
	n.Exchanges = New(Parts{
		Step: n.Step, View: n.View, Peers: n.Peers, Slots: n.Slots, Items: n.Items, Boots: n.Boots, Guard: n.Guard,
		Handoffs: h, Ready: y, Waker: n, Host: n,
	})
	return n
}

// other is node 1, which holds an item in a slot, as another node would answer for it.
func other(at hashing.Slot) (*node, *Responder) {
	n := begun([]ids.Node{0, 2}, nil)
	n.Slots.Serve(at)
	n.Items.Merge(&wire.Item{Key: n.Key(at), Version: wire.CausalVersion{Counter: 2, Dot: wire.Dot{Stream: stream, N: 1}}}, nil)
	n.Slots.Grow(at, wire.Vector{{Stream: stream, N: 1}}, 3, false)
	n.Slots.Apply(n.Slots.TakeGrowth(), func(hashing.Slot) {})
	n.Step.Commit()
	n.Durable()
	return n, n.Responder(n.Collector, n.host)
}

var stream = wire.Stream{View: ids.View{Number: 1}, Node: 1, Boot: 10}

// ask is the last question that was sent to a node; nil: none.
func ask[M wire.Message](n *node, to ids.Node) (q M) {
	for _, e := range n.Sent() {
		if m, ok := e.Message.(M); ok && e.To == to {
			q = m
		}
	}
	return q
}

// TestAnExchangeBringsWhatThePeerHas goes through the steps of an exchange with a peer.
func TestAnExchangeBringsWhatThePeerHas(t *testing.T) {
	const at = hashing.Slot(3)
	n, p := begun([]ids.Node{0, 1}, nil), (*peers.Peer)(nil)
	p = n.Peers.Get(1)
	there, responder := other(at)
	n.With(p)
	q := ask[*wire.DigestRequest](n, 1)
	if q == nil || n.Of(p) == nil {
		t.Fatal("nothing is asked")
	}
	responder.OnDigestRequest(wire.Header{From: 0, Boot: 1}, "reply", q)
	digest := there.Sent()[0].Message.(*wire.Digest)
	if !digest.Unsynced || len(digest.Held.Held) == 0 {
		t.Fatalf("%+v", digest)
	}
	n.OnDigest(n.From(1), digest)
	fetch := ask[*wire.FetchItems](n, 1)
	if fetch == nil || !slices.Equal(fetch.Slots, []wire.SlotRange{{First: uint32(at), Count: 1}}) || n.Brings(p, 10, digest.Revision+1) || !n.Brings(p, 10, digest.Revision) {
		t.Fatalf("fetched are %+v", fetch)
	}
	responder.OnFetchItems(wire.Header{From: 0, Boot: 1}, "reply", fetch)
	read := there.Step.Output().Reads[0]
	there.Items.OnSlotsRead(&core.SlotsRead{Session: read.Session, Items: []wire.Item{*there.Items.Current(n.Key(at), nil)}, Last: true})
	items := there.Sent()[0].Message.(*wire.Items)
	n.OnItems(n.From(1), items, []*wire.Item{nil})
	if len(n.ended) > 0 || len(n.Slots.At(at).Known()) > 0 {
		t.Error("over before everything is durable")
	}
	n.Durable()
	if s := n.Slots.At(at); !slices.Equal(n.ended, []ids.Node{1}) || s.Known().At(stream) != 1 || s.GCCounter() != 3 || s.Sum() != there.Slots.At(at).Sum() || n.Of(p) != nil {
		t.Errorf("ended with %v, K %v, GC counter %d", n.ended, s.Known(), s.GCCounter())
	}
}

func TestANodeThatWantsNothingExchangesNothing(t *testing.T) {
	n := begun([]ids.Node{1}, nil)
	if n.With(n.Peers.Get(1)); len(n.Sent()) > 0 || !slices.Equal(n.ended, []ids.Node{1}) {
		t.Errorf("ended with %v", n.ended)
	}
}

func TestWithAnotherGroupNothingIsExchanged(t *testing.T) {
	n := begun([]ids.Node{0, 1}, nil)
	p := n.Peers.HearOfFormer(wire.Member{ID: 7})
	n.With(p)
	q := ask[*wire.DigestRequest](n, 7)
	n.OnDigest(wire.Header{From: 7}, &wire.Digest{Session: q.Session, View: ids.View{Number: 99}, Layout: 99})
	if !p.Apart || n.Of(p) != nil || !slices.Equal(n.ended, []ids.Node{7}) || !n.Told(EventApart) {
		t.Errorf("parted %t, ended with %v", p.Apart, n.ended)
	}
}

func TestWhatEndsAnExchangeEarly(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(n *node, p *peers.Peer)
		open  bool
		asked bool
	}{
		{"a repetition is due", func(n *node, p *peers.Peer) { n.Pass(wire.Second / 2); n.Tick() }, true, true},
		{"the peer is out of reach", func(n *node, p *peers.Peer) { n.Pass(5 * wire.Second); n.Tick() }, false, false},
		{"the peer is heard again", func(n *node, p *peers.Peer) { n.Again(p) }, true, true},
		{"the node is forgotten", func(n *node, p *peers.Peer) { n.Stop(p) }, false, false},
		{"the view ends", func(n *node, p *peers.Peer) { n.Reset() }, false, false},
	} {
		n := begun([]ids.Node{0, 1}, nil)
		p := n.Peers.Get(1)
		n.With(p)
		n.Sent()
		c.do(n, p)
		if open, asked := n.Of(p) != nil, ask[*wire.DigestRequest](n, 1) != nil; open != c.open || asked != c.asked || len(n.ended) > 0 {
			t.Errorf("%s: open %t, asked %t, ended with %v", c.name, open, asked, n.ended)
		}
	}
}

func TestASecondExchangeFollowsTheFirst(t *testing.T) {
	n := begun([]ids.Node{0, 1}, nil)
	p := n.Peers.Get(1)
	n.With(p)
	n.With(p)
	q := ask[*wire.DigestRequest](n, 1)
	n.OnDigest(n.From(1), &wire.Digest{Session: q.Session, View: n.View.ID()})
	n.Durable()
	if next := ask[*wire.DigestRequest](n, 1); len(n.ended) != 1 || next == nil || next.Session == q.Session {
		t.Errorf("ended with %v, then asks %+v", n.ended, next)
	}
}

func TestReadsForOthersAreBounded(t *testing.T) {
	n, responder := other(3)
	for range maxWants + 5 {
		responder.OnFetchItems(wire.Header{From: 1}, "reply", &wire.FetchItems{Slots: []wire.SlotRange{{First: 3, Count: 1}}})
	}
	if n.Items.Pieces() != maxWants {
		t.Errorf("%d reads are under way", n.Items.Pieces())
	}
}
