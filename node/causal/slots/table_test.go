package slots

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// streams are the streams of a view, with positions that the test sets.
type streams struct{ written, durable, own wire.Vector }

func (s *streams) Durable(id wire.Stream, n uint64, ready bool) bool {
	return s.own.At(id) >= n || ready && s.durable.At(id) >= n
}
func (s *streams) Got(id wire.Stream, n uint64) bool { return s.written.At(id) >= n }
func (s *streams) Vector(ready bool) wire.Vector {
	if ready {
		return version.Join(s.own, s.written)
	}
	return s.own
}

var stream = wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}

func at(n uint64) wire.Vector { return wire.Vector{{Stream: stream, N: n}} }

// table makes a table of eight slots, of which the first ones are owned.
func table(s *streams, owned int, ready bool) *Table {
	if s == nil {
		s = &streams{}
	}
	t := New(3, s, func(s wire.Stream) bool { return s.Boot == 66 })
	t.Assign(func(at hashing.Slot) bool { return int(at) < owned }, false, ready, 0)
	return &t
}

// apply makes pending knowledge durable.
func (t *Table) apply() (ready []hashing.Slot) {
	if g := t.TakeGrowth(); g != nil {
		t.Apply(g, func(at hashing.Slot) { ready = append(ready, at) })
	}
	return ready
}

// keyIn is the hash of a key in a slot.
func keyIn(at hashing.Slot) uint64 { return uint64(at) << 61 }

func item(n uint64) *wire.Item {
	return &wire.Item{Key: "k", Version: wire.CausalVersion{Counter: n, Dot: wire.Dot{Stream: stream, N: n}}}
}

func TestKnowledgeCountsWhenItIsDurable(t *testing.T) {
	x := table(nil, 1, true)
	s := x.At(0)
	x.Grow(0, at(5), 7, false)
	if x.Durable(s, stream, 1) || !x.DurableOrPending(s, stream, 5) || x.DurableOrPending(s, stream, 6) {
		t.Error("what is being written counts, or is not pending")
	}
	if s.GCCounter() != 7 {
		t.Error("the GC counter does not count at once: items below it go now")
	}
	g, h := x.TakeGrowth(), x.TakeUnwritten()
	if x.TakeGrowth() != nil || x.TakeUnwritten() != nil || len(h.Held) != 1 || h.Held[0].GCCounter != 7 || !h.Held[0].Ready || !slices.Equal(h.Vectors[0], at(5)) {
		t.Errorf("to be written: %+v", h)
	}
	before := x.Revision()
	x.Apply(g, func(hashing.Slot) { t.Error("a slot that is ready becomes ready") })
	if !x.Durable(s, stream, 5) || x.Durable(s, stream, 6) || x.Revision() == before || s.Changed() != x.Revision() {
		t.Error("what is durable does not count, or is no change")
	}
}

func TestKnowledgeOfASlotThatWasReleasedMeanwhileIsDropped(t *testing.T) {
	x := table(nil, 0, false)
	x.Hold(4)
	x.Grow(4, at(5), 0, false)
	g := x.TakeGrowth()
	x.Release([]wire.SlotRange{{First: 4, Count: 1}})
	x.Hold(4) // held again after the release
	x.Apply(g, func(hashing.Slot) {})
	if s := x.At(4); len(s.Known()) > 0 || !s.Blank() {
		t.Errorf("K of the released slot is back: %v", s.Known())
	}
}

