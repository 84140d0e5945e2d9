package membus_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/conntest"
	"github.com/cohortkv/cohort/bus/membus"
	"github.com/cohortkv/cohort/node/ids"
)

func TestMembusIsABus(t *testing.T) {
	conntest.Run(t, func(*testing.T) *conntest.Bus {
		net, next := membus.New(), 0
		b := &conntest.Bus{Addressed: true, InProcess: true}
		b.Join = func(t *testing.T, id ids.Node, addr string) conntest.Node {
			if addr == "" {
				next++
				addr = fmt.Sprintf("addr%d", next)
			}
			c := attach(t, net, id, addr)
			return conntest.Node{Peer: bus.Peer{ID: id, Addr: addr}, Conn: c, Leave: func() { c.Close() }}
		}
		b.Path = func(_ *testing.T, from, to conntest.Node) conntest.Path {
			return conntest.Path{
				Addr: to.Addr,
				Cut:  func() { net.Cut(from.ID, to.ID) },
				Heal: func() { net.Heal(from.ID, to.ID) },
			}
		}
		b.Freezable = func(t *testing.T, id ids.Node) conntest.Freezable {
			n := b.Join(t, id, "")
			t.Cleanup(n.Leave)
			if err := n.Conn.Listen(conntest.Echo(n.Conn)); err != nil {
				t.Fatal(err)
			}
			return conntest.Freezable{Peer: n.Peer, Freeze: func() { net.Freeze(id) }, Thaw: func() { net.Thaw(id) }}
		}
		return b
	})
}

func attach(t *testing.T, net *membus.Net, id ids.Node, addr string) *membus.Conn {
	t.Helper()
	c, err := net.Attach(id, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// manualRun lets two nodes send numbers to a third over a faulty network. It returns the numbers
// that arrived.
func manualRun(t *testing.T, seed uint64, f membus.Faults) []string {
	t.Helper()
	net := membus.NewManual(seed)
	net.SetFaults(f)
	var got []string
	receiver := attach(t, net, 3, "c")
	if err := receiver.Listen(func(m bus.Message) { got = append(got, string(m.Payload)) }); err != nil {
		t.Fatal(err)
	}
	for i, addr := range []string{"a", "b"} {
		c := attach(t, net, ids.Node(i+1), addr)
		c.Reach([]bus.Peer{{ID: 3, Addr: "c"}})
		for n := range 50 {
			e := bus.Envelope{To: 3, Kind: "k", Payload: fmt.Appendf(nil, "%s%02d", addr, n)}
			if err := c.Send(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if steps := net.Settle(10_000); steps == 10_000 {
		t.Fatal("the network does not settle")
	}
	return got
}

func TestOneSeedGivesOneRun(t *testing.T) {
	all := membus.Faults{Drop: 0.1, Duplicate: 0.2, Reorder: 0.3}
	first, again, other := manualRun(t, 1, all), manualRun(t, 1, all), manualRun(t, 2, all)
	if !slices.Equal(first, again) {
		t.Errorf("seed 1 gave\n%v\nand then\n%v", first, again)
	}
	if slices.Equal(first, other) {
		t.Error("seeds 1 and 2 gave the same run")
	}
}

func TestFaultsAreInjected(t *testing.T) {
	of := func(all []string, sender byte) (own []string) {
		for _, p := range all {
			if p[0] == sender {
				own = append(own, p)
			}
		}
		return own
	}
	distinct := func(all []string) int {
		all = slices.Clone(all)
		slices.Sort(all)
		return len(slices.Compact(all))
	}
	if got := manualRun(t, 1, membus.Faults{}); len(got) != 100 || !slices.IsSorted(of(got, 'a')) || !slices.IsSorted(of(got, 'b')) {
		t.Errorf("without faults: %v", got)
	}
	if got := manualRun(t, 1, membus.Faults{Drop: 0.2}); len(got) == 100 || len(got) == 0 || !slices.IsSorted(of(got, 'a')) {
		t.Errorf("dropping: %v", got)
	}
	if got := manualRun(t, 1, membus.Faults{Duplicate: 0.2}); len(got) <= 100 || distinct(got) != 100 {
		t.Errorf("duplicating: %v", got)
	}
	if got := manualRun(t, 1, membus.Faults{Reorder: 0.2}); len(got) != 100 || slices.IsSorted(of(got, 'a')) {
		t.Errorf("reordering: %v", got)
	}
}

func TestAFrozenNodesMessagesWaitAndAreNotLost(t *testing.T) {
	net := membus.NewManual(1)
	a, b := attach(t, net, 1, "a"), attach(t, net, 2, "b")
	got := 0
	if err := b.Listen(func(bus.Message) { got++ }); err != nil {
		t.Fatal(err)
	}
	a.Reach([]bus.Peer{{ID: 2, Addr: "b"}})
	net.Freeze(2)
	if err := a.Send(bus.Envelope{To: 2, Kind: "k"}); err != nil {
		t.Fatal(err)
	}
	if net.Step() || got != 0 {
		t.Error("a message reached a frozen node")
	}
	net.Thaw(2)
	if !net.Step() || got != 1 {
		t.Error("a message was lost while its receiver was frozen")
	}
}

func TestTheNetworkRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := membus.New()
		a, b := attach(t, net, 1, "a"), attach(t, net, 2, "b")
		got := 0
		if err := b.Listen(func(bus.Message) { got++ }); err != nil {
			t.Fatal(err)
		}
		a.Reach([]bus.Peer{{ID: 2, Addr: "b"}})
		for range 10 {
			if err := a.Send(bus.Envelope{To: 2, Kind: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got != 10 {
			t.Errorf("%d messages arrived, not 10", got)
		}
	})
}

func TestAnAddressHasOneOwner(t *testing.T) {
	net := membus.New()
	attach(t, net, 1, "a")
	if c, err := net.Attach(2, "a"); err == nil {
		c.Close()
		t.Error("two nodes at one address")
	}
}
