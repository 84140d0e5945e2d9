package antientropy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

const space = hashing.Space(3)

var stream = wire.Stream{Node: 2, Boot: 3}

// still are streams of a view without writes.
type still struct{}

func (still) Durable(wire.Stream, uint64, bool) bool { return false }
func (still) Got(wire.Stream, uint64) bool           { return false }
func (still) Vector(bool) wire.Vector                { return nil }

// keys has one key of each slot.
var keys = func() [8]string {
	var keys [8]string
	for i := 0; slices.Contains(keys[:], ""); i++ {
		k := fmt.Sprint("k", i)
		keys[space.Slot(hashing.Hash(k))] = k
	}
	return keys
}()

func item(at hashing.Slot, n uint64) wire.Item {
	return wire.Item{Key: keys[at], Version: wire.CausalVersion{Counter: n, Dot: wire.Dot{Stream: stream, N: n}}}
}

// node owns the slots below 6, and has an item in some slots, by write 1 of the log.
func node(has ...hashing.Slot) *slots.Table {
	t := slots.New(space, still{}, nil)
	t.Assign(func(at hashing.Slot) bool { return at < 6 }, false, true, 0)
	for _, at := range has {
		i := item(at, 1)
		t.Hold(at)
		t.Put(hashing.Hash(i.Key), &i, nil, 1)
	}
	return &t
}

// answer is the digest of a node to the open question of an exchange.
func answer(x *Exchange, here, there *slots.Table) *wire.Digest {
	q := x.Question(here, 0).(*wire.DigestRequest)
	return &wire.Digest{Revision: there.Revision(), Held: there.Holdings(q.Slots, true), Groups: slots.Differing(there, q.Slots, q.Sums)}
}

// compare opens an exchange, brings it the answer, and returns the equal slots.
func compare(x *Exchange, here, there *slots.Table) (equal []hashing.Slot) {
	x.Open(Start{Session: 1, Revision: here.Revision(), LastWrite: 1})
	x.Answer(3, answer(x, here, there), 7)
	for at := range x.Compare(here) {
		equal = append(equal, at)
	}
	return equal
}

// fetched are the slots whose items the exchange asks for.
func fetched(x *Exchange, here *slots.Table) []hashing.Slot {
	return slices.Collect(slots.Each(x.Question(here, 0).(*wire.FetchItems).Slots))
}

func TestItemsOfSlotsThatDifferAreFetched(t *testing.T) {
	here, there := node(0, 2), node(0, 3)
	x := New(slots.All(space), false)
	equal := compare(&x, here, there)
	if !slices.Equal(equal, []hashing.Slot{0, 1, 4, 5}) || !slices.Equal(fetched(&x, here), []hashing.Slot{2, 3}) {
		t.Errorf("equal are %v, fetched %v", equal, fetched(&x, here))
	}
	if x.Complete() || x.Trip() != 7 || x.Boot() != 3 {
		t.Error("complete without the items, or the answer is of another time or boot")
	}
	same := New(slots.All(space), false)
	if compare(&same, here, node(0, 2)); !same.Done() {
		t.Error("nothing differs, and it is not done")
	}
}

func TestSlotsOfOthersAreTakenOnlyToBeRelayed(t *testing.T) {
	here, there := node(), node(7)
	for relay, want := range map[bool][]hashing.Slot{true: {7}, false: nil} {
		x := New(slots.All(space), relay)
		compare(&x, here, there)
		if x.Complete() != (want == nil) || want != nil && !slices.Equal(fetched(&x, here), want) {
			t.Errorf("relay %t: complete %t", relay, x.Complete())
		}
	}
}

// TestASlotThatWasWrittenSinceIsNotEqual: the peer compared its sum with that of the question, not
// with the present one.
func TestASlotThatWasWrittenSinceIsNotEqual(t *testing.T) {
	here, there := node(1), node(1)
	x := New(slots.All(space), false)
	x.Open(Start{LastWrite: 1})
	m := answer(&x, here, there)
	i := item(1, 2)
	old := item(1, 1)
	here.Put(hashing.Hash(i.Key), &i, &old, 2)
	x.Answer(3, m, 0)
	for at := range x.Compare(here) {
		if at == 1 {
			t.Error("equal, though it was written since")
		}
	}
	if got := fetched(&x, here); !slices.Equal(got, []hashing.Slot{1}) {
		t.Errorf("fetched are %v", got)
	}
}

func TestASlotIsDoneWhenTheNextOneBegins(t *testing.T) {
	here, there := node(), node(1, 3, 4)
	x := New(slots.All(space), false)
	compare(&x, here, there)
	var done []hashing.Slot
	bring := func(at hashing.Slot, last bool) {
		i := item(at, 1)
		m := &wire.Items{After: x.cursor, Items: []wire.Item{i}, Last: last}
		if !x.Awaits(m) || x.Unasked(space, m) != "" {
			t.Fatalf("slot %d is not awaited: %s", at, x.Unasked(space, m))
		}
		x.Begin(m, 0)
		for at := range x.DoneBefore(at) {
			done = append(done, at)
			x.NextSlot()
		}
		x.Came(hashing.Hash(i.Key), &i, true)
		if len(x.Keys()) != 1 {
			t.Errorf("of slot %d %d keys have come", at, len(x.Keys()))
		}
	}
	bring(1, false)
	first := &wire.Items{Items: []wire.Item{item(1, 1)}}
	if x.Awaits(first) {
		t.Error("a piece is taken twice")
	}
	bring(3, false)
	if !slices.Equal(done, []hashing.Slot{1}) {
		t.Errorf("done are %v", done)
	}
	for _, at := range []hashing.Slot{1, 2} {
		if x.Unasked(space, &wire.Items{Items: []wire.Item{item(at, 1)}}) == "" {
			t.Errorf("an item of slot %d, which is done or was not asked for, is taken", at)
		}
	}
	if x.Unasked(space, &wire.Items{GCCounters: []wire.SlotGCCounter{{Slot: 2}}}) == "" {
		t.Error("the GC counter of a slot that was not asked for is taken")
	}
	bring(4, true)
	for at := range x.DoneBefore(8) {
		done = append(done, at)
	}
	x.Last()
	if !slices.Equal(done, []hashing.Slot{1, 3, 4}) || !x.Done() {
		t.Errorf("done are %v", done)
	}
	x.Check()
	if x.Done() {
		t.Error("done, though a slot is checked")
	}
	if x.Checked(); !x.Done() {
		t.Error("not done, though no slot is checked")
	}
}

