package peers

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

const start = 10 * wire.Second

// TestAFormerMemberIsAskedAtGrowingIntervals has one exchange after the other, each at the time that
// the last one returned.
func TestAFormerMemberIsAskedAtGrowingIntervals(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Exchange
		want []wire.Instant // intervals, in milliseconds
	}{
		{"owners request", Exchange{Answered: true, AllActive: true}, []wire.Instant{25, 50, 100, 200, 200}},
		{"it does not answer", Exchange{}, []wire.Instant{25, 50, 100, 200, 200}},
		{"answers take 40 ms", Exchange{Answered: true, AllActive: true, Trip: 40 * ms}, []wire.Instant{160, 160, 160, 200, 200}},
		{"answers take a second", Exchange{Answered: true, AllActive: true, Trip: wire.Second}, []wire.Instant{1000, 1000}},
		{"the owners have all", Exchange{Answered: true, AllAcked: true, AllActive: true}, []wire.Instant{1000, 1000}},
	} {
		var d Draining
		now := wire.Instant(start)
		for i, want := range c.want {
			at := d.NoteExchange(now, c.e)
			if at != d.AskAt() || (at-now)/ms != want {
				t.Errorf("%s: interval %d is %d ms, want %d", c.name, i, (at-now)/ms, want)
			}
			now = at
		}
	}
	var d Draining
	d.NoteExchange(start, Exchange{})
	if d.Rejoin(start + 1); d.AskAt() != start+1 {
		t.Error("a member that has come back is not asked at once")
	}
}

func TestDataIsRelayedWhenAnOwnerTakesTooLong(t *testing.T) {
	for _, c := range []struct {
		name     string
		inactive func(at wire.Instant) bool // some owner is inactive at this time since the first exchange
		want     wire.Instant               // when this node relays; -1: not within 8 s
	}{
		{"an owner never requests", func(wire.Instant) bool { return true }, 1000 * ms},
		{"an owner stops to request", func(at wire.Instant) bool { return at >= 2000*ms }, 2900 * ms},
		{"an owner is slow to request", func(at wire.Instant) bool { return at < 900*ms }, 5900 * ms},
		{"owners request, and never have all", func(wire.Instant) bool { return false }, 5900 * ms},
	} {
		var d Draining
		got := wire.Instant(-1)
		for at := wire.Instant(0); at < 8000*ms && got < 0; at += 100 * ms {
			if d.NoteExchange(start+at, Exchange{Answered: true, AllActive: !c.inactive(at)}); d.Relay {
				got = at
			}
		}
		if got != c.want {
			t.Errorf("%s: relayed after %d ms, want %d", c.name, got/ms, c.want/ms)
		}
	}
}

func TestAFormerMemberIsDrainedWhenItsOwnersHaveAllAndItTakesNoWrites(t *testing.T) {
	for _, c := range []struct {
		e                   Exchange
		handedOver, drained bool
	}{
		{Exchange{}, false, false},
		{Exchange{AllAcked: true, Frozen: true}, false, false}, // no answer has come
		{Exchange{Answered: true, Frozen: true}, false, false},
		{Exchange{Answered: true, AllAcked: true}, true, false},
		{Exchange{Answered: true, AllAcked: true, Frozen: true}, true, true},
		{Exchange{Answered: true, Relayed: true, Frozen: true}, true, true},
	} {
		d := Draining{HandedOver: true, Drained: true} // as an earlier exchange has shown
		if d.NoteExchange(start, c.e); d.HandedOver != c.handedOver || d.Drained != c.drained {
			t.Errorf("%+v: handed over %t, drained %t", c.e, d.HandedOver, d.Drained)
		}
	}
}
