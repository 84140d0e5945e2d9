package causal

import (
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// collector drops tombstones that nobody needs any more, in two rounds
// (docs/causal.md §9, I19).
type collector struct {
	tombs map[string]tomb
	at    wire.Instant // of the next try
	busy  bool
}

// tomb is a tombstone that is stored here.
type tomb struct {
	key      string
	slot     hashing.Slot
	hash     uint64
	version  wire.CausalVersion
	over     wire.CausalVersion // what it deleted, as far as it says so
	deps     wire.Context       // without entries
	itemHash uint64
}

// maxTombs is how many tombstones are dropped at a time.
const maxTombs = 10_000

// note lists a tombstone; lost takes what does not stand any more off the list.
func (c *collector) note(item *wire.Item, hash uint64) {
	if c.tombs == nil {
		c.tombs = map[string]tomb{}
	}
	key := strings.Clone(item.Key) // the message that brought it need not stay
	d := &item.Deps
	c.tombs[key] = tomb{
		key: key, hash: hash, version: item.Version, over: version.Named(d, hash), itemHash: version.ItemHash(hash, item),
		deps: wire.Context{Vector: d.Vector, CutRefs: d.CutRefs, Ceil: d.Ceil},
	}
}

func (c *collector) removed(old *wire.Item) {
	if old.Deleted {
		delete(c.tombs, old.Key)
	}
}

// freed forgets the tombstones of slots that are given up.
func (c *collector) freed(r *Replica, list []wire.SlotRange) {
	for key, t := range c.tombs { //maporder:ok each is looked at by itself
		if inRanges(list, r.slots.space.Slot(t.hash)) {
			delete(c.tombs, key)
		}
	}
}

// collect begins the first round, every now and then, when there is something to
// drop and everybody seems to be well.
func (r *Replica) collect() {
	c := &r.collector
	if len(c.tombs) == 0 || c.busy || r.view == nil {
		return
	}
	if r.now < c.at {
		r.alarm(c.at)
		return
	}
	c.at = r.now + collectEvery
	r.alarm(c.at)
	if !r.healthy() {
		return
	}
	tombs := r.oldTombs()
	if len(tombs) == 0 {
		return
	}
	c.busy = true
	list := slotsOf(tombs)
	r.beginSurvey(list, 0, func(answers map[ids.Node]*wire.Digest) {
		c.busy = false
		needed := r.firstRound(tombs, answers)
		if len(needed) == 0 {
			return
		}
		if mutant.On(mutant.CausalOneCollectRound) {
			r.dropTombs(tombs, needed)
			return
		}
		c.busy = true
		r.beginSurvey(list, largest(tombs, needed), func(answers map[ids.Node]*wire.Digest) {
			c.busy = false
			for at, p := range needed { //maporder:ok each is looked at by itself
				if !r.allHave(at, p, answers) {
					delete(needed, at)
				}
			}
			r.dropTombs(tombs, needed)
		})
	})
}

// healthy reports that everybody was heard lately, and that nothing is on the move
// here.
func (r *Replica) healthy() bool {
	if !r.member || r.closed() || !r.synced || r.slots.unready > 0 || r.hasFormer() || r.holdsForOthers() {
		return false
	}
	for _, p := range r.peers {
		if p.member && (!p.greeted || r.now-p.helloAt > p.silence() || !p.ready) {
			return false
		}
	}
	return true
}

// oldTombs are the tombstones in owned slots, by slot.
func (r *Replica) oldTombs() []tomb {
	var list []tomb
	for _, t := range r.collector.tombs { //maporder:ok put in order below
		t.slot = r.slots.space.Slot(t.hash)
		if r.slots.all[t.slot].live() && r.knowsDeleted(&t) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b tomb) int {
		if a.slot != b.slot {
			return int(a.slot) - int(b.slot)
		}
		return strings.Compare(a.key, b.key)
	})
	return list[:min(len(list), maxTombs)]
}

// knowsDeleted reports that what a tombstone deleted is known here. Otherwise it may
// be somewhere that nobody here knows of, and come back from there.
func (r *Replica) knowsDeleted(t *tomb) bool {
	s := &r.slots.all[t.slot]
	return (t.over.IsZero() || r.knownDurable(s, t.over.Dot.Stream, t.over.Dot.N)) && r.foldedSatisfied(&t.deps, t.slot)
}