// TestTheStreamsOfAViewCount: the own stream counts in owned slots, and tracks in ready ones.
func TestTheStreamsOfAViewCount(t *testing.T) {
	own := wire.Stream{View: ids.View{Number: 1}, Node: 1, Boot: 1}
	s := &streams{written: at(9), durable: at(4), own: wire.Vector{{Stream: own, N: 2}}}
	x := table(s, 2, false)
	x.Hold(5)
	x.Serve(0)
	for _, c := range []struct {
		slot             hashing.Slot
		own, durable, of bool // own stream; track; track when it is durable
	}{{0, true, true, true}, {1, true, false, false}, {5, false, false, false}} {
		p := x.At(c.slot)
		if got := x.Durable(p, own, 2); got != c.own {
			t.Errorf("slot %d: own stream %t", c.slot, got)
		}
		if got := x.Durable(p, stream, 4); got != c.durable || x.Durable(p, stream, 5) {
			t.Errorf("slot %d: track %t", c.slot, got)
		}
		if got := x.DurableOrPending(p, stream, 9); got != c.of {
			t.Errorf("slot %d: track, written %t", c.slot, got)
		}
	}
	x.EndStreams()
	if got := x.At(0).Known(); got.At(stream) != 9 || got.At(own) != 2 {
		t.Errorf("slot 0 ends the view with K %v", got)
	}
	if got := x.At(1).Known(); got.At(stream) != 0 || got.At(own) != 2 {
		t.Errorf("slot 1, not ready, ends the view with K %v", got)
	}
	if got := x.At(5).Known(); len(got) > 0 {
		t.Errorf("slot 5, of others, ends the view with K %v", got)
	}
}

func TestWhatIsLostIsSatisfiedAndNotKnown(t *testing.T) {
	x := table(nil, 1, true)
	x.Hold(5)
	old := wire.Stream{View: stream.View, Node: 9, Boot: 66}
	v := wire.CausalVersion{Counter: 1, Dot: wire.Dot{Stream: old, N: 3}}
	if x.Satisfied(x.At(0), old, 3) {
		t.Error("satisfied before the nodes were asked")
	}
	x.EndInquiry(at(8))
	if !x.Satisfied(x.At(0), old, 3) || !x.Satisfied(x.At(0), stream, 8) || x.Satisfied(x.At(0), stream, 9) {
		t.Error("a lost position is waited for, or one that is not lost is not")
	}
	if x.Satisfied(x.At(5), old, 3) || x.Satisfied(x.At(5), stream, 8) {
		t.Error("something is lost in a slot that others own")
	}
	if !x.IsLost(keyIn(0), v) || x.IsLost(keyIn(5), v) || x.Durable(x.At(0), old, 3) {
		t.Error("what is lost is known, or lost elsewhere")
	}
	x.Grow(0, wire.Vector{{Stream: old, N: 3}}, 0, false)
	x.apply()
	if x.IsLost(keyIn(0), v) {
		t.Error("lost, though it has turned up")
	}
	x.BeginInquiry()
	if x.Satisfied(x.At(0), stream, 8) {
		t.Error("lost, though there are nodes that were not asked")
	}
}

func TestASlotStaysReadyOnlyIfItMissesNothing(t *testing.T) {
	all := func(hashing.Slot) bool { return true }
	none := func(hashing.Slot) bool { return false }
	for _, c := range []struct {
		name                             string
		held, others, keep, first, ready bool
	}{
		{"first view", false, false, false, true, true},
		{"ready, and the view follows on", true, false, true, false, true},
		{"ready, and the view knows of others", true, false, false, false, false},
		{"not held", false, false, true, false, false},
		{"given back, and the view follows on", true, true, true, false, false},
	} {
		x := New(3, &streams{}, nil)
		if c.held {
			x.Assign(all, false, true, 0)
		}
		if c.others {
			x.Assign(none, true, false, 0)
		}
		x.Assign(all, c.keep, c.first, 9)
		s := x.At(2)
		if s.Ready() != c.ready || !s.Held() || (x.Unready() == 0) != c.ready || x.Owned() != 8 || x.Held() != 8 {
			t.Errorf("%s: ready %t, %d of %d are not", c.name, s.Ready(), x.Unready(), x.Owned())
		}
		if want := map[bool]uint64{true: 0, false: 9}[c.ready]; s.GCCounter() != want {
			t.Errorf("%s: GC counter %d, want %d", c.name, s.GCCounter(), want)
		}
	}
}

