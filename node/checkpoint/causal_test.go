package checkpoint

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func stream(n ids.Node) wire.Stream { return wire.Stream{View: ids.View{Number: 1}, Node: n} }

func at(n ids.Node, position uint64) wire.Vector {
	return wire.Vector{{Stream: stream(n), N: position}}
}

func holdings(v wire.Vector, runs ...wire.HeldSlots) *wire.Holdings {
	return &wire.Holdings{Vectors: []wire.Vector{v}, Held: runs}
}

func run(first, count uint32) wire.HeldSlots {
	return wire.HeldSlots{Slots: wire.SlotRange{First: first, Count: count}}
}

// after is what a checkpoint has after some writes.
func after(t *testing.T, writes ...wire.CausalWrite) wire.StoredCausal {
	t.Helper()
	s := New(standard)
	for i := range writes {
		if _, err := s.Write(&wire.Write{Kind: wire.WriteCausal, Causal: &writes[i]}, 0); err != nil {
			t.Fatal(err)
		}
	}
	data := s.Append(nil, 1)
	read, _, err := Decode(standard, data)
	if err != nil {
		t.Fatal(err)
	}
	if again := read.Append(nil, 1); !bytes.Equal(data, again) {
		t.Errorf("written, read and written again: %x, was %x", again, data)
	}
	return s.Recovered().Causal.StoredCausal
}

func TestKnowledgeIsThatOfTheLastWriteOfEachSlot(t *testing.T) {
	ready := run(5, 1)
	ready.Ready, ready.GCCounter = true, 7
	got := after(t,
		wire.CausalWrite{Known: holdings(at(1, 3), run(0, 16))},
		wire.CausalWrite{Known: holdings(at(1, 4), ready)},
		wire.CausalWrite{Free: []wire.HashRange{{First: 8 << 60, Last: 10<<60 - 1}}}, // slots 8 and 9 of 16
		wire.CausalWrite{Free: []wire.HashRange{{First: 15 << 60, Last: math.MaxUint64}}, Known: holdings(at(1, 3), run(15, 1))},
	)
	ready.Vector = 1
	want := wire.Holdings{Vectors: []wire.Vector{at(1, 3), at(1, 4)}, Held: []wire.HeldSlots{run(0, 5), ready, run(6, 2), run(10, 6)}}
	if d := cmp.Diff(want, got.Known); d != "" {
		t.Error(d)
	}
}

func TestPositionsOfStreamsBeginAnewWithNewStreams(t *testing.T) {
	both := append(at(1, 9), at(2, 1)...)
	got := after(t, wire.CausalWrite{Live: append(at(2, 1), at(1, 9)...)}, wire.CausalWrite{Live: at(1, 8)})
	if d := cmp.Diff(both, got.Live); d != "" {
		t.Error(d)
	}
	got = after(t, wire.CausalWrite{Live: both}, wire.CausalWrite{NewStreams: true, Live: at(3, 2)})
	if d := cmp.Diff(at(3, 2), got.Live); d != "" {
		t.Error(d)
	}
}

func TestFormerMembersViewsAndTheGCCounterAreTheNewestOnes(t *testing.T) {
	one, cut := wire.KnownView{ID: ids.View{Number: 1}}, wire.KnownView{ID: ids.View{Number: 1}, HasStableCut: true, StableCut: at(1, 1)}
	two := wire.KnownView{ID: ids.View{Number: 2}}
	got := after(t,
		wire.CausalWrite{AlumniSet: true, Alumni: []wire.Member{{ID: 1}}, Views: []wire.KnownView{one, two}, GCCounter: 5},
		wire.CausalWrite{Views: []wire.KnownView{cut}},
	)
	if d := cmp.Diff([]wire.Member{{ID: 1}}, got.Former) + cmp.Diff([]wire.KnownView{cut, two}, got.Views); d != "" || got.GCCounter != 5 {
		t.Errorf("GC counter %d; %s", got.GCCounter, d)
	}
	if got = after(t, wire.CausalWrite{AlumniSet: true, Alumni: []wire.Member{{ID: 1}}}, wire.CausalWrite{AlumniSet: true}); len(got.Former) != 0 {
		t.Errorf("former members %v", got.Former)
	}
}

func TestResultsGoWhenTheirWritesAreFinished(t *testing.T) {
	result := func(node ids.Node, counter uint64) wire.AppliedWrite {
		return wire.AppliedWrite{ID: ids.Request{Node: node, Counter: counter}, Hash: counter, Existed: true}
	}
	finished := func(node ids.Node, below uint64) wire.FinishedWrites {
		return wire.FinishedWrites{Forwarder: wire.NodeBoot{Node: node}, Below: below}
	}
	got := after(t,
		wire.CausalWrite{Applied: []wire.AppliedWrite{result(1, 1), result(1, 2), result(2, 5), result(3, 1)}},
		wire.CausalWrite{Applied: []wire.AppliedWrite{result(1, 3)}, Finished: []wire.FinishedWrites{finished(1, 2), finished(3, math.MaxUint64)}},
	)
	if d := cmp.Diff([]wire.AppliedWrite{result(2, 5), result(1, 2), result(1, 3)}, got.Applied); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]wire.FinishedWrites{finished(1, 2)}, got.Finished); d != "" {
		t.Error(d)
	}
}

func TestEqualVectorsOfSlotsAreOneInACheckpoint(t *testing.T) {
	var writes []wire.CausalWrite
	for i := range uint32(16) {
		writes = append(writes, wire.CausalWrite{Known: holdings(at(1, 1+uint64(i%2)), run(i, 1))})
	}
	if got := after(t, writes...); len(got.Known.Vectors) != 2 || len(got.Known.Held) != 16 {
		t.Errorf("%d vectors, %d runs", len(got.Known.Vectors), len(got.Known.Held))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(New(standard).Append(nil, 1))
	s := New(standard)
	for _, w := range []wire.Write{
		{Kind: wire.WriteMeta, Meta: &wire.NodeMeta{Inc: 1, Present: true}},
		{Kind: wire.WriteStaged, Fresh: true, Members: []wire.Member{{ID: 1}}},
		{Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Known: holdings(at(1, 3), run(0, 16)), Live: at(2, 2), Views: []wire.KnownView{{}}}},
	} {
		if _, err := s.Write(&w, 1); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(s.Append(nil, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, at, err := Decode(standard, data)
		if err != nil {
			return
		}
		data = s.Append(nil, at)
		again, _, err := Decode(standard, data)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if d := cmp.Diff(s.Recovered(), again.Recovered(), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("read, written and read again (-first +second):\n%s", d)
		}
	})
}
