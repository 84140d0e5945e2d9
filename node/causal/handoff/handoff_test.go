package handoff

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// still are streams of a view without writes.
type still struct{}

func (still) Durable(wire.Stream, uint64, bool) bool { return false }
func (still) Got(wire.Stream, uint64) bool           { return false }
func (still) Vector(bool) wire.Vector                { return nil }

// holder has eight slots. It owns the first ones, and holds an item in each of some others.
func holder(owned int, held ...hashing.Slot) *slots.Table {
	t := slots.New(3, still{}, nil)
	t.Assign(func(at hashing.Slot) bool { return int(at) < owned }, false, true, 0)
	for _, at := range held {
		t.Hold(at)
		put(&t, at, 1)
	}
	return &t
}

func put(t *slots.Table, at hashing.Slot, n uint64) {
	t.Put(uint64(at)<<61, &wire.Item{Version: wire.CausalVersion{Counter: n, Dot: wire.Dot{N: n}}}, nil, n)
}

func all(list ...uint32) (ranges []wire.SlotRange) {
	for _, at := range list {
		ranges = append(ranges, wire.SlotRange{First: at, Count: 1})
	}
	return ranges
}

func TestAnOfferIsOfWhatIsHeldAndNotBlank(t *testing.T) {
	x := holder(2, 4, 5)
	x.Hold(6)                     // with nothing in it
	put(x, 1, 1)                  // owned by both
	mine := []hashing.Slot{0, 1}  // of which 0 is blank
	other := []hashing.Slot{4, 6} // of which 6 is blank
	o := Begin(x, append(mine, other...), 0)
	if got := slices.Collect(o.Unacked().All()); !slices.Equal(got, []hashing.Slot{1, 4}) {
		t.Errorf("offered are %v", got)
	}
	if Begin(x, []hashing.Slot{0, 6, 7}, 0) != nil {
		t.Error("nothing is offered")
	}
}

func TestAnOfferIsSentAgainWithDoubledIntervals(t *testing.T) {
	o := Begin(holder(0, 4), []hashing.Slot{4}, wire.Second)
	sent, now := []wire.Instant(nil), wire.Second
	for len(sent) < 6 {
		m, next := o.Due(now)
		if m != nil {
			sent = append(sent, (now-wire.Second)/wire.Millisecond)
		}
		if early, _ := o.Due(next - 1); early != nil {
			t.Fatal("sent before its time")
		}
		now = next
	}
	if want := []wire.Instant{100, 300, 700, 1500, 2500, 3500}; !slices.Equal(sent, want) {
		t.Errorf("sent after %v ms, want %v", sent, want)
	}
}

// TestWhatChangesAfterAnAcknowledgementIsNotReleased is I25 at the holder.
func TestWhatChangesAfterAnAcknowledgementIsNotReleased(t *testing.T) {
	x := holder(0, 4, 5)
	x.CountOwners()
	x.At(4).AwaitOwner()
	x.At(5).AwaitOwner()
	o := Begin(x, []hashing.Slot{4, 5}, 0)
	ack := &wire.HandoffAck{Revision: x.Revision(), Slots: all(4, 5)}
	put(x, 5, 2)
	if o.Counts(&wire.HandoffAck{Revision: ack.Revision - 1}) || !o.Counts(ack) {
		t.Error("an acknowledgement of before counts, or one of now does not")
	}
	free, done := o.Ack(x, ack)
	if !slices.Equal(free, []hashing.Slot{4}) || done {
		t.Errorf("free are %v, done %t", free, done)
	}
	if free, _ := o.Ack(x, ack); len(free) > 0 {
		t.Errorf("free a second time: %v", free)
	}
	ack.Revision = x.Revision()
	if _, done := o.Ack(x, ack); !done {
		t.Error("the owner has everything")
	}
}

func TestASlotIsFreeWhenItsLastOwnerHasIt(t *testing.T) {
	x := holder(0, 4)
	x.CountOwners()
	a, b := Begin(x, []hashing.Slot{4}, 0), Begin(x, []hashing.Slot{4}, 0)
	x.At(4).AwaitOwner()
	x.At(4).AwaitOwner()
	ack := &wire.HandoffAck{Revision: x.Revision(), Slots: all(4)}
	if free, done := a.Ack(x, ack); len(free) > 0 || !done {
		t.Errorf("one of two owners has it, and free are %v", free)
	}
	if free, _ := b.Ack(x, ack); !slices.Equal(free, []hashing.Slot{4}) {
		t.Errorf("both owners have it, and free are %v", free)
	}
}

