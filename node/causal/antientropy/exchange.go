// Package antientropy is an exchange of digests and items with one peer, at the node that
// requests it (docs/causal.md §6). The responder keeps nothing of an exchange: it answers
// from its slots.
//
// An Exchange is a state machine without I/O. It may be used by one goroutine at a time.
package antientropy

import (
	"iter"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times between repetitions of a question.
const (
	FirstInterval = 100 * wire.Millisecond
	lastInterval  = 1 * wire.Second
)

// Start is the state of this node when an exchange was opened. The peer's digest is
// compared with what was here then.
type Start struct {
	Session   uint64 // of the questions; answers to others do not count
	At        wire.Instant
	Inquiry   uint64 // that the exchange answers
	Revision  uint64 // of the slots: slots that were released since do not count
	LastWrite uint64 // slots that were written since are not those that were compared
}

// Exchange goes through three steps, and back to the first one when what was compared
// does not hold any more:
//
//  1. It asks for a digest: what does the peer hold of some slots? Slots whose sums are
//     equal are done.
//  2. It fetches the items of the others, in pieces, ascending by hash and key. A slot is
//     done when an item of a later slot has come, or the last piece.
//  3. It is complete. Slots with more items here than have come are still checked for
//     items that were deleted and collected elsewhere.
//
// A slot that is done lets K grow: everything that the peer's K means is here then (I15).
type Exchange struct {
	slots []wire.SlotRange // that it asks about
	relay bool             // items of slots that others own are wanted, too
	brief bool             // it asks about no slots: a former member may have nothing new
	more  bool             // another exchange is to follow: the peer has more, or what is wanted has changed

	start    Start
	askedAt  wire.Instant // when the question was sent last
	interval wire.Instant // until it is repeated
	itemsAt  wire.Instant // when items came last, or the exchange was opened
	trip     wire.Instant // how long the digest took to come

	digest *wire.Digest // nil: step 1
	boot   ids.Boot     // of the digest

	want       []wire.SlotRange              // slots whose items are fetched
	remaining  []wire.SlotRange              // of want: slots that are not done
	cursor     wire.SlotCursor               // the last item that has come
	gcCounters map[hashing.Slot]uint64       // of slots whose items have come, as they were then
	keys       map[string]wire.CausalVersion // items of the present slot that have come
	present    uint64                        // how many of them are here, too: what was collected here is not taken in; 0 when one was dropped since

	complete bool // step 3
	checks   int  // slots whose own items are being read
}

// New returns an exchange about slots. With relay, items of slots that others own are
// wanted, too.
func New(list []wire.SlotRange, relay bool) Exchange { return Exchange{slots: list, relay: relay} }

// Brief returns an exchange that asks a former member only which owners have its data.
func Brief() Exchange { return Exchange{brief: true} }

// None is an exchange that is over, about no slots: it has answered an inquiry.
func None(inquiry uint64) Exchange { return Exchange{start: Start{Inquiry: inquiry}, complete: true} }

// Expand makes a brief exchange ask about slots.
func (x *Exchange) Expand(list []wire.SlotRange, relay bool) {
	x.brief, x.relay, x.slots = false, relay, list
}

// Open begins the exchange, or begins it again: nothing counts that was compared before.
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

// Slots are those that it asks about; Relay says that those of other owners are wanted,
// too; Brief that it asks about none yet.
func (x *Exchange) Slots() []wire.SlotRange { return x.slots }
func (x *Exchange) Relay() bool             { return x.relay }
func (x *Exchange) Brief() bool             { return x.brief }

// Digest is the peer's answer, nil: it has not come. Boot is the boot that it came from,
// and Trip how long it took.
func (x *Exchange) Digest() *wire.Digest { return x.digest }
func (x *Exchange) Boot() ids.Boot       { return x.boot }
func (x *Exchange) Trip() wire.Instant   { return x.trip }

// Follow has another exchange follow this one; More reports whether that is wanted.
func (x *Exchange) Follow()    { x.more = true }
func (x *Exchange) More() bool { return x.more }

// Question is the message to send now. The caller adds what concerns no slot.
func (x *Exchange) Question(t *slots.Table, now wire.Instant) wire.Message {
	x.askedAt = now
	if x.digest == nil {
		return &wire.DigestRequest{Session: x.start.Session, Slots: x.slots, Sums: t.GroupSums(x.slots)}
	}
	return &wire.FetchItems{Session: x.start.Session, Slots: x.want, After: x.cursor}
}

// Next is when the question is to be repeated.
func (x *Exchange) Next() wire.Instant { return x.askedAt + x.interval }

// Repeat reports whether the question is to be repeated now. The next interval is twice as
// long.
func (x *Exchange) Repeat(now wire.Instant) bool {
	if now < x.Next() {
		return false
	}
	x.interval = min(2*x.interval, lastInterval)
	return true
}

// Unanswered is how long ago the question was sent last.
func (x *Exchange) Unanswered(now wire.Instant) wire.Instant { return now - x.askedAt }

// Answer takes in the digest of a peer in a boot.
func (x *Exchange) Answer(boot ids.Boot, m *wire.Digest, now wire.Instant) {
	x.digest, x.boot, x.trip = m, boot, now-x.start.At
}

// Compare yields the slots that are equal here and at the peer, with what the peer says of
// them, and then notes which items are to be fetched. A slot that the peer does not hold
// is left out. Of a group whose sums the peer did not send, its sum equalled that of the
// question: a slot that was written since is not equal.
func (x *Exchange) Compare(t *slots.Table) iter.Seq2[hashing.Slot, *wire.HeldSlots] {
	return func(yield func(hashing.Slot, *wire.HeldSlots) bool) {
		held := slots.Reader{Held: &x.digest.Held}
		sums := slots.ReadSums(t.Space(), x.digest.Groups)
		var want []hashing.Slot
		for at := range slots.Each(x.slots) {
			theirs, differs := sums.Next(at)
			run, s := held.Next(at), t.At(at)
			if run == nil || !s.Owned() && !x.relay {
				continue // of slots of others their owners ask themselves
			}
			equal := theirs == s.Sum()
			if !differs {
				equal = s.Written() <= x.start.LastWrite
			}
			if !equal {
				want = append(want, at)
			}
			if (equal || mutant.On(mutant.CausalEarlyKnowledge)) && !yield(at, run) {
				return
			}
		}
		x.expect(want)
	}
}

// expect begins to wait for the items of slots, which ascend.
func (x *Exchange) expect(want []hashing.Slot) {
	x.want = slots.Ranges(slices.Values(want))
	x.remaining = slices.Clone(x.want)
	x.complete = len(want) == 0
	x.interval = FirstInterval
	x.NextSlot()
}

// NextSlot begins with the items of the next slot.
func (x *Exchange) NextSlot() { x.keys, x.present = map[string]wire.CausalVersion{}, 0 }

// Postpone goes back to step 1 without a question: another exchange brings the same slots,
// and little will differ when that is over.
func (x *Exchange) Postpone() { x.digest, x.want = nil, nil }

// Brings reports that items come, or came lately.
func (x *Exchange) Brings(now wire.Instant) bool {
	return len(x.want) > 0 && !x.complete && now-x.itemsAt < peers.Silence
}

// Shares reports that both exchanges want the items of some slot.
func (x *Exchange) Shares(y *Exchange) bool { return slots.Overlap(x.want, y.want) }

// Complete reports that all items have come.
func (x *Exchange) Complete() bool { return x.complete }

// Check counts a slot whose own items are being read; Checked counts it out.
func (x *Exchange) Check()   { x.checks++ }
func (x *Exchange) Checked() { x.checks-- }

// Done reports that all items have come, and that no slot is being checked.
func (x *Exchange) Done() bool { return x.complete && x.checks == 0 }
