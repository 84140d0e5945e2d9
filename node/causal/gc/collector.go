package gc

import (
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times and bounds of collections.
const (
	collectEvery = 5 * wire.Second
	maxBatch     = 10_000 // tombstones that are collected at a time
)

// Tombstone is a tombstone that is stored here.
type Tombstone struct {
	Key      string
	Slot     hashing.Slot
	Version  wire.CausalVersion
	Over     wire.CausalVersion // the version that it deleted, if its dependencies name one
	Deps     wire.Context       // what it depends on, without exact entries
	ItemHash uint64             // its share of the slot's sum
}

// Collector drops tombstones that nobody needs (docs/causal.md §9.3, I19). A tombstone t
// keeps older versions of its key away: they lose against it. Without t, an older version
// v stays away from a replica only if K of the slot there has v's dot, because an item
// that K has is not taken. So t may go when that holds of each v that some node may still
// send. Two surveys show it, one after the other:
//
//  1. Each replica has t, and no other node holds the slot. So no replica writes a v any
//     more. P is all that any replica had: it has the dot of each v that a replica holds
//     or has sent.
//  2. Each replica has P. So each of these v stays away from all of them.
//
// One survey is not enough: a replica that has t may lack the dot of a v which another
// one has sent to it.
type Collector struct {
	Surveyor                              // of the collection that is open
	tombs    map[string]Tombstone         // all that are stored here, by key
	at       wire.Instant                 // of the next try
	batch    []Tombstone                  // of the open collection, by slot and key
	needed   map[hashing.Slot]wire.Vector // in the second round: what each replica must have, for the slots that are left

	// Counter is the GC counter of this node: no tombstone that was collected in any slot,
	// or is about to be, has a larger counter, as far as this node was told. Slots may
	// come here later, when no node that has them can be reached; writes go above it.
	Counter uint64
}

// Note lists a tombstone that was stored, of a key with this hash in a slot.
func (c *Collector) Note(item *wire.Item, hash uint64, at hashing.Slot) {
	if c.tombs == nil {
		c.tombs = map[string]Tombstone{}
	}
	key := strings.Clone(item.Key) // the message that brought it need not stay
	d := &item.Deps
	c.tombs[key] = Tombstone{
		Key: key, Slot: at, Version: item.Version, Over: version.Named(d, hash), ItemHash: version.ItemHash(hash, item),
		Deps: wire.Context{Vector: d.Vector, CutRefs: d.CutRefs, Ceil: d.Ceil},
	}
}

// Removed takes an item that does not stand any more off the list, if it was a tombstone.
func (c *Collector) Removed(old *wire.Item) {
	if old.Deleted {
		delete(c.tombs, old.Key)
	}
}

// Released forgets the tombstones of slots that are held no more.
func (c *Collector) Released(slot func(hashing.Slot) bool) {
	for key, t := range c.tombs { //maporder:ok each is looked at by itself
		if slot(t.Slot) {
			delete(c.tombs, key)
		}
	}
}

// Standing is what the list has of a tombstone, if the key still holds that.
func (c *Collector) Standing(t *Tombstone) (Tombstone, bool) {
	now, ok := c.tombs[t.Key]
	return now, ok && now.Version == t.Version
}

// Raise notes up to which counter tombstones are collected, or about to be.
func (c *Collector) Raise(n uint64) {
	if !mutant.On(mutant.CausalGCCounterUnsent) {
		c.Counter = max(c.Counter, n)
	}
}

// Next is when the next collection may begin; false: there is nothing to collect, or a
// collection is open.
func (c *Collector) Next() (at wire.Instant, idle bool) {
	return c.at, len(c.tombs) > 0 && c.open == nil
}

// Postpone has the next try wait for its turn, and returns when that is.
func (c *Collector) Postpone(now wire.Instant) wire.Instant {
	c.at = now + collectEvery
	return c.at
}

// Begin begins a collection of the tombstones that may be candidates, by slot and key.
// It returns the question of the first round; nil: there is no candidate.
func (c *Collector) Begin(candidate func(*Tombstone) bool) *Question {
	c.batch, c.needed = nil, nil
	for _, t := range c.tombs { //maporder:ok put in order below
		if candidate(&t) {
			c.batch = append(c.batch, t)
		}
	}
	slices.SortFunc(c.batch, func(a, b Tombstone) int {
		if a.Slot != b.Slot {
			return int(a.Slot) - int(b.Slot)
		}
		return strings.Compare(a.Key, b.Key)
	})
	c.batch = c.batch[:min(len(c.batch), maxBatch)]
	if len(c.batch) == 0 {
		return nil
	}
	return &Question{Slots: slotsOf(c.batch)}
}

// Conclude ends a round with its answers; nil: the survey has failed. It returns the
// question of the second round, which tells all members what is about to go, or the
// tombstones that may go.
func (c *Collector) Conclude(replicas []ids.Node, answers Answers) (next *Question, collect []Tombstone) {
	c.Close()
	if c.needed == nil {
		c.needed = FirstRound(c.batch, replicas, answers)
		if len(c.needed) > 0 && !mutant.On(mutant.CausalOneCollectRound) {
			return &Question{Slots: slotsOf(c.batch), Collecting: largest(c.batch, c.needed)}, nil
		}
	} else {
		SecondRound(c.needed, replicas, answers)
	}
	for _, t := range c.batch {
		if _, left := c.needed[t.Slot]; left {
			collect = append(collect, t)
		}
	}
	return nil, collect
}

// slotsOf are the slots of tombstones, which are in their order.
func slotsOf(list []Tombstone) []wire.SlotRange {
	var runs []wire.SlotRange
	for i := range list {
		at := uint32(list[i].Slot)
		switch n := len(runs) - 1; {
		case n >= 0 && at == runs[n].First+runs[n].Count:
			runs[n].Count++
		case n < 0 || at > runs[n].First+runs[n].Count:
			runs = append(runs, wire.SlotRange{First: at, Count: 1})
		}
	}
	return runs
}

// FirstRound finds the slots whose tombstones all replicas have, and says of each what
// every replica must have before these may go: P, all that any of them has.
func FirstRound(list []Tombstone, replicas []ids.Node, answers Answers) map[hashing.Slot]wire.Vector {
	needed := map[hashing.Slot]wire.Vector{}
	j := &version.Joiner{}
	for len(list) > 0 {
		at, n, all := list[0].Slot, 0, true
		for ; n < len(list) && list[n].Slot == at; n++ {
			dot := list[n].Version.Dot
			all = all && AllHave(at, wire.Vector{wire.Position(dot)}, replicas, answers)
		}
		list = list[n:]
		if !all {
			continue
		}
		var p wire.Vector
		for _, id := range replicas {
			k, _ := held(answers[id], at)
			p = j.Join(p, k)
		}
		needed[at] = p
	}
	return needed
}

// SecondRound leaves the slots of which every replica has what the first round found.
func SecondRound(needed map[hashing.Slot]wire.Vector, replicas []ids.Node, answers Answers) {
	for at, p := range needed { //maporder:ok each is looked at by itself
		if !AllHave(at, p, replicas, answers) {
			delete(needed, at)
		}
	}
}

// largest is the largest counter of the tombstones of slots.
func largest(list []Tombstone, in map[hashing.Slot]wire.Vector) (counter uint64) {
	for i := range list {
		if _, left := in[list[i].Slot]; left {
			counter = max(counter, list[i].Version.Counter)
		}
	}
	return counter
}
