// Package antientropy is an exchange of digests and items with one peer, at the requester
// (docs/causal.md §6). An exchange brings what batches did not: data of other views, of nodes
// that were out of reach, and deletions whose tombstones were collected. When it is over, this
// node holds of the slots all that the peer had when it answered (I15, I18). An exchange changes
// nothing at the responder, which answers from its slots and keeps no state for it.
//
// An Exchange is a state machine without I/O. The caller sends its questions, merges the items,
// and lets K grow for the slots that Compare and DoneBefore yield. One goroutine at a time may
// use it.
package antientropy

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times between two copies of a question, doubled each time.
const (
	FirstInterval = 100 * wire.Millisecond // the first interval
	lastInterval  = 1 * wire.Second        // the last interval
)

// Start is the state of this node when an exchange was opened. The peer's digest is compared
// with the slots as they were then.
type Start struct {
	Session   uint64       // names the questions; answers to other sessions do not count
	At        wire.Instant // when the exchange was opened
	Inquiry   uint64       // the present inquiry, which the exchange may answer
	Revision  uint64       // revision of the slots; nothing is concluded of slots that were released since
	LastWrite uint64       // last write of the log; slots that were written since differ from what was compared
}

// Exchange goes through three steps. It goes back to the first one when the digest does not
// describe the items of the peer any more.
//
//  1. It asks for a digest of some slots. Slots whose sums are equal are done.
//  2. It fetches the items of the other slots in pieces, ascending by hash and key. A slot is
//     done when an item of a later slot has come, or the last piece.
//  3. It is complete: all slots are done. Slots with more items here than have come are still
//     checked for items that were deleted and collected at the peer.
//
// When a slot is done, K of the slot may grow by the peer's K: everything that the peer's K
// covers is here, or was deleted (I15). K in the digest was noted before any item was read, so
// it never covers more than the items that come.
type Exchange struct {
	slots []wire.SlotRange // the slots that it asks about, ascending
	relay bool             // items of slots that others own are wanted, too
	brief bool             // it asks about no slots: a former member probably has nothing new
	more  bool             // another exchange with the peer is to follow

	start    Start
	askedAt  wire.Instant // when the question was last sent
	interval wire.Instant // from askedAt to the next copy
	itemsAt  wire.Instant // when items last came, or when the exchange was opened
	trip     wire.Instant // time from opening to the last digest

	digest *wire.Digest // the peer's answer; nil: step 1
	boot   ids.Boot     // the boot that the digest came from; items of another boot are stale

	want       []wire.SlotRange              // slots whose items are fetched, ascending
	remaining  []wire.SlotRange              // of want: slots that are not done
	cursor     wire.SlotCursor               // place of the last item that has come
	gcCounters map[hashing.Slot]uint64       // GC counters that came with items: larger than in the digest if the peer collected since
	keys       map[string]wire.CausalVersion // versions of the present slot that have come, by key
	present    uint64                        // of keys, those that have an item here; 0 after one of them was removed, which forces a check

	complete bool // step 3
	checks   int  // slots of this node that are being read for the check of step 3
}

// New returns an exchange about slots, which ascend. With relay, items of slots that others own
// are wanted, too.
func New(list []wire.SlotRange, relay bool) Exchange { return Exchange{slots: list, relay: relay} }

// Brief returns an exchange about no slots. It only asks a former member which owners have its
// data (docs/causal.md §7.4, rule 4).
func Brief() Exchange { return Exchange{brief: true} }

// None returns an exchange that is over, with a peer from which this node wants no slots. It
// answers an inquiry.
func None(inquiry uint64) Exchange { return Exchange{start: Start{Inquiry: inquiry}, complete: true} }

// Expand makes a brief exchange ask about slots. Open is due next.
func (x *Exchange) Expand(list []wire.SlotRange, relay bool) {
	x.brief, x.relay, x.slots = false, relay, list
}

// Open begins the exchange, or begins it again: nothing that was compared before counts. Slots
// for which K has grown keep that, since it is true of this node.
func (x *Exchange) Open(s Start) {
	*x = Exchange{
		slots: x.slots, relay: x.relay, brief: x.brief, more: x.more,
		start: s, itemsAt: s.At, interval: FirstInterval, gcCounters: map[hashing.Slot]uint64{}, trip: x.trip, boot: x.boot,
	}
}

// Session names the questions of the exchange.
func (x *Exchange) Session() uint64 { return x.start.Session }

// Inquiry is the inquiry that was open when the exchange was opened.
func (x *Exchange) Inquiry() uint64 { return x.start.Inquiry }

// Slots are the slots that it asks about, ascending.
func (x *Exchange) Slots() []wire.SlotRange { return x.slots }

// Relay reports that items of slots that others own are wanted, too.
func (x *Exchange) Relay() bool { return x.relay }

