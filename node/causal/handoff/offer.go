// Package handoff moves slots from a node that holds them to the nodes that own them
// (docs/causal.md §7.3). A holder drops a slot only after every owner has acknowledged it as
// it is now, so the slot's versions are at an owner at any time (I25).
//
//   - Offer, at the holder: what one owner has not acknowledged.
//   - Queue, at the holder: slots that all owners have acknowledged, to be released.
//   - Receipt, at the owner: what it has acknowledged of one peer.
//   - Requesters, at the holder: what it tells other nodes about its owners.
//
// The types are state machines without I/O. They return the messages to send and the time at
// which to ask again. An exchange moves the data itself, in package antientropy. One goroutine
// at a time may use these types.
package handoff

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of an offer. Members begin an exchange without being asked, so the first Handoff goes
// out only if an owner has not acknowledged in time.
const (
	firstInterval = 100 * wire.Millisecond // before the first Handoff
	lastInterval  = 1 * wire.Second        // most between two of them
)

// Offer is the hand-off to one owner. An owner acknowledges a revision: it has everything of
// some slots that was here at that revision, durably. An acknowledgement of a revision below
// that of the offer misses changes, and does not count. The caller ends an offer when Ack
// reports done, and begins a new one when the view or the held slots change.
type Offer struct {
	revision uint64       // revision of the table when the offer began
	unacked  slots.Set    // slots that the owner owns and has not acknowledged; empty only when done
	sentAt   wire.Instant // when Handoff was sent last, or when the offer began
	interval wire.Instant // from sentAt to the next Handoff; doubled each time, at most lastInterval
}

// Begin offers those slots of one owner that are held here and are not blank. It returns nil
// if there are none.
func Begin(t *slots.Table, owned []hashing.Slot, now wire.Instant) *Offer {
	o := &Offer{revision: t.Revision(), unacked: slots.NewSet(t.Space()), sentAt: now, interval: firstInterval}
	for _, at := range owned {
		if s := t.At(at); s.Held() && !s.Blank() {
			o.unacked.Add(at)
		}
	}
	if o.unacked.Len() == 0 {
		return nil
	}
	return o
}

// Unacked is the set of slots that the owner has not acknowledged.
func (o *Offer) Unacked() *slots.Set { return &o.unacked }

// Due returns the message to send now, with exponential backoff; nil: none. The caller asks
// again at next.
func (o *Offer) Due(now wire.Instant) (m *wire.Handoff, next wire.Instant) {
	if now-o.sentAt >= o.interval {
		o.sentAt, o.interval = now, min(2*o.interval, lastInterval)
		m = &wire.Handoff{Revision: o.revision}
	}
	return m, o.sentAt + o.interval
}

// Counts reports that an acknowledgement is not older than the offer. The caller has checked
// that it names this node's boot.
func (o *Offer) Counts(m *wire.HandoffAck) bool { return m.Revision >= o.revision }

// Ack takes in an acknowledgement that counts. free are the slots that all owners have by now:
// they may be released. A slot that is held for others and has changed since the acknowledged
// revision stays unacknowledged (I25). done reports that nothing is left to acknowledge.
func (o *Offer) Ack(t *slots.Table, m *wire.HandoffAck) (free []hashing.Slot, done bool) {
	for at := range slots.Each(slots.Valid(t.Space(), m.Slots)) {
		s := t.At(at)
		if (s.Owned() || s.Changed() <= m.Revision) && o.unacked.Remove(at) && s.OwnerHas() {
			free = append(free, at)
		}
	}
	return free, o.unacked.Len() == 0
}
