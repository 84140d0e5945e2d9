package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Tick does what time asks for: repetitions, patience at its end.
func (r *Replica) Tick() {
	r.waits.stale = true
	if r.round != nil {
		r.tickRound()
	}
	r.receiver.Tick(r.now)
	if r.asPrimary != nil {
		r.expire()
		r.order()
		r.repeat() // last: it may begin a round
	}
	if f := r.fwd.flight; f != nil && r.now-f.sent >= forwardTimeout {
		r.box.Event(core.Event{Kind: EventForwardLate, Peer: r.primary})
		r.requeueFlight(false)
	}
	r.forward()
	if o := r.reads.open; o != nil && r.now-o.sent >= slowResend {
		r.askConfirm()
	}
	r.openReads()
}

func (r *Replica) tickRound() {
	rd := r.round
	if rd.phase == collecting {
		if !rd.askedLong && r.now >= rd.begun+pullTimeout {
			rd.askedLong, rd.changed = true, true
		}
		r.tryDecide()
	}
	if r.round != rd || r.now < rd.resend {
		return
	}
	switch rd.phase {
	case collecting:
		r.collect()
		r.pull()
		if !rd.hasJoined(r.cfg.Self) {
			r.sendJoin(r.cfg.Self)
		}
	case fetching:
		if r.receiver.Stalled(r.now, fetchTimeout) {
			r.beginRound() // the provider is gone, or has other orders
		}
	case starting:
		r.sendStarts()
		if r.hist.Staged() != nil {
			r.sendDurable(r.cfg.Self, &wire.Started{Ballot: rd.ballot})
		}
	}
}

// Busy reports whether Tick is needed soon, beyond the pace of hellos.
func (r *Replica) Busy() bool {
	return r.round != nil || r.receiver.Underway() || r.fwd.flight != nil || len(r.fwd.unsent) > 0 ||
		r.reads.open != nil || r.asPrimary != nil && len(r.asPrimary.batches)+len(r.asPrimary.queue) > 0
}
