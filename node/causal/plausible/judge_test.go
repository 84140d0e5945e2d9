package plausible

import (
	"math"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// written are the streams of a node that has written up to 9 in the present one and up to 5 in the
// one before.
type written struct{}

func stream(view uint64) wire.Stream {
	return wire.Stream{View: ids.View{Number: view}, Node: 1, Boot: 7}
}

func (written) ID() wire.Stream { return stream(2) }
func (written) Last() uint64    { return 9 }
func (written) LastOf(s *wire.Stream) uint64 {
	switch *s {
	case stream(2):
		return 9
	case stream(1):
		return 5
	}
	return math.MaxUint64
}

func judge() Judge { return New(1<<41, wire.NodeBoot{Node: 1, Boot: 7}, written{}, 8) }

func TestAContextNamesNoWritesThatThisNodeHasNotMade(t *testing.T) {
	j := judge()
	other := stream(1)
	other.Node = 2
	for _, c := range []struct {
		at   wire.Position
		want bool
	}{
		{wire.Position{Stream: stream(2), N: 9}, true}, {wire.Position{Stream: stream(2), N: 10}, false},
		{wire.Position{Stream: stream(1), N: 5}, true}, {wire.Position{Stream: stream(1), N: 6}, false},
		{wire.Position{Stream: stream(8), N: 6}, true}, // not remembered, or never written
		{wire.Position{Stream: other, N: 99}, true},
	} {
		vector := wire.Context{Vector: wire.Vector{c.at}}
		exact := wire.Context{Exact: []wire.Dependency{{Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot(c.at)}}}}
		if j.Context(&vector, 0) != c.want || j.Context(&exact, 0) != c.want {
			t.Errorf("%v: want %t", c.at, c.want)
		}
	}
}

func TestThereIsOneWriteAMicrosecondAtMost(t *testing.T) {
	j := judge()
	most := uint64(1<<41 + 1_000_000)
	for _, c := range []struct {
		n    uint64
		want bool
	}{{most, true}, {most + 1, false}} {
		if got := j.Context(&wire.Context{Ceil: c.n}, wire.Second); got != c.want {
			t.Errorf("%d: %t", c.n, got)
		}
	}
	ahead := most + peerMargin
	if !j.Credible(&wire.DigestRequest{Collecting: ahead}, wire.Second) || j.Credible(&wire.DigestRequest{Collecting: ahead + 1}, wire.Second) {
		t.Error("a peer's clock may be as far ahead as the margin, and no further")
	}
}