func TestSlotsThatChangeInTheQueueStay(t *testing.T) {
	x := holder(0, 3, 5, 6)
	put(x, 2, 1)
	x.CountOwners()
	for _, at := range []hashing.Slot{3, 5, 6} {
		x.At(at).AwaitOwner()
		x.At(at).OwnerHas()
	}
	var q Queue
	q.Add([]hashing.Slot{6, 3, 5})
	put(x, 5, 2)
	if got := q.Next(x); !slices.Equal(got, all(3, 6)) {
		t.Errorf("released are %v", got)
	}
	if n := q.Freed(); n != 2 || q.Waiting() || q.Freed() != 0 {
		t.Errorf("%d slots were released", n)
	}
}

func TestAStepReleasesABoundedNumber(t *testing.T) {
	x := slots.New(10, still{}, nil)
	for at := range hashing.Slot(3 * atOnce) {
		x.Hold(at)
	}
	var q Queue
	q.Set(x.CountOwners())
	steps := 0
	for ; q.Waiting(); steps++ {
		if q.Freed() != 0 {
			t.Error("said to be over before it is")
		}
		list := q.Next(&x)
		if n := slots.Count(list); n != atOnce {
			t.Errorf("%d slots in a step", n)
		}
		x.Release(list)
	}
	if n := q.Freed(); n != 3*atOnce || steps != 3 || x.Held() != 0 {
		t.Errorf("%d slots in %d steps, %d are left", n, steps, x.Held())
	}
}

func TestAReceiptIsSentWhenThePeerCanUnderstandIt(t *testing.T) {
	var r Receipt
	if r.Ack() != nil || r.Has(7, 0) || r.Heard(7, 1) != nil {
		t.Error("there was no exchange")
	}
	ack := &wire.HandoffAck{Boot: 7, Revision: 5}
	if r.Note(ack, true, 10) != nil || r.SentAt() != 0 {
		t.Error("sent before the peer has come to the view")
	}
	if r.Heard(8, 11) != nil {
		t.Error("another boot is told")
	}
	if r.Heard(7, 12) != ack || r.SentAt() != 12 || r.Heard(7, 13) != nil {
		t.Error("not sent once when the peer is heard")
	}
	if r.Note(ack, false, 20) != ack || r.SentAt() != 20 {
		t.Error("not sent at once")
	}
	for _, c := range []struct {
		boot     ids.Boot
		revision uint64
		has, is  bool
	}{{7, 4, true, false}, {7, 5, true, true}, {7, 6, false, false}, {8, 5, false, false}} {
		if r.Has(c.boot, c.revision) != c.has || r.Is(c.boot, c.revision) != c.is {
			t.Errorf("boot %d, revision %d: has %t, is %t", c.boot, c.revision, r.Has(c.boot, c.revision), r.Is(c.boot, c.revision))
		}
	}
}

func TestTakenIsWhatIsOwnedHereAndWasHeldThere(t *testing.T) {
	x := holder(4)
	held := &wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{{Slots: wire.SlotRange{First: 2, Count: 4}}}}
	if got := Taken(x, slots.All(3), held); !slices.Equal(got, []wire.SlotRange{{First: 2, Count: 2}}) {
		t.Errorf("taken are %v", got)
	}
}

func TestRequestersAreRememberedInTheirBootAndView(t *testing.T) {
	var r Requesters
	v, w := ids.View{Number: 1}, ids.View{Number: 2}
	h := func(node ids.Node, boot ids.Boot, view ids.View) wire.Header {
		return wire.Header{From: node, Boot: boot, View: view}
	}
	is := func(what string, got []wire.NodeBoot, want ...wire.NodeBoot) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	one, two := wire.NodeBoot{Node: 1, Boot: 10}, wire.NodeBoot{Node: 2, Boot: 20}
	r.NoteAck(h(1, 10, v), 5)
	r.NoteRequest(h(2, 20, v), wire.Second)
	is("at the revision", r.AckedAt(v, 5), one)
	is("at another one", r.AckedAt(v, 6))
	is("in another view", r.AckedAt(w, 5))
	is("lately", r.Asking(v, wire.Second), two)
	is("long ago", r.Asking(v, 9*wire.Second))
	r.NoteRequest(h(1, 10, v), wire.Second)
	is("a request leaves the acknowledgement", r.AckedAt(v, 5), one)
	r.NoteRequest(h(1, 11, v), wire.Second)
	is("a new boot has acknowledged nothing", r.AckedAt(v, 5))
	for n := range ids.Node(MaxRequesters + 5) {
		r.NoteAck(h(n%200+10, ids.Boot(n), v), 1)
	}
	if len(r.list) > MaxRequesters {
		t.Errorf("%d are remembered", len(r.list))
	}
}
