package plausible

import (
	"testing"

	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// noWrites are the streams of a node that has written nothing.
type noWrites struct{}

func (noWrites) ID() wire.Stream            { return wire.Stream{} }
func (noWrites) Last() uint64               { return 0 }
func (noWrites) LastOf(*wire.Stream) uint64 { return 0 }

// TestAPeersCountersLeaveRoomAboveThem: a GC counter or an item with the largest counter that a
// message can have would make all later writes of its keys unreadable for peers.
func TestAPeersCountersLeaveRoomAboveThem(t *testing.T) {
	const huge = 1<<62 - 1
	item := wire.Item{Key: "k", Version: wire.CausalVersion{Counter: huge, Dot: wire.Dot{Stream: wire.Stream{Node: 2, Boot: 3}, N: 1}}}
	held := wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{Count: 8}, Ready: true, GCCounter: huge}}}
	for _, c := range []struct {
		message wire.Message
		taken   bool
	}{
		{&wire.Batch{First: 1, Items: []wire.Item{item}}, false},
		{&wire.Items{Items: []wire.Item{item}}, false},
		{&wire.Items{GCCounters: []wire.SlotGCCounter{{GCCounter: huge}}}, false},
		{&wire.DigestRequest{Collecting: huge}, false},
		{&wire.Digest{GCCounter: huge}, false},
		{&wire.Digest{Held: held}, false},
		{&wire.KeyReply{GCCounter: huge}, false},
		{&wire.KeyReply{Present: true, Item: item}, false},
		{&wire.DigestRequest{Collecting: FewestWrites + peerMargin}, true}, // of a peer whose clock is ahead
	} {
		self := wire.NodeBoot{Node: 1, Boot: 1}
		s := step.New(self, &core.Outbox{})
		g := NewGuard(New(FewestWrites, self, noWrites{}, 8), s)
		told := func() bool { return len(s.Output().Events) > 0 }
		if got := g.Credible(2, c.message); got != c.taken || told() == c.taken {
			t.Errorf("%T: taken %t, told %t", c.message, got, told())
		}
	}
}

func TestARefusedMessageIsCounted(t *testing.T) {
	self := wire.NodeBoot{Node: 1, Boot: 1}
	s := step.New(self, &core.Outbox{})
	g := NewGuard(New(FewestWrites, self, noWrites{}, 8), s)
	descending := wire.Vector{{Stream: wire.Stream{Node: 3}, N: 1}, {Stream: wire.Stream{Node: 2}, N: 1}}
	if g.Refuses(wire.Header{From: 2}, &wire.ViewInfo{}) || !g.Refuses(wire.Header{From: 2}, &wire.KeyReply{Item: wire.Item{Deps: wire.Context{Vector: descending}}, Present: true}) {
		t.Error("a message that keeps the rules is refused, or one that breaks them is not")
	}
	if events := s.Output().Events; len(events) != 1 || events[0].Kind != core.EventMalformed || events[0].Peer != 2 {
		t.Errorf("%+v", events)
	}
}
