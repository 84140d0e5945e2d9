package causal

import (
	"slices"
	"strconv"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// overlay has what was written in this step, and, while reads of the state are
// under way, since they began: what comes with an input, or from a read, may be
// older than that.
type overlay struct {
	items map[string]*wire.Item // nil: forgotten
}

// reset forgets at the beginning of a step, when no read is under way.
func (o *overlay) reset(reads int) {
	if reads == 0 && len(o.items) > 0 {
		clear(o.items)
	}
}

func (o *overlay) set(key string, item *wire.Item) {
	if o.items == nil {
		o.items = map[string]*wire.Item{}
	}
	o.items[key] = item
}

// current is what a key holds, given what the state had when it was read.
func (o *overlay) current(key string, stored *wire.Item) *wire.Item {
	if item, ok := o.items[key]; ok {
		return item
	}
	return stored
}

// free notes that slots were given up.
func (o *overlay) free(r *Replica, list []wire.SlotRange) {
	for key := range o.items { //maporder:ok each is looked at by itself
		if slots.In(list, r.slots.Space().Slot(hashing.Hash(key))) {
			o.items[key] = nil
		}
	}
}

// put makes an item the one of its key. old is what the key holds.
func (r *Replica) put(hash uint64, item *wire.Item, old *wire.Item) {
	if old != nil {
		r.collector.Removed(old)
	}
	if slices.Contains(r.change.Drop, item.Key) {
		r.commit() // it is forgotten first
	}
	stored := *item
	stored.Deps.Vector = r.vectors.Shared(item.Deps.Vector)
	r.change.Put = append(r.change.Put, stored)
	r.overlay.set(item.Key, item)
	r.slots.Put(hash, item, old, r.box.LastWrite()+1)
	if item.Deleted {
		r.collector.Note(item, hash, r.slots.Space().Slot(hash))
	}
}

// forget takes a key out of the state. itemHash is that of its item.
func (r *Replica) forget(at hashing.Slot, old *wire.Item, itemHash uint64) {
	r.collector.Removed(old)
	for _, x := range r.exchanges {
		x.Dropped(old.Key)
	}
	r.change.Drop = append(r.change.Drop, old.Key)
	r.overlay.set(old.Key, nil)
	r.slots.Remove(at, itemHash, r.box.LastWrite()+1)
}

// merge takes an item in, if it wins (docs/causal.md §5). It reports whether it did.
func (r *Replica) merge(item *wire.Item, stored *wire.Item) bool {
	hash := hashing.Hash(item.Key)
	s := r.slots.Of(hash)
	old := r.overlay.current(item.Key, stored)
	d := item.Version.Dot
	r.rememberApplied(item, false, false) // also if something else has won over it
	switch {
	case old != nil && old.Version.Dot == d:
		if !r.winsConflict(item, old) {
			return false
		}
	case old != nil && !version.Wins(item.Version, old.Version):
		return false
	case r.slots.DurableOrPending(s, d.Stream, d.N):
		return false // it was deleted here, and collected: what is stored is less than it
	}
	r.put(hash, item, old)
	return true
}

// winsConflict compares two items of one key under one dot. They are one, unless a node has
// named two writes alike (I16). Then all replicas take the same one, whichever came to
// them first, and although K covers both: the larger version, else the larger hash.
func (r *Replica) winsConflict(item, old *wire.Item) bool {
	if item.Version == old.Version && version.SameContent(item, old) {
		return false
	}
	r.box.Event(core.Event{Kind: EventConflict, Peer: old.Version.Dot.Stream.Node, Note: "slot " + strconv.Itoa(int(r.slots.Space().Slot(hashing.Hash(item.Key))))})
	if item.Version != old.Version {
		return version.Wins(item.Version, old.Version)
	}
	return version.ContentHash(item) > version.ContentHash(old)
}

// keyReads are the reads of single keys that are under way.
type keyReads struct {
	next uint64
	list []keyRead
}

type keyRead struct {
	session  uint64
	key      string
	released uint64 // of its slot
	do       func(stored *wire.Item)
}

func (k *keyReads) open() int { return len(k.list) }

// read does something with what a key holds.
func (r *Replica) read(key string, do func(current *wire.Item)) {
	k := &r.keyReads
	k.next++
	k.list = append(k.list, keyRead{k.next, key, r.slots.Of(hashing.Hash(key)).Released(), do})
	r.box.Read(core.Read{Kind: core.ReadKey, Key: key, Session: k.next})
}

// OnKeyRead goes on with what the store has read.
func (r *Replica) OnKeyRead(in *core.KeyRead) {
	k := &r.keyReads
	i := slices.IndexFunc(k.list, func(o keyRead) bool { return o.session == in.Session })
	if i < 0 {
		return
	}
	kr := k.list[i]
	k.list = slices.Delete(k.list, i, i+1)
	if kr.released != r.slots.Of(hashing.Hash(kr.key)).Released() {
		r.read(kr.key, kr.do) // the slot was given up meanwhile
		return
	}
	kr.do(r.overlay.current(kr.key, in.Stored))
}

// slotReads are the reads of slots that are under way.
type slotReads struct {
	next uint64
	list []slotRead
}

type slotRead struct {
	session uint64
	do      func(in *core.SlotsRead)
}

func (s *slotReads) open() int { return len(s.list) }

// readSlots does something with the items of slots, after a place. What the overlay
// has is newer.
func (r *Replica) readSlots(list []wire.SlotRange, after wire.SlotCursor, do func(in *core.SlotsRead)) {
	s := &r.slotReads
	s.next++
	s.list = append(s.list, slotRead{s.next, do})
	r.box.Read(core.Read{
		Kind: core.ReadSlots, Ranges: slots.Hashes(r.slots.Space(), list), Cursor: after,
		Limit: r.cfg.Limits.ChunkBytes, Session: s.next,
	})
}

// OnSlotsRead goes on with what the store has read.
func (r *Replica) OnSlotsRead(in *core.SlotsRead) {
	s := &r.slotReads
	i := slices.IndexFunc(s.list, func(o slotRead) bool { return o.session == in.Session })
	if i < 0 {
		return
	}
	do := s.list[i].do
	s.list = slices.Delete(s.list, i, i+1)
	do(in)
}
