package causal

import (
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
		if r.guard.Context(&vector) != c.want || r.guard.Context(&exact) != c.want {
			t.Errorf("%v: want %t", at, c.want)
		}
	}
	for view := range uint64(broadcast.MaxEnds + 1) {
		write(stream(100+view), 1)
	}
	if c := (wire.Context{Vector: wire.Vector{{Stream: stream(1), N: 11}}}); !r.guard.Context(&c) {
		t.Error("refused by what was forgotten")
	}
	if c := (wire.Context{Vector: wire.Vector{{Stream: stream(100 + broadcast.MaxEnds), N: 2}}}); r.guard.Context(&c) {
		t.Error("after much was forgotten, what is known is not refused")
	}
}
