package peers

import "github.com/cohortkv/cohort/node/wire"

// Times of a former member.
const (
	askFirst         = 25 * wire.Millisecond  // before it is asked again whether the owners have its data: first interval
	askLast          = 200 * wire.Millisecond // and last
	askTrips         = 4                      // at least so many times its last answer took; that bound is at most askAtMost
	askAtMost        = 1 * wire.Second
	askHandedOver    = 1 * wire.Second        // once the owners have its data
	askRejoined      = 100 * wire.Millisecond // after it has come back from another group: first interval
	RelayPatience    = 1 * wire.Second        // before its data is relayed: no owner requests it
	relayPatienceMax = 5 * wire.Second        // the same: owners request it
)

// Draining is how far the data of a former member has come to its owners (docs/causal.md
// §7.4). The steps are one way: *asked* until all owners have acknowledged; *relayed*, if
// some owner takes too long, because it may not reach the former member or not know it;
// *handed over*; *drained*, when in addition it takes no writes any more. Only then may
// it be forgotten: nothing that only it has can be lost by that (I25).
type Draining struct {
	Relay      bool // what others own is taken from it, too, and handed on
	HandedOver bool // the owners have all that it had at the last exchange
	Drained    bool // and it took no writes any more then

	askAt    wire.Instant // when it is asked again
	interval wire.Instant // how long after the last time
	since    wire.Instant // of the first exchange in this view; 0: there was none
	waiting  wire.Instant // since when an owner does not seem to request its data there
}

// Exchange is what an exchange with a former member has shown.
type Exchange struct {
	Answered  bool         // else nothing was shown
	Relayed   bool         // all its slots were taken, those of other owners too
	AllAcked  bool         // all other members have acknowledged what they own there
	AllActive bool         // all have acknowledged, or have requested slots there lately
	Frozen    bool         // it takes no writes
	Trip      wire.Instant // how long its answer took
}

// NoteExchange takes in that an exchange is over, and returns when the former member is
// asked again.
func (d *Draining) NoteExchange(now wire.Instant, e Exchange) wire.Instant {
	if d.since == 0 {
		d.since, d.waiting, d.interval = now, now, askFirst
	}
	if e.Answered && e.AllActive && now-d.since < relayPatienceMax {
		d.waiting = now // all others are about to: with many nodes on few processors that takes a while
	}
	d.HandedOver = e.Answered && (e.Relayed || e.AllAcked)
	d.Drained = d.HandedOver && e.Frozen
	d.askAt = now + d.interval
	if e.Answered { // where all is slow for want of processors, questions must not make it slower
		d.askAt = now + max(d.interval, min(askTrips*e.Trip, askAtMost))
	}
	d.interval = min(2*d.interval, askLast)
	switch {
	case d.HandedOver:
		d.askAt = now + askHandedOver
	case now-d.waiting >= RelayPatience:
		d.Relay, d.askAt = true, now
	}
	return d.askAt
}

// AskAt is when the former member is to be asked.
func (d *Draining) AskAt() wire.Instant { return d.askAt }

// Rejoin has the former member asked at once: it has come back from another group, with
// what it has.
func (d *Draining) Rejoin(now wire.Instant) { d.interval, d.askAt = askRejoined, now }
