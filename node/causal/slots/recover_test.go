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

// logged is what a log has of slots, summed up.
type logged map[hashing.Slot]wire.HeldSlots

// write takes in holdings that are persisted. Vectors goes with the log.
func (l logged) write(h *wire.Holdings, vectors *[]wire.Vector) {
	if h == nil {
		return
	}
	for _, run := range h.Held {
		for at := range Each([]wire.SlotRange{run.Slots}) {
			*vectors = append(*vectors, h.Vectors[run.Vector])
			l[at] = wire.HeldSlots{
				Slots:  wire.SlotRange{First: uint32(at), Count: 1},
				Vector: uint32(len(*vectors) - 1), Ready: run.Ready, GCCounter: run.GCCounter,
			}
		}
	}
}

func (l logged) holdings(vectors []wire.Vector) *wire.Holdings {
	h := &wire.Holdings{Vectors: vectors}
	for _, run := range l { //maporder:ok in any order
		h.Held = append(h.Held, run)
	}
	return h
}

// TestALogHasWhatATableKnows changes slots in random order and recovers another table from what was
// taken to be persisted. It has the same slots, readiness and GC counters. Its K is that of the
// first one, as it is when all writes are durable.
func TestALogHasWhatATableKnows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own := wire.Stream{View: ids.View{Number: 1}, Node: 1, Boot: 1}
		s := &streams{}
		x := New(3, s, nil)
		log, vectors := logged{}, []wire.Vector(nil)
		owned := 0
		owns := func(at hashing.Slot) bool { return owned>>at&1 == 1 }
		slot := func() hashing.Slot { return hashing.Slot(rapid.IntRange(0, 7).Draw(t, "slot")) }
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			at := slot()
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0:
				x.EndStreams()
				*s = streams{}
				owned = rapid.IntRange(0, 255).Draw(t, "owned")
				x.Assign(owns, rapid.Bool().Draw(t, "keep"), rapid.Bool().Draw(t, "first"), 5)
			case 1:
				x.Hold(at)
			case 2:
				if x.At(at).Owned() && !x.At(at).Ready() {
					x.Serve(at)
				}
			case 3:
				if x.At(at).Held() && !x.At(at).Owned() {
					x.Release([]wire.SlotRange{{First: uint32(at), Count: 1}})
					delete(log, at)
				}
			case 4:
				x.RaiseGCCounter(at, rapid.Uint64Range(0, 20).Draw(t, "counter"))
			case 5:
				if x.At(at).Held() {
					x.Grow(at, version.Join(x.At(at).Known(), draw.Vector.Draw(t, "vector")), 0, false)
				}
			case 6:
				x.apply()
			case 7:
				s.written = version.Extend(s.written, stream, rapid.Uint64Range(1, 9).Draw(t, "track"))
				s.own = version.Extend(s.own, own, rapid.Uint64Range(1, 9).Draw(t, "own"))
			}
			log.write(x.TakeUnwritten(), &vectors)
		}
		y := New(3, &streams{}, nil)
		y.Recover(log.holdings(vectors))
		y.Assign(owns, true, false, 0)
		y.Fold(s.own, version.Join(s.own, s.written))
		for i := range x.Len() {
			a, b := x.At(hashing.Slot(i)), y.At(hashing.Slot(i))
			if a.Held() != b.Held() || a.Owned() != b.Owned() || a.Held() && (a.Ready() != b.Ready() || a.GCCounter() != b.GCCounter()) {
				t.Fatalf("slot %d is %+v, and the log has %+v", i, a, b)
			}
			if want := version.Join(x.vector(a, &version.Joiner{}), a.pending); a.Held() && !slices.Equal(b.Known(), want) {
				t.Fatalf("K of slot %d is %v, and the log has %v", i, want, b.Known())
			}
		}
	})
}

// TestASlotIsDurablyReadyWhenItIsReady: durable positions of tracks cover the items that are kept
// aside, and those are in memory only (I15).
func TestASlotIsDurablyReadyWhenItIsReady(t *testing.T) {
	x := table(nil, 1, false)
	x.TakeUnwritten()
	x.Keep(keyIn(0), item(1))
	x.Grow(0, at(5), 0, true)
	if h := x.TakeUnwritten(); h == nil || h.Held[0].Ready {
		t.Errorf("written when its K grows: %+v", h)
	}
	if items, ok := x.TakeAside(0); !ok || len(items) != 1 {
		t.Fatal("nothing was kept aside")
	}
	if h := x.TakeUnwritten(); h != nil {
		t.Errorf("written while what was kept aside is merged: %+v", h)
	}
	x.At(0).Merged()
	x.At(0).EndMerging()
	x.Serve(0)
	if h := x.TakeUnwritten(); h == nil || !h.Held[0].Ready {
		t.Errorf("written when it is ready: %+v", h)
	}
}

func TestASlotOfWhichTheLogHasAnItemOnlyIsHeld(t *testing.T) {
	x := New(3, &streams{}, nil)
	if got := x.RecoverItem(keyIn(6), item(2)); got != 6 || !x.Stored() {
		t.Errorf("the item is in slot %d", got)
	}
	x.Assign(func(at hashing.Slot) bool { return at == 6 }, true, false, 0)
	if s := x.At(6); !s.Held() || s.Ready() || s.Blank() || len(s.Known()) > 0 || s.Sum().Count != 1 {
		t.Errorf("the slot is %+v", s)
	}
}
