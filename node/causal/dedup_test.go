package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var forwarder = wire.NodeBoot{Node: 1, Boot: 1}

func requestOf(boot wire.NodeBoot, n uint64) *wire.Item {
	return &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: n}, ID: ids.Request{Node: boot.Node, Boot: boot.Boot, Counter: n}}
}

func takenUpTo(n uint64, room int) *incomingForwards {
	c := &incomingForwards{}
	c.init(&Limits{DedupRetention: keep, DedupEntries: room})
	for i := uint64(1); i <= n; i++ {
		c.remember(requestOf(forwarder, i), false, wire.Second)
	}
	return c
}

// TestWhatItsNodeIsDoneWithIsForgottenWhenItsCopiesAreTooOld: before, every forwarded write
// was remembered for one to two minutes, however many there were.
func TestWhatItsNodeIsDoneWithIsForgottenWhenItsCopiesAreTooOld(t *testing.T) {
	c := takenUpTo(100_000, 1<<20)
	at := 2 * wire.Second
	c.closeBelow(forwarder, 99_990, at)
	c.closeBelow(forwarder, 99_995, at+forwardMaxAge) // a copy of what came before may still be accepted
	if n := len(c.recent[0]); n != 100_000 {
		t.Fatalf("%d are remembered while copies may be under way", n)
	}
	c.closeBelow(forwarder, 100_000, at+forwardMaxAge+1)
	if n := len(c.recent[0]); n != 11 {
		t.Errorf("%d are remembered, 11 may come again", n)
	}
	for n, want := range map[uint64]bool{1: false, 99_989: false, 99_990: true, 100_000: true} {
		if _, ok := c.lookup(requestOf(forwarder, n).ID); ok != want {
			t.Errorf("request %d is remembered: %t", n, ok)
		}
	}
	if c.remember(requestOf(forwarder, 5), false, at); len(c.recent[0]) != 11 {
		t.Error("what an exchange brings of long ago is remembered")
	}
	other := wire.NodeBoot{Node: forwarder.Node, Boot: 2}
	c.closeBelow(other, 1<<60, at+10*forwardMaxAge)
	c.closeBelow(other, 1<<60, at+12*forwardMaxAge)
	if n := len(c.recent[0]); n != 11 {
		t.Errorf("%d are remembered after another boot of the node was heard", n)
	}
}

// TestWhereThereIsNoRoomToRememberNothingIsAppliedTwice: a write that may have been applied is refused.
func TestWhereThereIsNoRoomToRememberNothingIsAppliedTwice(t *testing.T) {
	c := takenUpTo(120, 100)
	if len(c.recent[0]) != 100 {
		t.Fatalf("%d are remembered where there is room for 100", len(c.recent[0]))
	}
	for n := uint64(101); n <= 120; n++ {
		if id := requestOf(forwarder, n).ID; !c.mayHaveEvicted(id) {
			t.Errorf("request %d is neither remembered nor refused", n)
		}
	}
	if c.mayHaveEvicted(requestOf(forwarder, 121).ID) || c.mayHaveEvicted(requestOf(wire.NodeBoot{Node: 2, Boot: 7}, 1).ID) {
		t.Error("what was never applied is refused")
	}
	for n := range uint64(maxEndedBoots + 5) {
		c.remember(requestOf(wire.NodeBoot{Node: 3, Boot: ids.Boot(n)}, 9), false, wire.Second)
	}
	if n := len(c.evicted[0]); n > maxEndedBoots+1 {
		t.Errorf("%d boots of which something was evicted are known", n)
	}
	if !c.mayHaveEvicted(requestOf(wire.NodeBoot{Node: 3, Boot: maxEndedBoots + 4}, 9).ID) {
		t.Error("a boot too many is neither known nor refused")
	}
	c.rotate(2 * keep)
	c.rotate(4 * keep)
	if c.mayHaveEvicted(requestOf(forwarder, 110).ID) {
		t.Error("refused after everybody has given it up")
	}
}

// TestAHelloSaysWhichRequestsMayComeAgain, those of clients that wait.
func TestAHelloSaysWhichRequestsMayComeAgain(t *testing.T) {
	r := bare()
	said := func() uint64 {
		var h wire.Hello
		r.Hello(&h)
		return h.LowestOpen
	}
	if got := said(); got != 1 {
		t.Errorf("at first from %d on", got)
	}
	r.outgoing.lastID = 7
	r.clients[3] = &request{id: ids.Request{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: 5}}
	r.clients[4] = &request{}
	if got := said(); got != 5 {
		t.Errorf("request 5 waits, and it says from %d on", got)
	}
	delete(r.clients, 3)
	if got := said(); got != 8 {
		t.Errorf("nothing waits, and it says from %d on", got)
	}
}

// TestForwardedRequestsThatWaitHoldABoundedPart has a peer forward large values here that wait.
func TestForwardedRequestsThatWaitHoldABoundedPart(t *testing.T) {
	r := bare()
	r.view, r.member = &wire.View{}, true
	r.ring = catalog.RingOf(r.slots.Space(), &wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: r.cfg.Self}}}}})
	r.slots.Assign(r.owns, false, false, 0)
	from := wire.Header{From: 2, Boot: 3}
	forward := func(n uint64) {
		m := &wire.CausalForward{Counter: n, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 1<<20)}, HeardBoot: r.cfg.Boot}
		r.OnForward(from, "reply", m, []*wire.Item{nil})
	}
	for n := range uint64(200) {
		forward(n + 1)
	}
	if got := len(r.incoming.open); got != incomingRoom>>20-1 {
		t.Errorf("%d requests of 1 MiB wait", got)
	}
	r.OnForwardCancel(from, &wire.CausalForwardCancel{Counters: []uint64{1, 2, 3}})
	forward(300)
	if r.incoming.open[ids.Request{Node: 2, Boot: 3, Counter: 300}] == nil {
		t.Error("there is room again, and it is not accepted")
	}
	for n := range uint64(300) {
		r.dropForward(r.incoming.open[ids.Request{Node: 2, Boot: 3, Counter: n + 1}])
	}
	if r.incoming.bytes != 0 {
		t.Errorf("%d bytes are held by nothing", r.incoming.bytes)
	}
}
