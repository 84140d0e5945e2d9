package strong

import (
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

// TestWhatWasNotTakenIsNotSentAgainWithinTheStep: a primary sends its own writes to itself.
// If its ledger, which a peer may have filled, will have none of them, that must not go on
// within one step for ever.
func TestWhatWasNotTakenIsNotSentAgainWithinTheStep(t *testing.T) {
	for _, c := range []struct {
		name  string
		taken bool
	}{{"nothing was taken", false}, {"some of it was", true}} {
		r := &Replica{cfg: Config{Self: 1}, box: &wire.Outbox{}, now: wire.Second}
		first, second := r.fwd.add(1, wire.Op{Key: "a"}), r.fwd.add(2, wire.Op{Key: "b"})
		first.queued = c.taken
		r.fwd.flight = &flight{carried: []*request{first, second}}
		r.reply(&parcel{from: 1})
		if waits := r.fwd.retryAt > r.now; waits == c.taken {
			t.Errorf("%s: what is left waits: %t", c.name, waits)
		}
		if n := len(r.fwd.unsent); n == 0 || r.fwd.unsent[n-1] != second {
			t.Errorf("%s: what is left is lost", c.name)
		}
	}
}
