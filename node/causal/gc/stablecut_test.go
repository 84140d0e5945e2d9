package gc

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestTheNextStepToAStableCut(t *testing.T) {
	none := &wire.KnownView{}
	cut := &wire.KnownView{HasStableCut: true, StableCut: at(3)}
	other := &wire.KnownView{HasStableCut: true, StableCut: at(4)}
	knows := func(v *wire.KnownView) *wire.Digest { return &wire.Digest{StableCut: CutSum(v)} }
	for _, c := range []struct {
		name    string
		known   *wire.KnownView
		others  []*wire.Digest // of nodes 1, 2
		step    CutStep
		unknown []ids.Node
	}{
		{"no node knows one", none, []*wire.Digest{knows(none), knows(none)}, CutMake, nil},
		{"a member is unsynced", none, []*wire.Digest{knows(none), unsynced(knows(none))}, CutWait, nil},
		{"this node has lost it", none, []*wire.Digest{knows(none), knows(cut)}, CutWait, []ids.Node{2}},
		{"this node has lost one of two", none, []*wire.Digest{knows(other), knows(cut)}, CutWait, []ids.Node{1, 2}},
		{"one member does not know it", cut, []*wire.Digest{knows(cut), knows(none)}, CutPublish, nil},
		{"all know it", cut, []*wire.Digest{knows(cut), knows(cut)}, CutCommon, nil},
		{"all know it, and one is unsynced", cut, []*wire.Digest{knows(cut), unsynced(knows(cut))}, CutWait, nil},
		{"a member knows another one", cut, []*wire.Digest{knows(cut), knows(other)}, CutWait, nil},
		{"it is the only member", cut, nil, CutCommon, nil},
	} {
		answers := Answers{0: knows(c.known)}
		for i, d := range c.others {
			answers[ids.Node(i+1)] = d
		}
		step, unknown := NextCutStep(c.known, 0, answers)
		if step != c.step || !slices.Equal(unknown, c.unknown) {
			t.Errorf("%s: step %d, asked are %v; want %d, %v", c.name, step, unknown, c.step, c.unknown)
		}
	}
	if step, unknown := NextCutStep(none, 0, nil); step != CutWait || unknown != nil {
		t.Errorf("after a failed survey: step %d, asked are %v", step, unknown)
	}
}

func TestDifferentCutsHaveDifferentFingerprints(t *testing.T) {
	seen := map[uint64]int{}
	for i, v := range []wire.KnownView{
		{}, {HasStableCut: true}, {HasStableCut: true, StableCut: at(1)}, {HasStableCut: true, StableCut: at(2)},
		{HasStableCut: true, StableCut: at(0, 1)}, {HasStableCut: true, StableCut: at(1, 1)},
	} {
		sum := CutSum(&v)
		if j, twice := seen[sum]; twice || (sum == 0) != (i == 0) {
			t.Errorf("cut %d has the fingerprint %d of cut %d", i, sum, j)
		}
		seen[sum] = i
	}
}

// TestAStableCutIsWhatEveryReplicaHasOfWhatConcernsIt: the number of a stream in a cut is the largest
// one that every member has in each slot that the member owns and the stream concerns.
func TestAStableCutIsWhatEveryReplicaHasOfWhatConcernsIt(t *testing.T) {
	const members, slots = 3, 4
	rapid.Check(t, func(t *rapid.T) {
		owner := func(slot hashing.Slot) ids.Node { return ids.Node(slot) % 2 } // nodes 0 and 1 own slots; node 2 owns those of node 1, too
		owned := func(id ids.Node) (list []hashing.Slot) {
			for s := range hashing.Slot(slots) {
				if owner(s) == min(id, 1) {
					list = append(list, s)
				}
			}
			return list
		}
		concerns := func(s wire.Stream, slot hashing.Slot) bool { return min(s.Node, 1) == owner(slot) }
		answers, largest := Answers{}, uint64(0)
		for id := range ids.Node(members) {
			d := &wire.Digest{}
			for i, s := range owned(id) {
				v := at(rapid.SliceOfN(rapid.Uint64Range(0, 3), members, members).Draw(t, "numbers")...)
				d.Held.Vectors = append(d.Held.Vectors, v)
				d.Held.Held = append(d.Held.Held, wire.HeldSlots{Slots: wire.SlotRange{First: uint32(s), Count: 1}, Vector: uint32(i)})
				for _, p := range v {
					largest = max(largest, p.N)
				}
			}
			answers[id] = d
		}
		cut := Least(answers, owned, concerns)
		for node := range ids.Node(members) {
			id := stream(node)
			want, met := largest, false
			for member, d := range answers {
				for _, s := range owned(member) {
					k, _ := held(d, s)
					met = met || k.At(id) > 0
					if concerns(id, s) {
						want = min(want, k.At(id))
					}
				}
			}
			if met && cut.At(id) != want || !met && cut.At(id) != 0 {
				t.Fatalf("node %d's stream is at %d, want %d", node, cut.At(id), want)
			}
		}
		if !slices.IsSortedFunc(cut, func(a, b wire.Position) int { return a.Stream.Compare(b.Stream) }) {
			t.Fatalf("%v is no vector", cut)
		}
	})
}
