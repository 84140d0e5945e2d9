package peers

import "github.com/cohortkv/cohort/node/wire"

// Times of draining a former member. An interval runs from the end of an exchange to the next.
const (
	askFirst         = 25 * wire.Millisecond  // the first interval; doubled each time
	askLast          = 200 * wire.Millisecond // the last interval
	askTrips         = 4                      // an interval is at least so many times as long as the last answer took
	askAtMost        = 1 * wire.Second        // most that askTrips may ask for
	askHandedOver    = 1 * wire.Second        // the interval once the owners have the data
	askRejoined      = 100 * wire.Millisecond // the first interval after the node has come back from a parted group
	RelayPatience    = 1 * wire.Second        // an owner that was inactive for so long makes this node relay
	relayPatienceMax = 5 * wire.Second        // so long after the first exchange, activity of owners no longer puts off the relay
)

// Draining is how far the data of a former member has come to its owners (docs/causal.md §7.4).
// It goes one way through these states:
//
//  1. Asked, until all owners have acknowledged what they own there.
//  2. Relayed, if some owner takes too long: it may not reach the former member, or not know
//     it. This node then takes all slots, and hands them off to their owners.
//  3. Handed over: the owners have the data, or this node relays it.
//  4. Drained: in addition the former member takes no writes any more.
//
// Only a drained former member may be forgotten. Otherwise a version that it alone has would be
// held by no node that the owners know (I25).
type Draining struct {
	Relay      bool // slots of other owners are taken, too; never ends in this view
	HandedOver bool // as the last exchange showed: the owners have all that the former member had then
	Drained    bool // and it took no writes any more then

	askAt    wire.Instant // when the former member is asked again
	interval wire.Instant // the next interval, before askTrips lengthens it
	since    wire.Instant // end of the first exchange in this view; 0: there was none
	waiting  wire.Instant // last time when all owners were active, or since
}

// Exchange is what an exchange with a former member has shown.
type Exchange struct {
	Answered  bool         // a Digest has come; otherwise only Relayed is meaningful
	Relayed   bool         // the exchange was about all slots, those of other owners too
	AllAcked  bool         // all other members have acknowledged what they own there
	AllActive bool         // all have acknowledged, or have requested slots there lately
	Frozen    bool         // the former member takes no writes
	Trip      wire.Instant // time from the question to the Digest
}

// NoteExchange takes in that an exchange is over, and returns when the former member is to be
// asked again.
func (d *Draining) NoteExchange(now wire.Instant, e Exchange) wire.Instant {
	if d.since == 0 {
		d.since, d.waiting, d.interval = now, now, askFirst
	}
	if e.Answered && e.AllActive && now-d.since < relayPatienceMax {
		d.waiting = now // all owners are active: with many nodes on few processors that takes a while
	}
	d.HandedOver = e.Answered && (e.Relayed || e.AllAcked)
	d.Drained = d.HandedOver && e.Frozen
	d.askAt = now + d.interval
	if e.Answered { // questions must not add to the load of an overloaded cluster
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

// AskAt is when the former member is to be asked again.
func (d *Draining) AskAt() wire.Instant { return d.askAt }

// Rejoin has the former member asked at once, because it has come back from a parted group with
// its data.
func (d *Draining) Rejoin(now wire.Instant) { d.interval, d.askAt = askRejoined, now }
