package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

// keep is how long request ids are kept.
const keep = 60 * wire.Second

func TestACarriedWriteIsRememberedForAMinuteAtLeast(t *testing.T) {
	var c carriedRequests
	c.init(&Limits{Remember: keep, Taken: 100})
	id := func(n uint64) wire.RequestID { return wire.RequestID{Node: 1, Boot: 1, Counter: n} }
	item := func(n uint64) *wire.Item {
		return &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: 7}, ID: id(n)}
	}
	c.remember(item(1), true, wire.Second)
	c.remember(item(2), true, keep)
	c.remember(item(3), true, keep+2*wire.Second)
	for n := uint64(1); n <= 3; n++ {
		if got, ok := c.taken(id(n)); !ok || got != (taken{hashOf("x"), item(n).Version, false, true}) {
			t.Errorf("request %d: %+v, %t", n, got, ok)
		}
	}
	c.remember(item(4), true, 3*keep)
	if _, ok := c.taken(id(1)); ok {
		t.Error("after two minutes the first request is still remembered")
	}
}

func TestWhetherACarriedWriteFoundAValueIsKnownToWhoTookItAndGuessedByOthers(t *testing.T) {
	var c carriedRequests
	c.init(&Limits{Remember: keep, Taken: 100})
	for n, row := range []struct {
		counter     uint64
		here        bool // it was taken here
		found, want bool
	}{
		{1, false, false, false},
		{2, false, false, true},
		{2, true, false, false}, // over a tombstone
		{2, true, true, true},
	} {
		id := wire.RequestID{Node: 1, Boot: 1, Counter: uint64(n)}
		item := &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: row.counter}, ID: id}
		if row.here {
			c.remember(item, row.found, wire.Second)
		}
		c.hear(item, wire.Second)
		if got, _ := c.taken(id); got.existed != row.want {
			t.Errorf("%+v: %t", row, got.existed)
		}
	}
}