// TestASlotHeldForOthersIsReadyInOneViewOnly: its owners of that view take writes, so those of the
// next view must not become ready from it. Nor may any if the view knows of others.
func TestASlotHeldForOthersIsReadyInOneViewOnly(t *testing.T) {
	all, none := func(hashing.Slot) bool { return true }, func(hashing.Slot) bool { return false }
	x := New(3, &streams{}, nil)
	x.Assign(all, false, true, 0)
	x.Assign(none, true, false, 0)
	if !x.At(2).Ready() {
		t.Error("the new owners cannot become ready from the slot")
	}
	if x.Assign(none, true, false, 0); x.At(2).Ready() {
		t.Error("ready in a second view")
	}
	x.Assign(all, false, true, 0)
	if x.Assign(none, false, false, 0); x.At(2).Ready() {
		t.Error("ready, though the view knows of others")
	}
}

// TestARestartKeepsReadiness: the log has it as it is in the present view.
func TestARestartKeepsReadiness(t *testing.T) {
	x := table(nil, 0, false)
	x.Recover(&wire.Holdings{Vectors: []wire.Vector{nil}, Held: []wire.HeldSlots{
		{Slots: wire.SlotRange{First: 1, Count: 2}, Ready: true}, {Slots: wire.SlotRange{First: 5, Count: 1}},
	}})
	x.Assign(func(at hashing.Slot) bool { return at == 1 || at == 5 }, true, false, 0)
	for at, ready := range map[hashing.Slot]bool{1: true, 2: true, 5: false} {
		if s := x.At(at); s.Ready() != ready || s.Owned() != (at != 2) {
			t.Errorf("slot %d: ready %t, owned %t", at, s.Ready(), s.Owned())
		}
	}
}

// TestTheCountsAreThoseOfTheSlots changes slots in random order, as a node does, and counts them.
func TestTheCountsAreThoseOfTheSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := New(3, &streams{}, nil)
		slot := func() hashing.Slot { return hashing.Slot(rapid.IntRange(0, 7).Draw(t, "slot")) }
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			before := x.Revision()
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				owned := rapid.IntRange(0, 255).Draw(t, "owned")
				x.Assign(func(at hashing.Slot) bool { return owned>>at&1 == 1 }, rapid.Bool().Draw(t, "keep"), false, 0)
			case 1:
				x.Hold(slot())
			case 2:
				if at := slot(); x.At(at).Owned() && !x.At(at).Ready() {
					x.Serve(at)
				}
			case 3:
				if at := slot(); x.At(at).Held() && !x.At(at).Owned() {
					x.Release([]wire.SlotRange{{First: uint32(at), Count: 1}})
					if s := x.At(at); !s.Blank() || s.Held() || s.Released() != x.Revision() {
						t.Fatalf("after its release the slot has %+v", s)
					}
				}
			case 4:
				if at := slot(); x.At(at).Held() {
					x.Put(keyIn(at), item(3), nil, 1)
					x.Remove(at, version.ItemHash(keyIn(at), item(3)), 2)
					if x.Revision() == before || x.At(at).Written() != 2 || x.At(at).Sum().Count != 0 {
						t.Fatal("a change is none")
					}
				}
			case 5:
				if at := slot(); x.At(at).Held() && !x.At(at).Owned() {
					x.CountOwners()
					x.At(at).AwaitOwner()
				}
			case 6:
				at := slot()
				x.Grow(at, draw.Vector.Draw(t, "vector"), 0, false)
				x.apply()
			}
			held, owned, unready := 0, 0, 0
			for i := range x.Len() {
				s := x.At(hashing.Slot(i))
				if s.Owned() && !s.Held() {
					t.Fatalf("slot %d is owned and not held", i)
				}
				if s.Held() {
					held++
				}
				if s.Owned() {
					owned++
				}
				if s.Owned() && !s.Ready() {
					unready++
				}
			}
			if x.Held() != held || x.Owned() != owned || x.Unready() != unready || x.ForOthers() != (held > owned) {
				t.Fatalf("counted are %d, %d and %d; there are %d, %d and %d", x.Held(), x.Owned(), x.Unready(), held, owned, unready)
			}
		}
	})
}

