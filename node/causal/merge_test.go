package causal

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/draw"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

type noViews struct{}

func (noViews) LeftBehind() bool              { return false }
func (noViews) Silence(ids.Node) wire.Instant { return peers.Silence }
func (noViews) Reach()                        {}

// bare is a Replica without a view that can merge items.
func bare() *Replica {
	return New(Config{Self: 0, Boot: 1, Limits: Limits{Space: 3, Vector: 1}}, &core.Outbox{}, noViews{})
}

// know makes durable K of a slot a vector.
func (r *Replica) know(at hashing.Slot, v wire.Vector) {
	r.slots.Hold(at)
	r.slots.Grow(at, v, 0, false)
	r.slots.Apply(r.slots.TakeGrowth(), func(hashing.Slot) {})
}

// TestACutReferenceTakesThePlaceOfNothingButWhatTheCutHas is I17 for stable-cut references.
func TestACutReferenceTakesThePlaceOfNothingButWhatTheCutHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := bare()
		id := ids.View{Number: 7}
		r.view.Adopt(&wire.View{ID: id}, 0)
		cut := draw.Vector.Draw(t, "cut")
		common := rapid.Bool().Draw(t, "all know it")
		r.catalog.Add(wire.KnownView{ID: id, HasStableCut: true, StableCut: cut, Common: common})
		c := draw.Context.Draw(t, "context")
		got := r.catalog.Compactor(r.cfg.Limits.Vector).Bound(c, len(c.Exact), math.MaxInt)
		left := version.Join(got.Vector, nil)
		if len(got.CutRefs) > len(c.CutRefs) {
			if !common || got.CutRefs[len(got.CutRefs)-1] != id {
				t.Fatalf("names %v", got.CutRefs)
			}
			left = version.Join(left, cut)
		}
		if !version.Within(c.Vector, left) {
			t.Fatalf("%v became %v under the names %v", c.Vector, got.Vector, got.CutRefs)
		}
		if !version.Within(got.Vector, c.Vector) || got.Ceil != c.Ceil || len(got.Exact) != len(c.Exact) {
			t.Fatalf("%+v became %+v", c, got)
		}
	})
}

// TestWhatATombstoneWonOverElsewhereDoesNotOutliveIt: the peer has a tombstone that won over v. The
// tombstone was collected here, so it is not taken. Then a third node brings v, before K grows by
// the peer's K. That K covers v, so v must go (docs/causal.md §6.4, rule 2).
func TestWhatATombstoneWonOverElsewhereDoesNotOutliveIt(t *testing.T) {
	stream := wire.Stream{View: ids.View{Number: 1}, Node: 2, Boot: 3}
	item := func(key string, counter, n uint64) wire.Item {
		return wire.Item{Key: key, Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: stream, N: n}}}
	}
	at := hashing.Space(3).Slot(hashing.Hash("k"))
	tombstone, v := item("k", 9, 1), item("k", 8, 2)
	tombstone.Deleted = true
	for _, c := range []struct {
		name      string
		collected bool // here before the exchange; otherwise while it is under way
	}{{"collected before", true}, {"collected meanwhile", false}} {
		r := bare()
		held := &wire.View{ID: ids.View{Number: 2}, Layout: wire.Layout{Shards: []wire.Shard{{Members: []wire.Member{{ID: 2}}}}}}
		r.view.Adopt(held, 0)
		r.peers.Meet(nil, held)
		r.catalog.Add(wire.KnownView{ID: r.view.ID()})
		p := r.peers.Get(2)
		r.ready.Hold(at)
		if c.collected {
			r.know(at, wire.Vector{{Stream: stream, N: 1}})
		}
		p.Draining.Relay = true // slots of others are asked for, too
		r.exchanges.With(p)
		from, session := wire.Header{From: 2}, r.step.LastSession()
		r.exchanges.OnDigest(from, &wire.Digest{
			Session: session, View: r.view.ID(),
			Held: wire.Holdings{
				Vectors: []wire.Vector{{{Stream: stream, N: 2}}},
				Held:    []wire.HeldSlots{{Slots: wire.SlotRange{First: uint32(at), Count: 1}, GCCounter: 9}},
			},
			Groups: []wire.GroupSums{{Group: uint32(at), Sums: []wire.Sum{{Count: 1}}}}, // not the sum of this node
		})
		r.exchanges.OnItems(from, &wire.Items{Session: session, Items: []wire.Item{tombstone}}, []*wire.Item{nil})
		if !c.collected {
			r.slots.Grow(at, wire.Vector{{Stream: stream, N: 1}}, 0, false)
			r.items.Remove(at, &tombstone, version.ItemHash(hashing.Hash("k"), &tombstone))
		}
		if !r.items.Merge(&v, nil) {
			t.Fatalf("%s: what no K covers was not taken", c.name)
		}
		r.exchanges.OnItems(from, &wire.Items{Session: session, After: wire.SlotCursor{Begun: true, Hash: hashing.Hash("k"), Key: "k"}, Last: true}, nil)
		if r.items.Pieces() != 1 {
			t.Fatalf("%s: nobody looks at what is here", c.name)
		}
		r.items.OnSlotsRead(&core.SlotsRead{Session: r.step.Output().Reads[0].Session, Items: []wire.Item{v}, Last: true})
		if held := r.items.Current("k", &v); held != nil {
			t.Errorf("%s: %v outlives the tombstone that won over it", c.name, held.Version)
		}
	}
}