// TestItemsOfALaterKAreStale is I15: the digest's K may cover items that were removed since.
func TestItemsOfALaterKAreStale(t *testing.T) {
	here, there := node(), node(1)
	x := New(slots.All(space), false)
	compare(&x, here, there)
	revision := there.Revision()
	if x.Stale(3, &wire.Items{RemovedAt: revision}) || !x.Stale(3, &wire.Items{RemovedAt: revision + 1}) || !x.Stale(4, &wire.Items{}) {
		t.Error("items of the digest are stale, or those of a later K or another boot are not")
	}
	x.Open(Start{Session: 2})
	if x.Digest() != nil || x.Session() != 2 || x.Complete() || x.Awaits(&wire.Items{}) {
		t.Error("opened again, and something of before counts")
	}
}

func TestASlotWithMoreHereThanHasComeIsChecked(t *testing.T) {
	here, there := node(1), node(1)
	mine := item(1, 5)
	here.Put(hashing.Hash("another"), &mine, nil, 1) // as if it were in slot 1
	x := New(slots.All(space), false)
	compare(&x, here, there)
	s := here.At(1)
	i := item(1, 1)
	x.Came(hashing.Hash(i.Key), &i, true)
	if x.Extra(s) != (s.Sum().Count > 1) {
		t.Errorf("%d items are here, one has come, extra %t", s.Sum().Count, x.Extra(s))
	}
	x.Dropped("other")
	if x.present != 1 {
		t.Error("an item of another key was dropped, and that counts")
	}
	if x.Dropped(i.Key); !x.Extra(s) {
		t.Error("what has come was dropped, and the slot is not checked")
	}
}

func TestWhatThePeerHasCollectedIsForgotten(t *testing.T) {
	have := item(1, 4)
	version := func(n uint64) map[string]wire.CausalVersion {
		return map[string]wire.CausalVersion{have.Key: item(1, n).Version}
	}
	k := func(n uint64) wire.Vector { return wire.Vector{{Stream: stream, N: n}} }
	for _, c := range []struct {
		name   string
		theirs map[string]wire.CausalVersion
		k      wire.Vector
		want   bool
	}{
		{"the peer has nothing, and had it", nil, k(4), true},
		{"the peer has nothing, and never had it", nil, k(3), false},
		{"the peer has the same", version(4), k(4), false},
		{"the peer has what won over it", version(6), k(6), true},
		{"the peer has less", version(2), k(4), false},
	} {
		if got := Collected(&have, c.theirs, c.k); got != c.want {
			t.Errorf("%s: collected %t", c.name, got)
		}
	}
}

func TestAQuestionIsRepeatedWithDoubledIntervals(t *testing.T) {
	x := Brief()
	x.Open(Start{At: wire.Second})
	now := wire.Second
	var after []wire.Instant
	for range 6 {
		x.Question(node(), now)
		if x.Repeat(x.Next() - 1) {
			t.Fatal("repeated before its time")
		}
		after = append(after, (x.Next()-now)/wire.Millisecond)
		now = x.Next()
		if !x.Repeat(now) {
			t.Fatal("not repeated")
		}
	}
	if want := []wire.Instant{100, 200, 400, 800, 1000, 1000}; !slices.Equal(after, want) {
		t.Errorf("repeated after %v ms, want %v", after, want)
	}
}

func TestOfTwoExchangesOneBringsTheItemsOfASlot(t *testing.T) {
	here := node()
	x, y, other := New(slots.All(space), false), New(slots.All(space), false), New(slots.All(space), false)
	compare(&x, here, node(1, 2))
	compare(&y, here, node(2, 3))
	compare(&other, here, node(4))
	if !x.Shares(&y) || x.Shares(&other) || !x.Brings(0) {
		t.Error("the exchanges share slot 2, and the third one none")
	}
	if x.Brings(10 * wire.Second) {
		t.Error("nothing has come for long")
	}
	y.Postpone()
	if y.Digest() != nil || y.Brings(0) {
		t.Error("an exchange that waits brings something")
	}
	if _, first := y.Question(here, 0).(*wire.DigestRequest); !first {
		t.Error("it does not begin again")
	}
}

func TestASlotOfOthersThatWasReleasedSinceDoesNotCount(t *testing.T) {
	here, there := node(7), node(7)
	x := New(slots.All(space), true)
	compare(&x, here, there)
	if x.Released(here.At(7)) {
		t.Error("it was not released")
	}
	here.Release([]wire.SlotRange{{First: 7, Count: 1}})
	if !x.Released(here.At(7)) {
		t.Error("it was released")
	}
}
