package core

import (
	"math"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestOnlyAnswersToRequestsOfThisBootCount: an earlier boot used the same counters, and
// answers to it may still come.
func TestOnlyAnswersToRequestsOfThisBootCount(t *testing.T) {
	for _, boot := range []ids.Boot{0, 7, math.MaxUint64 - 1, math.MaxUint64} {
		var box Outbox
		box.NumberRequests(boot)
		if box.Asked(0) || box.Asked(uint64(boot)+1) {
			t.Fatalf("boot %d: an answer counts, and nothing was asked", boot)
		}
		seen := map[uint64]bool{}
		for range 5 {
			request := box.Ask(1, &wire.Hello{})
			if request == 0 || seen[request] || !box.Asked(request) {
				t.Errorf("boot %d: request %d", boot, request)
			}
			seen[request] = true
		}
		if box.Asked(uint64(boot)) || box.Asked(uint64(boot)+7) {
			t.Errorf("boot %d: an answer to what was not asked counts", boot)
		}
	}
}