// TestASlotIsReleasableWhenAllOwnersHaveItAsItIs is I25.
func TestASlotIsReleasableWhenAllOwnersHaveItAsItIs(t *testing.T) {
	x := table(nil, 0, false)
	x.Hold(1)
	x.Hold(2)
	x.Put(keyIn(1), item(1), nil, 1)
	if !Uncounted(x) {
		t.Error("a slot of others is not to be handed off")
	}
	if blank := x.CountOwners(); !slices.Equal(blank, []hashing.Slot{2}) || !x.At(2).Releasable() || x.At(1).Releasable() {
		t.Errorf("blank are %v", blank)
	}
	x.At(1).AwaitOwner()
	x.At(1).AwaitOwner()
	if Uncounted(x) || x.At(1).OwnerHas() || x.At(1).Releasable() {
		t.Error("one of two owners is enough")
	}
	if !x.At(1).OwnerHas() || !x.At(1).Releasable() || x.At(1).OwnerHas() {
		t.Error("both owners have it, and that is not enough, or is so twice")
	}
	x.Put(keyIn(1), item(2), item(1), 2)
	if x.At(1).Releasable() || !Uncounted(x) || x.At(1).OwnerHas() {
		t.Error("the slot has changed, and the owners need not have that")
	}
}

func TestWhatIsKeptAsideIsMergedBeforeASlotIsReady(t *testing.T) {
	x := table(nil, 1, false)
	for n := range uint64(3) {
		x.Keep(keyIn(0), item(n+1))
	}
	if x.AsideBytes() == 0 || x.At(0).Apart("k") != 3 || x.At(0).Apart("other") != 0 {
		t.Errorf("%d bytes are kept, up to counter %d", x.AsideBytes(), x.At(0).Apart("k"))
	}
	items, ok := x.TakeAside(0)
	if !ok || len(items) != 3 || x.AsideBytes() != 0 || !x.At(0).Merging() {
		t.Fatalf("taken are %d items, %d bytes stay", len(items), x.AsideBytes())
	}
	x.Keep(keyIn(0), item(7))
	if x.At(0).Apart("k") != 7 {
		t.Error("what comes during the merge does not count")
	}
	if _, again := x.TakeAside(0); again {
		t.Error("two merges at a time")
	}
	for i := 1; i <= 3; i++ {
		if last := x.At(0).Merged(); last != (i == 3) {
			t.Errorf("merged item %d of 3: it is the last: %v", i, last)
		}
	}
	if !x.At(0).EndMerging() {
		t.Error("it is not owned any more")
	}
	if items, ok := x.TakeAside(0); !ok || len(items) != 1 {
		t.Errorf("of what came meanwhile %d items are taken", len(items))
	}
	x.EndStreams()
	if x.At(0).Merging() || x.At(0).Apart("k") != 0 {
		t.Error("the view has ended, and something is kept aside")
	}
	x.Serve(0)
	if _, ok := x.TakeAside(0); ok {
		t.Error("a slot that is ready is made ready")
	}
	if _, ok := x.TakeAside(5); ok {
		t.Error("a slot of others is made ready")
	}
}

