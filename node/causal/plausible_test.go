package causal

import (
	"math"
	"testing"

	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestWhatTheNodeItselfWroteIsKnownInEveryViewItWasIn: the last numbers of the streams of earlier
// views are remembered.
func TestWhatTheNodeItselfWroteIsKnownInEveryViewItWasIn(t *testing.T) {
	r := bare()
	stream := func(view uint64) wire.Stream {
		return wire.Stream{View: ids.View{Number: view}, Node: r.cfg.Self, Boot: r.cfg.Boot}
	}
	write := func(s wire.Stream, n uint64) {
		r.streams.Begin(s, nil)
		for range n {
			r.streams.Own.Append(&wire.Item{})
		}
	}
	for view := uint64(1); view <= 3; view++ {
		write(stream(view), 10*view)
	}
	for _, c := range []struct {
		stream wire.Stream
		n      uint64
		want   bool
	}{
		{stream(1), 10, true}, {stream(1), 11, false},
		{stream(3), 30, true}, {stream(3), 31, false},
		{stream(4), 1, false},
		{wire.Stream{View: stream(3).View, Node: r.cfg.Self, Boot: 99}, 31, true}, // of an earlier boot
		{wire.Stream{View: stream(3).View, Node: 5, Boot: r.cfg.Boot}, 31, true},
	} {
		at := wire.Position{Stream: c.stream, N: c.n}
		vector := wire.Context{Vector: wire.Vector{at}}
		exact := wire.Context{Exact: []wire.Dependency{{Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot(at)}}}}
		if r.judge.Context(&vector, r.step.Now()) != c.want || r.judge.Context(&exact, r.step.Now()) != c.want {
			t.Errorf("%v: want %t", at, c.want)
		}
	}
	for view := range uint64(broadcast.MaxEnds + 1) {
		write(stream(100+view), 1)
	}
	if c := (wire.Context{Vector: wire.Vector{{Stream: stream(1), N: 11}}}); !r.judge.Context(&c, r.step.Now()) {
		t.Error("refused by what was forgotten")
	}
	if c := (wire.Context{Vector: wire.Vector{{Stream: stream(100 + broadcast.MaxEnds), N: 2}}}); r.judge.Context(&c, r.step.Now()) {
		t.Error("after much was forgotten, what is known is not refused")
	}
}

// TestAPeersCountersLeaveRoomAboveThem: a GC counter or an item with the largest counter that a
// message can have would make all later writes of its keys unreadable for peers.
func TestAPeersCountersLeaveRoomAboveThem(t *testing.T) {
	const huge = 1<<62 - 1
	item := wire.Item{Key: "k", Version: wire.CausalVersion{Counter: huge, Dot: wire.Dot{Stream: wire.Stream{Node: 2, Boot: 3}, N: 1}}}
	held := wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{Count: 8}, Ready: true, GCCounter: huge}}}
	for _, m := range []wire.Message{
		&wire.Batch{First: 1, Items: []wire.Item{item}},
		&wire.Items{Items: []wire.Item{item}},
		&wire.Items{GCCounters: []wire.SlotGCCounter{{GCCounter: huge}}},
		&wire.DigestRequest{Collecting: huge},
		&wire.Digest{GCCounter: huge},
		&wire.Digest{Held: held},
		&wire.KeyReply{GCCounter: huge},
		&wire.KeyReply{Present: true, Item: item},
	} {
		if r := bare(); r.credible(2, m) {
			t.Errorf("%T: taken", m)
		}
	}
	r := bare()
	from := wire.Header{From: 2, Boot: 3}
	r.OnDigestRequest(from, "", &wire.DigestRequest{Collecting: huge})
	if r.collector.Counter != 0 {
		t.Errorf("tombstones up to %d are about to go, says who", r.collector.Counter)
	}
	if most := r.judge.Most(r.step.Now()) + 1<<36; most > math.MaxUint64/4 || !r.credible(2, &wire.DigestRequest{Collecting: most}) {
		t.Errorf("%d is refused of a peer whose clock is ahead", most)
	}
}
