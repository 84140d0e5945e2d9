package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

var forwarder = wire.NodeBoot{Node: 1, Boot: 1}

func requestOf(life wire.NodeBoot, n uint64) *wire.Item {
	return &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: n}, ID: wire.RequestID{Node: life.Node, Boot: life.Boot, Counter: n}}
}

func takenUpTo(n uint64, room int) *carriedRequests {
	c := &carriedRequests{}
	c.init(&Limits{Remember: keep, Taken: room})
	for i := uint64(1); i <= n; i++ {
		c.remember(requestOf(forwarder, i), false, wire.Second)
	}
	return c
}

// TestWhatItsNodeIsDoneWithIsForgottenWhenItsCopiesAreTooOld: before, every carried write
// was remembered for one to two minutes, however many there were.
func TestWhatItsNodeIsDoneWithIsForgottenWhenItsCopiesAreTooOld(t *testing.T) {
	c := takenUpTo(100_000, 1<<20)
	at := 2 * wire.Second
	c.over(forwarder, 99_990, at)
	c.over(forwarder, 99_995, at+carryAge) // a copy of what came before may still be taken
	if n := len(c.recent[0]); n != 100_000 {
		t.Fatalf("%d are remembered while copies may be under way", n)
	}
	c.over(forwarder, 100_000, at+carryAge+1)
	if n := len(c.recent[0]); n != 11 {
		t.Errorf("%d are remembered, 11 may come again", n)
	}
	for n, want := range map[uint64]bool{1: false, 99_989: false, 99_990: true, 100_000: true} {
		if _, ok := c.taken(requestOf(forwarder, n).ID); ok != want {
			t.Errorf("request %d is remembered: %t", n, ok)
		}
	}
	if c.remember(requestOf(forwarder, 5), false, at); len(c.recent[0]) != 11 {
		t.Error("what an exchange brings of long ago is remembered")
	}
	other := wire.NodeBoot{Node: forwarder.Node, Boot: 2}
	c.over(other, 1<<60, at+10*carryAge)
	c.over(other, 1<<60, at+12*carryAge)
	if n := len(c.recent[0]); n != 11 {
		t.Errorf("%d are remembered after another life of the node was heard", n)
	}
}

// TestWhereThereIsNoRoomToRememberNothingIsTakenTwice: what may have been taken is refused.
func TestWhereThereIsNoRoomToRememberNothingIsTakenTwice(t *testing.T) {
	c := takenUpTo(120, 100)
	if len(c.recent[0]) != 100 {
		t.Fatalf("%d are remembered where there is room for 100", len(c.recent[0]))
	}
	for n := uint64(101); n <= 120; n++ {
		if id := requestOf(forwarder, n).ID; !c.mayHaveLost(id) {
			t.Errorf("request %d is neither remembered nor refused", n)
		}
	}
	if c.mayHaveLost(requestOf(forwarder, 121).ID) || c.mayHaveLost(requestOf(wire.NodeBoot{Node: 2, Boot: 7}, 1).ID) {
		t.Error("what was never taken is refused")
	}
	for n := range uint64(maxLives + 5) {
		c.remember(requestOf(wire.NodeBoot{Node: 3, Boot: wire.Boot(n)}, 9), false, wire.Second)
	}
	if n := len(c.lost[0]); n > maxLives+1 {
		t.Errorf("%d lives of which something was lost are known", n)
	}
	if !c.mayHaveLost(requestOf(wire.NodeBoot{Node: 3, Boot: maxLives + 4}, 9).ID) {
		t.Error("a life too many is neither known nor refused")
	}
	c.turn(2 * keep)
	c.turn(4 * keep)
	if c.mayHaveLost(requestOf(forwarder, 110).ID) {
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
	r.carriages.counter = 7
	r.clients[3] = &request{id: wire.RequestID{Node: r.cfg.Self, Boot: r.cfg.Boot, Counter: 5}}
	r.clients[4] = &request{}
	if got := said(); got != 5 {
		t.Errorf("request 5 waits, and it says from %d on", got)
	}
	delete(r.clients, 3)
	if got := said(); got != 8 {
		t.Errorf("nothing waits, and it says from %d on", got)
	}
}

// TestCarriedRequestsThatWaitHoldABoundedPart has a peer carry large values here that wait.
func TestCarriedRequestsThatWaitHoldABoundedPart(t *testing.T) {
	r := bare()
	r.view, r.member = &wire.View{}, true
	r.ring = ringOf(r.slots.space, &wire.Layout{Flat: true, Shards: []wire.Shard{{Members: []wire.Member{{ID: r.cfg.Self}}}}})
	for i := range r.slots.all {
		r.slots.all[i].owned, r.slots.all[i].held = true, true
		r.slots.unready++
	}
	from := wire.Header{From: 2, Boot: 3}
	carry := func(n uint64) {
		m := &wire.CausalForward{Counter: n, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 1<<20)}, HeardBoot: r.cfg.Boot}
		r.OnForward(from, "reply", m, []*wire.Item{nil})
	}
	for n := range uint64(200) {
		carry(n + 1)
	}
	if got := len(r.carried.open); got != carriedRoom>>20-1 {
		t.Errorf("%d requests of 1 MiB wait", got)
	}
	r.OnForwardCancel(from, &wire.CausalForwardCancel{Counters: []uint64{1, 2, 3}})
	carry(300)
	if r.carried.open[wire.RequestID{Node: 2, Boot: 3, Counter: 300}] == nil {
		t.Error("there is room again, and it is not taken")
	}
	for n := range uint64(300) {
		r.dropCarried(r.carried.open[wire.RequestID{Node: 2, Boot: 3, Counter: n + 1}])
	}
	if r.carried.bytes != 0 {
		t.Errorf("%d bytes are held by nothing", r.carried.bytes)
	}
}
