package items

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/causal/gc"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// noStreams are the streams of a node that has written nothing.
type noStreams struct{}

func (noStreams) Durable(wire.Stream, uint64, bool) bool { return false }
func (noStreams) Got(wire.Stream, uint64) bool           { return false }
func (noStreams) Vector(bool) wire.Vector                { return nil }

// node is a node that can merge items. It notes what was remembered and dropped.
type node struct {
	*Items
	remembered int
	gone       []string
}

func (n *node) Remember(*wire.Item, bool, bool) { n.remembered++ }

func bare() *node {
	n := &node{}
	t := slots.New(3, noStreams{}, func(wire.Stream) bool { return false })
	s := step.New(wire.NodeBoot{Node: 0, Boot: 1}, &core.Outbox{})
	n.Items = New(s, &t, &gc.Collector{}, n, func(key string) { n.gone = append(n.gone, key) }, 1<<20)
	return n
}

// know makes durable K of the slot of a key a vector.
func (n *node) know(key string, v wire.Vector) {
	at := n.slots.Space().Slot(hashing.Hash(key))
	n.slots.Hold(at)
	n.slots.Grow(at, v, 0, false)
	n.slots.Apply(n.slots.TakeGrowth(), func(hashing.Slot) {})
}

var stream = wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}

func item(counter, n uint64) *wire.Item {
	return &wire.Item{Key: "k", Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: stream, N: n}}}
}

// versionsGen makes versions of one key, no two under one dot (I16).
var versionsGen = rapid.SliceOfNDistinct(draw.Version, 1, 8, func(v wire.CausalVersion) wire.Dot { return v.Dot })

// TestMergingGivesOneWinnerInAnyOrderAndHoweverOften: replicas that got the same items, in any
// order and any number of times, hold the same item and have the same sum (I18).
func TestMergingGivesOneWinnerInAnyOrderAndHoweverOften(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := versionsGen.Draw(t, "versions")
		winner := versions[0]
		for _, v := range versions {
			if v.Compare(winner) > 0 {
				winner = v
			}
		}
		deleted := rapid.Uint64().Draw(t, "deleted") // one bit for each version
		var sum wire.Sum
		for replica := range uint64(3) {
			n := bare()
			order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), replica)).Perm(2 * len(versions))
			for _, i := range order {
				i %= len(versions) // each version comes twice
				n.Merge(&wire.Item{Key: "k", Version: versions[i], Deleted: deleted>>i&1 == 1}, nil)
			}
			held := n.Current("k", nil)
			if held == nil || held.Version != winner {
				t.Fatalf("%v should win, not %+v", winner, held)
			}
			s := n.slots.Of(hashing.Hash("k")).Sum()
			if replica > 0 && s != sum || s.Count != 1 {
				t.Fatalf("sum %v, and at another replica %v", s, sum)
			}
			sum = s
		}
	})
}

// TestWhatIsCoveredAndNotThereWasDeleted: a version that K covers and that is not stored must not
// come back (I19).
func TestWhatIsCoveredAndNotThereWasDeleted(t *testing.T) {
	n := bare()
	n.know("k", wire.Vector{{Stream: stream, N: 5}})
	for _, c := range []struct {
		name       string
		counter, n uint64
		taken      bool
	}{
		{"covered", 9, 5, false},
		{"not covered", 1, 6, true},
		{"covered, over what is less than it", 2, 4, false},
		{"larger, and not covered", 2, 7, true},
	} {
		if got := n.Merge(item(c.counter, c.n), nil); got != c.taken {
			t.Errorf("%s: taken %t", c.name, got)
		}
	}
	if n.remembered != 4 {
		t.Errorf("the results of %d writes are remembered", n.remembered)
	}
}

// TestOfTwoContentsOfOneVersionAllKeepTheSame is docs/causal.md §5, rules 6 to 9.
func TestOfTwoContentsOfOneVersionAllKeepTheSame(t *testing.T) {
	a, b, c := item(1, 1), item(1, 1), item(2, 1)
	a.Value, b.Value = []byte("a"), []byte("b")
	kept := func(first, second *wire.Item) (*wire.Item, int) {
		n := bare()
		n.Merge(first, nil)
		n.Merge(second, nil)
		return n.Current("k", nil), len(n.step.Output().Events)
	}
	ab, told := kept(a, b)
	ba, _ := kept(b, a)
	if string(ab.Value) != string(ba.Value) || told != 1 {
		t.Errorf("one keeps %s and the other %s; %d events", ab.Value, ba.Value, told)
	}
	if _, told := kept(a, a); told != 0 {
		t.Error("the same item twice is a conflict")
	}
	if x, _ := kept(c, a); x != c {
		t.Errorf("of one dot with two counters the smaller stays: %v", x.Version)
	}
}

