package broadcast_test

import (
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is node 0, with replicas 1 and 2. It notes with whom it exchanges.
type node struct {
	*bare.Node
	*broadcast.Broadcast
	exchanges  []ids.Node
	exchanging bool
	woken      int
}

func (n *node) Note(string)                 {}
func (n *node) WakeKeys()                   {}
func (n *node) WakeAll()                    { n.woken++ }
func (n *node) ExchangeWith(p *peers.Peer)  { n.exchanges = append(n.exchanges, p.ID) }
func (n *node) Exchanging(*peers.Peer) bool { return n.exchanging }

const aside = 1 << 10

func begun(ready bool) *node {
	n := &node{Node: bare.In(ready, []ids.Node{0, 1, 2}, []ids.Node{3})}
	n.Broadcast = broadcast.Of(n.Streams, aside, broadcast.Parts{
		Step: n.Step, View: n.View, Peers: n.Peers, Slots: n.Slots, Items: n.Items, Guard: n.Guard, Waker: n, Exchanges: n,
	})
	return n
}

// batch is a batch of the stream of node 1 in a view, from a number on.
func (n *node) batch(view, first uint64, count int) (*wire.Batch, []*wire.Item) {
	m := &wire.Batch{View: ids.View{Number: view}, First: first}
	for i := range uint64(count) {
		m.Items = append(m.Items, wire.Item{Key: n.Key(n.Owned(true)), Version: wire.CausalVersion{
			Counter: first + i, Dot: wire.Dot{Stream: wire.Stream{View: m.View, Node: 1, Boot: 10}, N: first + i},
		}})
	}
	return m, make([]*wire.Item, count)
}

// held is the counter of the item that the node holds.
func (n *node) held() uint64 {
	if item := n.Items.Current(n.Key(n.Owned(true)), nil); item != nil {
		return item.Version.Counter
	}
	return 0
}

func TestAnOwnWriteGoesToTheReplicas(t *testing.T) {
	n := begun(true)
	n.Streams.Own.Append(&wire.Item{Key: "k"})
	n.OwnDurable(n.View.ID(), 1)
	sent := n.Sent()
	if len(sent) != 2 || sent[0].To != 1 || sent[1].To != 2 || sent[0].Message.(*wire.Batch).First != 1 {
		t.Fatalf("%+v", sent)
	}
	answered := false
	n.Streams.Own.Wait(1, func() { answered = true })
	n.OnBatchAck(wire.Header{From: 1, Boot: 99}, &wire.BatchAck{View: n.View.ID(), N: 1}) // another boot of the replica
	n.OnBatchAck(n.From(2), &wire.BatchAck{View: n.View.ID(), N: 1})
	if answered {
		t.Error("answered before all replicas have it")
	}
	if n.OnBatchAck(n.From(1), &wire.BatchAck{View: n.View.ID(), N: 1}); !answered {
		t.Error("not answered")
	}
}

func TestAWriteWaitsForAReplicaForABoundedTime(t *testing.T) {
	n := begun(true)
	n.Streams.Own.Append(&wire.Item{Key: "k"})
	n.OwnDurable(n.View.ID(), 1)
	answered := false
	n.Streams.Own.Wait(1, func() { answered = true })
	n.Step.SetNow(n.Step.Next())
	if n.Tick(); !answered {
		t.Error("not answered")
	}
}

// TestABatchIsAcknowledgedWhenItIsDurable is I15: so does its position count.
func TestABatchIsAcknowledgedWhenItIsDurable(t *testing.T) {
	n := begun(true)
	m, stored := n.batch(5, 1, 2)
	n.OnBatch(n.From(1), m, stored)
	if n.held() != 2 || len(n.Sent()) > 0 || n.woken > 0 {
		t.Fatalf("held is %d, or it is acknowledged before it is durable", n.held())
	}
	n.Durable()
	sent := n.Sent()
	if len(sent) != 1 || sent[0].Message.(*wire.BatchAck).N != 2 || n.woken != 1 {
		t.Errorf("%+v", sent)
	}
}

func TestWhichBatchesAreTaken(t *testing.T) {
	for _, c := range []struct {
		name string
		from ids.Node
		boot ids.Boot
		view uint64
		want uint64
	}{
		{"of a replica", 1, 10, 5, 1},
		{"of another view (I19)", 1, 10, 4, 0},
		{"of another boot", 1, 11, 5, 0},
		{"of a member of another shard", 3, 30, 5, 0},
		{"of a stranger", 9, 90, 5, 0},
	} {
		n := begun(true)
		m, stored := n.batch(c.view, 1, 1)
		if n.OnBatch(wire.Header{From: c.from, Boot: c.boot}, m, stored); n.held() != c.want {
			t.Errorf("%s: held is %d", c.name, n.held())
		}
	}
	n := begun(true)
	m, stored := n.batch(5, 1, 1)
	m.Items[0].Version.Dot.N = 7
	if n.OnBatch(n.From(1), m, stored); n.held() != 0 {
		t.Error("an item is taken under a dot that is not its place")
	}
}

func TestBatchesOfSlotsThatAreNotReadyAreKeptAsideWithinABound(t *testing.T) {
	n := begun(false)
	for first := uint64(1); first < 100; first++ {
		m, stored := n.batch(5, first, 1)
		n.OnBatch(n.From(1), m, stored)
	}
	if n.held() != 0 || n.Slots.AsideBytes() < aside || n.Slots.AsideBytes() > 2*aside || !n.Told(broadcast.EventAsideFull) {
		t.Errorf("held is %d, aside are %d bytes", n.held(), n.Slots.AsideBytes())
	}
}

func TestAGapIsRequestedUnlessAnExchangeMayFillIt(t *testing.T) {
	for _, exchanging := range []bool{false, true} {
		n := begun(true)
		n.exchanging = exchanging
		m, stored := n.batch(5, 4, 1)
		n.OnBatch(n.From(1), m, stored)
		n.Sent()
		n.Pass(broadcast.GapPatience)
		n.Tick()
		var asked *wire.ResendRequest
		for _, e := range n.Sent() {
			asked, _ = e.Message.(*wire.ResendRequest)
		}
		if (asked != nil) == exchanging || asked != nil && (asked.From != 1 || asked.To != 3) {
			t.Errorf("an exchange is under way: %t; asked is %+v", exchanging, asked)
		}
	}
}

func TestWhatHasLeftTheWindowOnlyAnExchangeBrings(t *testing.T) {
	n := begun(true)
	n.OnTruncated(n.From(1), &wire.Truncated{View: ids.View{Number: 4}, UpTo: 3})
	if len(n.exchanges) > 0 {
		t.Error("a stream of another view")
	}
	n.Announce(n.Peers.Get(1), 3)
	if n.OnTruncated(n.From(1), &wire.Truncated{View: n.View.ID(), UpTo: 3}); len(n.exchanges) != 1 {
		t.Error("no exchange begins")
	}
	n.Streams.Own.Append(&wire.Item{Key: "k"})
	n.OwnDurable(n.View.ID(), 1)
	n.Sent()
	n.OnResendRequest(n.From(1), &wire.ResendRequest{View: n.View.ID(), From: 1, To: 1})
	if sent := n.Sent(); len(sent) != 1 || sent[0].Message.(*wire.Batch).First != 1 {
		t.Errorf("sent again is %+v", sent)
	}
	if n.OnResendRequest(n.From(1), &wire.ResendRequest{View: n.View.ID(), From: 2, To: 9}); len(n.Sent()) > 0 {
		t.Error("what was never sent is sent again")
	}
}

func TestAnExchangeMovesTracksUpToK(t *testing.T) {
	n := begun(true)
	n.Announce(n.Peers.Get(1), 3)
	stream := wire.Stream{View: n.View.ID(), Node: 1, Boot: 10}
	for i := range n.Slots.Len() {
		if at := hashing.Slot(i); n.View.Owns(at) {
			n.Slots.Grow(at, wire.Vector{{Stream: stream, N: 3}}, 0, false)
		}
	}
	n.Slots.Apply(n.Slots.TakeGrowth(), func(hashing.Slot) {})
	n.CatchUp()
	n.Durable()
	if sent := n.Sent(); len(sent) != 1 || sent[0].Message.(*wire.BatchAck).N != 3 || n.Streams.Track(stream).Missing() != 0 {
		t.Errorf("%+v", sent)
	}
}

func TestAStreamEndsWithItsView(t *testing.T) {
	n := begun(true)
	m, stored := n.batch(5, 1, 1)
	n.OnBatch(n.From(1), m, stored)
	n.End()
	if k := n.Slots.At(n.Owned(true)).Known(); k.At(wire.Stream{View: n.View.ID(), Node: 1, Boot: 10}) != 1 {
		t.Errorf("K is %v", k)
	}
	n.Adopt(6, true, []ids.Node{0, 1}, nil)
	if n.Begin(); n.Streams.Own.ID() != (wire.Stream{View: n.View.ID(), Node: 0, Boot: 1}) {
		t.Errorf("the next stream is %v", n.Streams.Own.ID())
	}
}
