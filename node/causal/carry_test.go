package causal

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func TestACarriedWriteIsRememberedForAMinuteAtLeast(t *testing.T) {
	var c carriedRequests
	c.init()
	id := func(n uint64) wire.RequestID { return wire.RequestID{Node: 1, Boot: 1, Counter: n} }
	item := &wire.Item{Key: "x", Version: wire.CausalVersion{Counter: 7}}
	c.remember(id(1), item, wire.Second)
	c.remember(id(2), item, rememberFor)
	c.remember(id(3), item, rememberFor+2*wire.Second)
	for n := uint64(1); n <= 3; n++ {
		if got, ok := c.taken(id(n)); !ok || got != (taken{"x", item.Version, false}) {
			t.Errorf("request %d: %+v, %t", n, got, ok)
		}
	}
	c.remember(id(4), item, 3*rememberFor)
	if _, ok := c.taken(id(1)); ok {
		t.Error("after two minutes the first request is still remembered")
	}
}
