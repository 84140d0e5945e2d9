package handoff

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Receipt is what an owner has acknowledged of one peer's data, in this view. If the peer has
// not come to the view yet when an exchange is over, the acknowledgement would not count
// there. It is deferred until the peer is heard in the view (docs/causal.md §7.3, rule 6).
type Receipt struct {
	ack      *wire.HandoffAck // of the last exchange that is over; nil: there was none
	deferred bool             // ack has not been sent yet; implies ack != nil
	sentAt   wire.Instant     // when an acknowledgement was sent last; 0: never
}

// Ack is the acknowledgement of the last exchange that is over; nil: there was none.
func (r *Receipt) Ack() *wire.HandoffAck { return r.ack }

// SentAt is when an acknowledgement was sent last; 0: never.
func (r *Receipt) SentAt() wire.Instant { return r.sentAt }

// Has reports that this node has everything that the peer had at a revision in a boot, or at a
// later one.
func (r *Receipt) Has(boot ids.Boot, revision uint64) bool {
	return r.ack != nil && r.ack.Boot == boot && r.ack.Revision >= revision
}

// Is reports that the last exchange brought exactly this revision of this boot: nothing has
// changed at the peer since.
func (r *Receipt) Is(boot ids.Boot, revision uint64) bool {
	return r.ack != nil && r.ack.Boot == boot && r.ack.Revision == revision
}

// Note takes in the acknowledgement of an exchange that is over. It returns the message to
// send now; nil: none, because it is deferred.
func (r *Receipt) Note(ack *wire.HandoffAck, deferred bool, now wire.Instant) *wire.HandoffAck {
	r.ack, r.deferred = ack, deferred
	if deferred {
		return nil
	}
	r.sentAt = now
	return ack
}

// Heard is called when the peer is heard in the view. It returns the deferred acknowledgement
// to send now; nil: there is none for this boot of the peer.
func (r *Receipt) Heard(boot ids.Boot, now wire.Instant) *wire.HandoffAck {
	if !r.deferred || r.ack.Boot != boot {
		return nil
	}
	r.deferred, r.sentAt = false, now
	return r.ack
}

// Taken are those slots of an ascending list that this node owns and that a peer held, by the
// peer's own digest. After an exchange about the list, this node has everything that the peer
// had of them.
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