func slotsOf(tombs []tomb) []wire.SlotRange {
	var list []hashing.Slot
	for _, t := range tombs {
		list = append(list, t.slot)
	}
	return ranges(slices.Values(slices.Compact(list)))
}

// firstRound finds the slots whose tombstones all replicas have, and what every one
// of them must have before these may go: all that any of them has now.
func (r *Replica) firstRound(tombs []tomb, answers map[ids.Node]*wire.Digest) map[hashing.Slot]wire.Vector {
	needed := map[hashing.Slot]wire.Vector{}
	j := &version.Joiner{}
	for _, t := range tombs {
		dot := wire.Vector{{Stream: t.version.Dot.Stream, N: t.version.Dot.N}}
		p, seen := needed[t.slot]
		if seen && p == nil {
			continue
		}
		if !r.allHave(t.slot, dot, answers) {
			needed[t.slot] = nil
			continue
		}
		for _, m := range r.replicas() {
			p = j.Join(p, answers[m].Held.Vectors[runOf(&answers[m].Held, t.slot).Vector])
		}
		needed[t.slot] = p
	}
	for at, p := range needed { //maporder:ok each is looked at by itself
		if p == nil {
			delete(needed, at)
		}
	}
	return needed
}

// largest is the largest counter of the tombstones of slots.
func largest(tombs []tomb, in map[hashing.Slot]wire.Vector) uint64 {
	n := uint64(0)
	for i := range tombs {
		if _, all := in[tombs[i].slot]; all {
			n = max(n, tombs[i].version.Counter)
		}
	}
	return n
}

// raiseGCCounter notes up to which counter tombstones are collected, or about to be.
// Their slots may come here later, when no node that has them can be reached.
func (r *Replica) raiseGCCounter(n uint64) {
	if !mutant.On(mutant.CausalGCCounterUnsent) {
		r.gcCounter = max(r.gcCounter, n)
	}
}

// replicas are the members of this node's shard.
func (r *Replica) replicas() []ids.Node {
	var all []ids.Node
	for _, m := range r.view.Layout.Shards[r.shard].Members {
		all = append(all, m.ID)
	}
	return all
}

// allHave reports that every replica of a slot has a vector, that nobody else holds
// the slot, and that nobody knows of anybody outside.
func (r *Replica) allHave(at hashing.Slot, v wire.Vector, answers map[ids.Node]*wire.Digest) bool {
	if answers == nil {
		return false
	}
	replicas := r.replicas()
	for id, digest := range answers { //maporder:ok all must agree
		run := runOf(&digest.Held, at)
		replica := slices.Contains(replicas, id)
		if digest.Unsynced || replica != (run != nil) {
			return false
		}
		if !replica {
			continue
		}
		k := digest.Held.Vectors[run.Vector]
		for i := range v {
			if k.At(v[i].Stream) < v[i].N {
				return false
			}
		}
	}
	return true
}

// ownDigest is what this node answers itself in a survey.
func (r *Replica) ownDigest(list []wire.SlotRange) *wire.Digest {
	return &wire.Digest{Unsynced: r.unsynced(), StableCut: r.stableCutSum(), Held: r.holdings(list)}
}

// dropTombs drops the tombstones of slots, if they stand yet, and keeps their
// counters.
func (r *Replica) dropTombs(tombs []tomb, in map[hashing.Slot]wire.Vector) {
	dropped := 0
	for _, t := range tombs {
		stands, ok := r.collector.tombs[t.key]
		if _, all := in[t.slot]; !all || !ok || stands.version != t.version {
			continue
		}
		s := &r.slots.all[t.slot]
		r.addPending(t.slot, s.known, max(s.gcCounter, t.version.Counter), false)
		r.forget(s, &wire.Item{Key: t.key, Version: t.version, Deleted: true}, stands.itemHash)
		dropped++
	}
	if dropped > 0 {
		r.writePending()
		r.box.Event(core.Event{Kind: EventCollected, View: r.view.ID, Count: uint64(dropped)})
	}
}