func TestARemovalIsPersistedBeforeANewItemOfTheKey(t *testing.T) {
	n := bare()
	n.Merge(item(1, 1), nil)
	n.step.Commit()
	n.know("k", wire.Vector{{Stream: stream, N: 1}})
	at := n.slots.Space().Slot(hashing.Hash("k"))
	n.Remove(at, item(1, 1), version.ItemHash(hashing.Hash("k"), item(1, 1)))
	if n.Current("k", item(1, 1)) != nil || !slices.Equal(n.gone, []string{"k"}) || n.slots.At(at).Sum().Count != 0 {
		t.Error("the item is still there, or nobody was told")
	}
	n.Put(hashing.Hash("k"), item(5, 7), nil)
	n.step.Commit()
	writes := n.step.Output().Writes
	if len(writes) != 3 || len(writes[1].Causal.Drop) != 1 || len(writes[2].Causal.Put) != 1 {
		t.Fatalf("%d writes: %+v", len(writes), writes)
	}
}

func TestItemsThatAReadMayMissStayInTheOverlay(t *testing.T) {
	n := bare()
	var got []*wire.Item
	n.Read("k", func(current *wire.Item) { got = append(got, current) })
	n.Merge(item(3, 3), nil)
	n.BeginStep()
	session := n.step.Output().Reads[0].Session
	n.OnKeyRead(&core.KeyRead{Session: session + 7})
	n.OnKeyRead(&core.KeyRead{Session: session, Stored: item(1, 1)})
	if len(got) != 1 || got[0].Version.Counter != 3 {
		t.Fatalf("read are %v", got)
	}
	if n.BeginStep(); n.Current("k", nil) != nil {
		t.Error("the overlay is kept without a read")
	}
}

func TestAReadOfASlotThatWasReleasedBeginsAgain(t *testing.T) {
	n := bare()
	n.know("k", nil)
	at := n.slots.Space().Slot(hashing.Hash("k"))
	n.Merge(item(1, 1), nil)
	var got []*wire.Item
	n.Read("k", func(current *wire.Item) { got = append(got, current) })
	n.Release([]wire.SlotRange{{First: uint32(at), Count: 1}})
	n.OnKeyRead(&core.KeyRead{Session: n.step.Output().Reads[0].Session, Stored: item(1, 1)})
	if len(got) > 0 || len(n.step.Output().Reads) != 2 {
		t.Fatal("an answer of before the release counts")
	}
	n.OnKeyRead(&core.KeyRead{Session: n.step.Output().Reads[1].Session})
	if len(got) != 1 || got[0] != nil || n.Current("k", item(1, 1)) != nil {
		t.Errorf("read are %v", got)
	}
}

func TestAllItemsOfASlotComeInPieces(t *testing.T) {
	n := bare()
	other := func(key string) wire.Item { return wire.Item{Key: key} }
	var got []string
	n.ReadAll(2, wire.SlotCursor{}, func(items []wire.Item) {
		for i := range items {
			got = append(got, items[i].Key)
		}
	})
	n.OnSlotsRead(&core.SlotsRead{Session: 1, Items: []wire.Item{other("a"), other("b")}})
	if reads := n.step.Output().Reads; n.Pieces() != 1 || reads[1].Cursor.Key != "b" {
		t.Fatalf("then it reads %+v", reads)
	}
	n.OnSlotsRead(&core.SlotsRead{Session: 2, Items: []wire.Item{other("c")}, Last: true})
	if !slices.Equal(got, []string{"a", "b", "c"}) || n.Pieces() != 0 {
		t.Errorf("read are %q", got)
	}
}

func TestAPieceHasWhatWasWrittenSince(t *testing.T) {
	n := bare()
	n.Merge(item(3, 3), nil)
	n.overlay.set("gone", nil)
	got := n.Newest([]wire.Item{*item(1, 1), {Key: "gone"}, {Key: "other"}})
	if len(got) != 2 || got[0].Version.Counter != 3 || got[1].Key != "other" {
		t.Errorf("%+v", got)
	}
}
