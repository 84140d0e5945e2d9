package handoff

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Receipt is what an owner has acknowledged of one peer, in this view. The peer may not
// have come to the view when the exchange was over. It would not understand the
// acknowledgement, so that is deferred until the peer is heard in the view.
type Receipt struct {
	ack      *wire.HandoffAck // of the last exchange; nil: there was none
	deferred bool
	sentAt   wire.Instant // when an acknowledgement was sent last
}

// Ack is the acknowledgement of the last exchange; nil: there was none.
func (r *Receipt) Ack() *wire.HandoffAck { return r.ack }

// SentAt is when an acknowledgement was sent last; 0: never.
func (r *Receipt) SentAt() wire.Instant { return r.sentAt }

// Has reports that everything is here that the peer had at a revision, in a boot.
func (r *Receipt) Has(boot ids.Boot, revision uint64) bool {
	return r.ack != nil && r.ack.Boot == boot && r.ack.Revision >= revision
}

// Is reports that everything is here that the peer has: it is at the very revision.
func (r *Receipt) Is(boot ids.Boot, revision uint64) bool {
	return r.ack != nil && r.ack.Boot == boot && r.ack.Revision == revision
}

// Note notes that an exchange is over. It returns what to send now; nil: nothing.
func (r *Receipt) Note(ack *wire.HandoffAck, deferred bool, now wire.Instant) *wire.HandoffAck {
	r.ack, r.deferred = ack, deferred
	if deferred {
		return nil
	}
	r.sentAt = now
	return ack
}

// Heard returns the deferred acknowledgement, if there is one for this boot of the peer:
// the peer is heard in the view.
func (r *Receipt) Heard(boot ids.Boot, now wire.Instant) *wire.HandoffAck {
	if !r.deferred || r.ack.Boot != boot {
		return nil
	}
	r.deferred, r.sentAt = false, now
	return r.ack
}

// Taken are those of some ascending slots that this node owns and a peer held, as it said.
// After an exchange about them everything that the peer had of them is here.
func Taken(t *slots.Table, list []wire.SlotRange, held *wire.Holdings) []wire.SlotRange {
	w := slots.Reader{Held: held}
	return slots.Ranges(func(yield func(hashing.Slot) bool) {
		for at := range slots.Each(list) {
			if t.At(at).Owned() && w.Next(at) != nil && !yield(at) {
				return
			}
		}
	})
}
