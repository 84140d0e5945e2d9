package ready

import (
	"testing"

	"github.com/cohortkv/cohort/internal/bare"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// node is a node with the readiness of its slots. It counts what it is told.
type node struct {
	*bare.Node
	*Readiness
	noted, woken, caughtUp, checked int
}

func (n *node) Note(string)  { n.noted++ }
func (n *node) WakeKeys()    {}
func (n *node) WakeAll()     { n.woken++ }
func (n *node) CatchUp()     { n.caughtUp++ }
func (n *node) CheckSynced() { n.checked++ }

func begun(ready bool) *node {
	n := &node{Node: bare.In(ready, []ids.Node{0, 1}, []ids.Node{2})}
	n.Readiness = New(Parts{Step: n.Step, View: n.View, Slots: n.Slots, Items: n.Items, Boots: n.Boots, Collector: n.Collector, Waker: n, Host: n})
	n.Begin()
	return n
}

var stream = wire.Stream{View: ids.View{Number: 1}, Node: 1, Boot: 10}

func at(n uint64) wire.Vector { return wire.Vector{{Stream: stream, N: n}} }

// TestKGrowsWhenItIsDurable is I15.
func TestKGrowsWhenItIsDurable(t *testing.T) {
	n := begun(false)
	slot := n.Owned(true)
	n.Slots.Grow(slot, at(3), 0, true)
	n.WritePending()
	if s := n.Slots.At(slot); len(s.Known()) > 0 || s.Ready() || n.woken > 0 {
		t.Error("K counts before it is durable")
	}
	before := n.Progress()
	n.Durable()
	if s := n.Slots.At(slot); s.Known().At(stream) != 3 || !s.Ready() || n.woken == 0 || n.Progress() == before {
		t.Errorf("K is %v, ready %t", s.Known(), s.Ready())
	}
	if n.WritePending(); n.Step.Commit() != n.Step.LastWrite() || n.caughtUp > 0 {
		t.Error("nothing is pending and something is written, or not all slots are ready")
	}
}

func TestASlotOfAnotherViewDoesNotBecomeReady(t *testing.T) {
	n := begun(false)
	slot := n.Owned(true)
	n.Slots.Grow(slot, at(3), 0, true)
	n.WritePending()
	n.Adopt(6, false, []ids.Node{0, 1}, []ids.Node{2})
	if n.Durable(); n.Slots.At(slot).Ready() {
		t.Error("ready by a node of the view before")
	}
}

// TestWhatIsKeptAsideIsMergedFirst: the tracks cover it, so it may not be missing (I15).
func TestWhatIsKeptAsideIsMergedFirst(t *testing.T) {
	n := begun(false)
	slot := n.Owned(true)
	item := wire.Item{Key: n.Key(slot), Version: wire.CausalVersion{Counter: 2, Dot: wire.Dot{Stream: stream, N: 1}}}
	n.Slots.Keep(uint64(slot)<<61, &item)
	n.ServeAll()
	if n.Slots.At(slot).Ready() || len(n.Step.Output().Reads) != 1 {
		t.Fatal("ready before the item is merged, or the key is not read")
	}
	n.Items.OnKeyRead(&core.KeyRead{Session: n.Step.Output().Reads[0].Session})
	if n.Slots.At(slot).Ready() || n.noted != 1 {
		t.Error("ready before the merge is durable")
	}
	n.Durable()
	if !n.Slots.At(slot).Ready() || n.Slots.Unready() != 0 || n.caughtUp != 1 || n.checked != 1 || !n.Told(EventReady) {
		t.Errorf("%d slots are not ready; the tracks caught up %d times", n.Slots.Unready(), n.caughtUp)
	}
}

// TestSlotsThatStallAreServed is docs/causal.md §7.5, rule 3.
func TestSlotsThatStallAreServed(t *testing.T) {
	n := begun(false)
	n.Collector.Raise(7)
	n.ServeStalled()
	if n.Slots.Unready() == 0 || n.Step.Next() > n.Step.Now()+stalled {
		t.Error("served at once, or never looked at again")
	}
	n.Pass(stalled - 1)
	n.Moved()
	n.Pass(1)
	if n.ServeStalled(); n.Slots.Unready() == 0 {
		t.Error("served although slots come nearer to ready")
	}
	n.Pass(stalled)
	if n.ServeStalled(); n.Slots.Unready() != 0 || !n.Told(EventReadyUnproven) || n.Slots.At(n.Owned(true)).GCCounter() != 7 {
		t.Error("not served, nobody is told, or the GC counter of the node does not count")
	}
}

func TestWhatCountsAsProgress(t *testing.T) {
	n := begun(true)
	p := n.Peers.Get(1)
	before := n.Progress()
	n.Gained(p)
	p.Exchanged = true
	if n.Gained(p); n.Progress() != before+1 {
		t.Errorf("progress is %d after %d", n.Progress(), before)
	}
	inquiry := n.Boots.Inquiry()
	n.Hold(n.Owned(false))
	if n.Hold(n.Owned(false)); n.Boots.Inquiry() != inquiry+1 {
		t.Errorf("%d inquiries begin when a slot is held", n.Boots.Inquiry()-inquiry)
	}
}
