package strong

import (
	"github.com/cohortkv/cohort/node/core"
)

// Tick repeats what has no answer, and ends what has waited long enough.
func (r *Replica) Tick() {
	r.waits.Tick()
	r.agreement.Tick()
	if r.asPrimary != nil {
		r.tickPrimary()
	}
	if f := r.fwd.flight; f != nil && r.now-f.sent >= forwardTimeout {
		r.box.Event(core.Event{Kind: EventForwardLate, Peer: r.promise.Primary()})
		r.requeueFlight(false)
	}
	r.forward()
	r.reads.Tick(r.now)
	r.openReads()
}

// Busy reports whether Tick is needed sooner than the next hello.
func (r *Replica) Busy() bool {
	return r.agreement.Busy() || r.fwd.flight != nil || len(r.fwd.unsent) > 0 ||
		r.reads.Confirming() || r.asPrimary != nil && r.asPrimary.Working()
}
