// Package handoff is the hand-off of slots from a node that holds them to the nodes that
// own them (docs/causal.md §7.3).
//
// The holder keeps an Offer for each owner that has not acknowledged everything, and a
// Queue of slots that all owners have: these are released. The owner keeps a Receipt of
// each peer whose data it has taken. Requesters are what a holder tells others about its
// owners.
//
// The types are state machines without I/O. They say what is to be sent, and when they
// are to be asked again. They may be used by one goroutine at a time.
package handoff

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of an offer: members begin an exchange without being asked, so the first message
// goes out only if an owner has not acknowledged in time.
const (
	firstInterval = 100 * wire.Millisecond
	lastInterval  = 1 * wire.Second
)

// Offer is what this node holds and one owner has not acknowledged. An owner acknowledges
// a revision: it has everything of some slots that was here at that revision. So an
// acknowledgement of an earlier revision than that of the offer says nothing.
type Offer struct {
	revision uint64       // of the slots when the offer began
	unacked  slots.Set    // not empty
	sentAt   wire.Instant // when it was sent last, or began
	interval wire.Instant // until it is sent again; doubled each time
}

// Begin offers the slots of one owner, as far as they are held and not blank. It returns
// nil if there are none.
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

// Due returns the message that is to be sent now, with exponential backoff; nil: none.
// The offer is to be asked again at next.
func (o *Offer) Due(now wire.Instant) (m *wire.Handoff, next wire.Instant) {
	if now-o.sentAt >= o.interval {
		o.sentAt, o.interval = now, min(2*o.interval, lastInterval)
		m = &wire.Handoff{Revision: o.revision}
	}
	return m, o.sentAt + o.interval
}

// Counts reports that an acknowledgement is not older than the offer.
func (o *Offer) Counts(m *wire.HandoffAck) bool { return m.Revision >= o.revision }

// Ack takes in an acknowledgement that counts. It returns the slots that may be released:
// all owners have them. A slot that is held for others and has changed since the
// acknowledged revision stays unacknowledged (I25).
func (o *Offer) Ack(t *slots.Table, m *wire.HandoffAck) (free []hashing.Slot, done bool) {
	for at := range slots.Each(slots.Valid(t.Space(), m.Slots)) {
		s := t.At(at)
		if (s.Owned() || s.Changed() <= m.Revision) && o.unacked.Remove(at) && t.OwnerHas(at) {
			free = append(free, at)
		}
	}
	return free, o.unacked.Len() == 0
}