// TestEachRuleOfMessagesRefusesWhatBreaksIt has, for each rule, one message that breaks it and one
// that keeps it.
func TestEachRuleOfMessagesRefusesWhatBreaksIt(t *testing.T) {
	j := judge()
	most := j.Most(0) + peerMargin
	version := wire.CausalVersion{Counter: 1, Dot: wire.Dot{Stream: wire.Stream{Node: 3}, N: 1}}
	item := wire.Item{Key: "a", Version: version}
	sorted := []wire.Item{item, {Key: "b", Version: version}}
	if hashing.Hash("a") > hashing.Hash("b") {
		sorted[0], sorted[1] = sorted[1], sorted[0]
	}
	at := func(n uint64) wire.Vector { return wire.Vector{{Stream: wire.Stream{Node: 3}, N: n}} }
	own := func(n uint64) wire.Vector { return wire.Vector{{Stream: stream(2), N: n}} }
	held := func(v wire.Vector, runs ...wire.HeldSlots) *wire.Digest {
		return &wire.Digest{Held: wire.Holdings{Vectors: []wire.Vector{v}, Held: runs}}
	}
	run := func(first, count, vector uint32) wire.HeldSlots {
		return wire.HeldSlots{Slots: wire.SlotRange{First: first, Count: count}, Vector: vector}
	}
	ranges := func(list ...uint32) (r []wire.SlotRange) {
		for i := 0; i < len(list); i += 2 {
			r = append(r, wire.SlotRange{First: list[i], Count: list[i+1]})
		}
		return r
	}
	groups := func(list ...uint32) *wire.Digest {
		d := &wire.Digest{}
		for _, g := range list {
			d.Groups = append(d.Groups, wire.GroupSums{Group: g})
		}
		return d
	}
	for _, c := range []struct {
		name      string
		good, bad wire.Message
	}{
		{"numbers", &wire.BatchAck{N: most}, &wire.BatchAck{N: most + 1}},
		{"keys", &wire.Batch{Items: []wire.Item{item}}, &wire.Batch{Items: []wire.Item{{Version: version}}}},
		{"versions", &wire.Batch{Items: []wire.Item{item}}, &wire.Batch{Items: []wire.Item{{Key: "a"}}}},
		{"order of items", &wire.Items{Items: sorted}, &wire.Items{Items: []wire.Item{sorted[1], sorted[0]}}},
		{"GC counters", &wire.Items{GCCounters: []wire.SlotGCCounter{{Slot: 1}, {Slot: 7}}}, &wire.Items{GCCounters: []wire.SlotGCCounter{{Slot: 7}, {Slot: 1}}}},
		{"GC counters of slots", &wire.Items{GCCounters: []wire.SlotGCCounter{{Slot: 7}}}, &wire.Items{GCCounters: []wire.SlotGCCounter{{Slot: 8}}}},
		{"ranges", &wire.FetchItems{Slots: ranges(0, 2, 2, 1)}, &wire.FetchItems{Slots: ranges(0, 2, 1, 1)}},
		{"empty ranges", &wire.FetchItems{Slots: ranges(0, 1)}, &wire.FetchItems{Slots: ranges(0, 0)}},
		{"revisions", &wire.Handoff{Revision: maxCount}, &wire.Handoff{Revision: maxCount + 1}},
		{"lowest open counters", &wire.CausalForward{Counter: 3, LowestOpen: 3}, &wire.CausalForward{Counter: 3, LowestOpen: 4}},
		{"vectors", held(at(1)), held(append(at(1), at(2)...))},
		{"zero positions", held(at(1)), held(at(0))},
		{"own writes", held(own(9)), held(own(10))},
		{"runs", held(nil, run(0, 2, 0), run(2, 1, 0)), held(nil, run(0, 2, 0), run(1, 1, 0))},
		{"vectors of runs", held(nil, run(0, 1, 0)), held(nil, run(0, 1, 1))},
		{"groups", groups(1, 2), groups(2, 1)},
		{"answers about a key", &wire.KeyReply{Key: "a", Held: true, Present: true, Item: item}, &wire.KeyReply{Key: "b", Held: true, Present: true, Item: item}},
		{"answers of holders", &wire.KeyReply{Held: true, Ready: true}, &wire.KeyReply{Ready: true}},
		{"lists", &wire.CausalForwardCancel{Counters: make([]uint64, maxCounters)}, &wire.CausalForwardCancel{Counters: make([]uint64, maxCounters+1)}},
		{"layouts", &wire.ViewInfo{Views: []wire.KnownView{{Layout: wire.Layout{Shards: make([]wire.Shard, maxLayout)}}}}, &wire.ViewInfo{Views: []wire.KnownView{{Layout: wire.Layout{Shards: make([]wire.Shard, maxLayout+1)}}}}},
		{"stable cuts", &wire.ViewInfo{Views: []wire.KnownView{{StableCut: own(9)}}}, &wire.ViewInfo{Views: []wire.KnownView{{StableCut: own(10)}}}},
	} {
		if why := j.Flaw(c.good, 0); why != "" {
			t.Errorf("%s: refused is what keeps the rule: %s", c.name, why)
		}
		if j.Flaw(c.bad, 0) == "" {
			t.Errorf("%s: taken is %+v", c.name, c.bad)
		}
	}
}