// Brief reports that it asks about no slots, unless it is expanded.
func (x *Exchange) Brief() bool { return x.brief }

// Digest is the peer's answer; nil: none has come since Open.
func (x *Exchange) Digest() *wire.Digest { return x.digest }

// Boot is the boot that the last digest came from.
func (x *Exchange) Boot() ids.Boot { return x.boot }

// Trip is how long the last digest took to come.
func (x *Exchange) Trip() wire.Instant { return x.trip }

// Follow notes that another exchange with the peer is to follow this one.
func (x *Exchange) Follow() { x.more = true }

// More reports that another exchange with the peer is to follow.
func (x *Exchange) More() bool { return x.more }

// Question is the message to send now, and notes the time. The caller fills in the fields that
// concern no slot.
func (x *Exchange) Question(t *slots.Table, now wire.Instant) wire.Message {
	x.askedAt = now
	if x.digest == nil {
		return &wire.DigestRequest{Session: x.start.Session, Slots: x.slots, Sums: slots.GroupSums(t, x.slots)}
	}
	return &wire.FetchItems{Session: x.start.Session, Slots: x.want, After: x.cursor}
}

// Next is when the question is to be repeated, if no answer comes.
func (x *Exchange) Next() wire.Instant { return x.askedAt + x.interval }

// Repeat reports whether the question is to be repeated now. If so, the next interval is twice as
// long, up to lastInterval.
func (x *Exchange) Repeat(now wire.Instant) bool {
	if now < x.Next() {
		return false
	}
	x.interval = min(2*x.interval, lastInterval)
	return true
}

// Unanswered is how long ago the question was last sent.
func (x *Exchange) Unanswered(now wire.Instant) wire.Instant { return now - x.askedAt }

// Answer takes in the digest of the peer, in a boot. The digest is kept and must not be changed.
func (x *Exchange) Answer(boot ids.Boot, m *wire.Digest, now wire.Instant) {
	x.digest, x.boot, x.trip = m, boot, now-x.start.At
}

// Compare yields the slots whose sums are equal here and at the peer, with what the peer says of
// them, and then notes the slots whose items are to be fetched. A slot that the peer does not
// hold is left out. If the peer sent no sums of a group, the group's sum equalled that of the
// question, so a slot that was written since the question is not equal (docs/causal.md §6.2).
func (x *Exchange) Compare(t *slots.Table) iter.Seq2[hashing.Slot, *wire.HeldSlots] {
	return func(yield func(hashing.Slot, *wire.HeldSlots) bool) {
		held := slots.Reader{Held: &x.digest.Held}
		sums := slots.ReadSums(t.Space(), x.digest.Groups)
		var want []hashing.Slot
		for at := range slots.Each(x.slots) {
			theirs, differs := sums.Next(at)
			run, s := held.Next(at), t.At(at)
			if run == nil || !s.Owned() && !x.relay {
				continue // slots of other owners, which ask the peer themselves
			}
			equal := theirs == s.Sum()
			if !differs {
				equal = s.Written() <= x.start.LastWrite
			}
			if !equal {
				want = append(want, at)
			}
			if equal && !yield(at, run) {
				return
			}
		}
		x.expect(want)
	}
}

// expect begins step 2 for some slots, which ascend, or step 3 if there are none.
func (x *Exchange) expect(want []hashing.Slot) {
	x.want = slots.Ranges(slices.Values(want))
	x.remaining = slices.Clone(x.want)
	x.complete = len(want) == 0
	x.interval = FirstInterval
	x.NextSlot()
}

// NextSlot is called when a slot is done: the next item belongs to another one.
func (x *Exchange) NextSlot() { x.keys, x.present = map[string]wire.CausalVersion{}, 0 }

// Postpone goes back to step 1 without a question, because another exchange is bringing the same
// slots. Open is due when that one is over, and little will differ then.
func (x *Exchange) Postpone() { x.digest, x.want = nil, nil }

// Brings reports that the exchange is in step 2 and items have come lately.
func (x *Exchange) Brings(now wire.Instant) bool {
	return len(x.want) > 0 && !x.complete && now-x.itemsAt < peers.Silence
}

// Shares reports that both exchanges want the items of some slot.
func (x *Exchange) Shares(y *Exchange) bool { return slots.Overlap(x.want, y.want) }

// Complete reports that all items have come.
func (x *Exchange) Complete() bool { return x.complete }

// Check notes that a slot of this node is being read, to find items that were collected at the
// peer. Checked is due when that is done.
func (x *Exchange) Check() { x.checks++ }

// Checked notes that one such check is done.
func (x *Exchange) Checked() { x.checks-- }

// Done reports that all items have come, and that no slot is being checked any more.
func (x *Exchange) Done() bool { return x.complete && x.checks == 0 }
