package gc

import (
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Times and bounds of collections.
const (
	collectEvery = 5 * wire.Second // between two tries
	maxBatch     = 10_000          // tombstones in one collection
)

// Tombstone is what a collection needs of a tombstone that is stored here.
type Tombstone struct {
	Key      string
	Slot     hashing.Slot
	Version  wire.CausalVersion
	Over     wire.CausalVersion // the version that it overwrote, if its dependencies name one (docs/causal.md §9.3, rule 1); zero: none
	Deps     wire.Context       // the folded part of its dependencies
	ItemHash uint64             // version.ItemHash of the tombstone, to take it out of the slot's sum
}

// Collector finds the tombstones that may go (docs/causal.md §9.3, I19). A tombstone t keeps older
// versions of its key away, because they lose against t. Without t, an older version v stays
// away from a replica only if K of the slot there has v's dot, because an item whose dot K has
// is not taken. So t may go when that holds for each v that some node may still send. Two
// surveys show that, one after the other:
//
//  1. Each replica has t, and no other node holds the slot. From then on no replica writes a v.
//     P is the union of the replicas' K: it has the dot of each v that a replica holds or has
//     sent.
//  2. Each replica's K covers P. So each of these v stays away from all replicas.
//
// One survey is not enough: a replica that has t may lack the dot of a v that another replica
// has sent and that is still on its way. Each replica collects by itself, and needs no agreement.
type Collector struct {
	Surveyor                              // of the open collection
	tombs    map[string]Tombstone         // all tombstones that are stored here, by key
	at       wire.Instant                 // the next collection begins no earlier
	batch    []Tombstone                  // of the open collection, by slot and key; at most maxBatch
	needed   map[hashing.Slot]wire.Vector // nil: round 1; else P of each slot that is left

	// Counter is the GC counter of this node: no tombstone that was collected in any slot, or
	// is about to be, has a larger counter, as far as this node was told. This node may come to
	// own slots when no node that has them can be reached; its writes there are above Counter
	// (I13, I14).
	Counter uint64
}

// Note lists a tombstone that was stored. hash is that of its key, in slot at.
func (c *Collector) Note(item *wire.Item, hash uint64, at hashing.Slot) {
	if c.tombs == nil {
		c.tombs = map[string]Tombstone{}
	}
	key := strings.Clone(item.Key) // must not keep the message alive that brought the item
	d := &item.Deps
	c.tombs[key] = Tombstone{
		Key: key, Slot: at, Version: item.Version, Over: version.Named(d, hash), ItemHash: version.ItemHash(hash, item),
		Deps: wire.Context{Vector: d.Vector, CutRefs: d.CutRefs, Ceil: d.Ceil},
	}
}

// Removed takes an item off the list that was replaced or removed, if it was a tombstone.
func (c *Collector) Removed(old *wire.Item) {
	if old.Deleted {
		delete(c.tombs, old.Key)
	}
}

// Released forgets the tombstones of slots that were released.
func (c *Collector) Released(slot func(hashing.Slot) bool) {
	for key, t := range c.tombs { //maporder:ok each is looked at by itself
		if slot(t.Slot) {
			delete(c.tombs, key)
		}
	}
}

// Standing is the list's entry for a tombstone, if its key still holds that version: other items
// may have come while the surveys were open.
func (c *Collector) Standing(t *Tombstone) (Tombstone, bool) {
	now, ok := c.tombs[t.Key]
	return now, ok && now.Version == t.Version
}

// Raise raises the GC counter of this node, by what it or another node is about to collect.
func (c *Collector) Raise(n uint64) {
	c.Counter = max(c.Counter, n)
}

// Next is when the next collection may begin; idle is false if no tombstone is stored or a
// collection is open.
func (c *Collector) Next() (at wire.Instant, idle bool) {
	return c.at, len(c.tombs) > 0 && c.open == nil
}

// Postpone puts the next try off by collectEvery, and returns its time.
func (c *Collector) Postpone(now wire.Instant) wire.Instant {
	c.at = now + collectEvery
	return c.at
}

// Begin begins a collection of the tombstones for which candidate holds, at most maxBatch by slot
// and key. It returns the question of round 1; nil: there is no candidate.
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

// Conclude ends a round with its answers; nil: the survey has failed, and nothing goes. After
// round 1 it returns the question of round 2, which tells all members the largest counter that
// is about to go. After round 2 it returns the tombstones that may go, if they still stand.
func (c *Collector) Conclude(replicas []ids.Node, answers Answers) (next *Question, collect []Tombstone) {
	c.Close()
	if c.needed == nil {
		c.needed = FirstRound(c.batch, replicas, answers)
		if len(c.needed) > 0 {
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

// slotsOf are the slots of tombstones that are ordered by slot.
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

// FirstRound finds the slots of which every replica has all listed tombstones. For each it returns
// P, the union of the replicas' K, which every replica must have before the tombstones may go.
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

// SecondRound deletes from needed the slots of which some replica does not have P.
func SecondRound(needed map[hashing.Slot]wire.Vector, replicas []ids.Node, answers Answers) {
	for at, p := range needed { //maporder:ok each is looked at by itself
		if !AllHave(at, p, replicas, answers) {
			delete(needed, at)
		}
	}
}

// largest is the largest counter of the listed tombstones whose slots are in a set.
func largest(list []Tombstone, in map[hashing.Slot]wire.Vector) (counter uint64) {
	for i := range list {
		if _, left := in[list[i].Slot]; left {
			counter = max(counter, list[i].Version.Counter)
		}
	}
	return counter
}