// TestWhatIsTakenAwayElsewhereDoesNotAgeItems removes an item of one slot. Items of other slots are
// still of the K that an earlier digest told.
func TestWhatIsTakenAwayElsewhereDoesNotAgeItems(t *testing.T) {
	const gone = 3
	for name, remove := range map[string]func(x *Table){
		"an item":  func(x *Table) { x.Remove(gone, version.ItemHash(keyIn(gone), item(1)), 2) },
		"the slot": func(x *Table) { x.Release([]wire.SlotRange{{First: gone, Count: 1}}) },
	} {
		x := table(nil, 0, false)
		x.Hold(gone)
		x.Put(keyIn(gone), item(1), nil, 1)
		told := x.Revision()
		remove(x)
		for _, c := range []struct {
			list  []wire.SlotRange
			first hashing.Slot
			aged  bool
		}{
			{[]wire.SlotRange{{First: 0, Count: 8}}, 0, true},
			{[]wire.SlotRange{{First: 0, Count: 8}}, gone, true},
			{[]wire.SlotRange{{First: 0, Count: 8}}, gone + 1, false},
			{[]wire.SlotRange{{First: 0, Count: gone}, {First: gone + 1, Count: 2}}, 0, false},
		} {
			if aged := LastRemoval(x, c.list, c.first) > told; aged != c.aged {
				t.Errorf("%s: slots %v, from %d: aged %v, want %v", name, c.list, c.first, aged, c.aged)
			}
		}
	}
}

func TestAVectorWithoutNewsIsNotWritten(t *testing.T) {
	x := table(nil, 1, false)
	absorb := func(v wire.Vector, gc uint64, ready bool) bool {
		return x.Absorb(0, v, gc, ready, 2, &version.Joiner{})
	}
	absorb(at(4), 3, false)
	x.apply()
	for name, c := range map[string]struct {
		v     wire.Vector
		gc    uint64
		ready bool
		news  bool
	}{
		"less":              {at(3), 0, false, false},
		"the same":          {at(4), 3, false, false},
		"a GC counter":      {at(4), 4, false, true},
		"a position":        {at(5), 0, false, true},
		"a node that knows": {at(1), 0, true, true},
	} {
		if !absorb(c.v, c.gc, c.ready) {
			t.Errorf("%s: refused", name)
		}
		if g := x.TakeGrowth(); (g != nil) != c.news {
			t.Errorf("%s: written %t", name, g != nil)
		}
	}
	absorb(at(4), 0, true)
	if ready := x.apply(); !slices.Equal(ready, []hashing.Slot{0}) {
		t.Errorf("ready by what a ready node has: %v", ready)
	}
	large := wire.Vector{{Stream: wire.Stream{Node: 1}, N: 1}, {Stream: wire.Stream{Node: 7}, N: 1}}
	if absorb(large, 9, true) || len(x.At(0).Known()) != 1 {
		t.Error("K gets more positions than it may have")
	}
	if ready := x.apply(); len(ready) > 0 || x.At(0).GCCounter() != 9 {
		t.Errorf("beyond the bound of K the GC counter is %d, and ready are %v", x.At(0).GCCounter(), ready)
	}
}

// TestSumsOfGroupsFindTheSlotsThatDiffer compares two nodes by the answer of one.
func TestSumsOfGroupsFindTheSlotsThatDiffer(t *testing.T) {
	const space = 10 // eight slots a group
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(space, &streams{}, nil), New(space, &streams{}, nil)
		list := Ranges(slices.Values(slotsGen(space).Draw(t, "list")))
		for _, s := range slotsGen(space).Draw(t, "both") {
			a.Put(uint64(s)<<54, item(1), nil, 1)
			b.Put(uint64(s)<<54, item(1), nil, 1)
		}
		for _, s := range slotsGen(space).Draw(t, "one") {
			b.Put(uint64(s)<<54, item(2), nil, 1)
		}
		sums := ReadSums(space, Differing(&b, list, GroupSums(&a, list)))
		for s := range Each(list) {
			theirs, differs := sums.Next(s)
			if differs && theirs != b.At(s).Sum() {
				t.Fatalf("slot %d: sum %v, want %v", s, theirs, b.At(s).Sum())
			}
			if !differs && a.At(s).Sum() != b.At(s).Sum() {
				t.Fatalf("slot %d differs, and its group does not", s)
			}
		}
	})
}
