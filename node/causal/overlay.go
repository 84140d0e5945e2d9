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

// overlay has the items that this step has written, and, while reads of the store are under
// way, all that were written since those reads began. Inputs come with items as the store
// had them, and reads are asynchronous, so either may be older than the overlay. Every use
// of a stored item goes through current.
type overlay struct {
	items map[string]*wire.Item // by key; a nil item: the key was removed
}

// reset empties the overlay at the beginning of a step, unless reads are under way.
func (o *overlay) reset(reads int) {
	if reads == 0 && len(o.items) > 0 {
		clear(o.items)
	}
}

// set notes the item that a key holds from now on; nil: none.
func (o *overlay) set(key string, item *wire.Item) {
	if o.items == nil {
		o.items = map[string]*wire.Item{}
	}
	o.items[key] = item
}

// current is the item that a key holds now, given the item that the store had when it was
// read; nil: none.
func (o *overlay) current(key string, stored *wire.Item) *wire.Item {
	if item, ok := o.items[key]; ok {
		return item
	}
	return stored
}

// free notes that slots were released: their keys hold nothing from now on.
func (o *overlay) free(r *Replica, list []wire.SlotRange) {
	for key := range o.items { //maporder:ok each is looked at by itself
		if slots.In(list, r.slots.Space().Slot(hashing.Hash(key))) {
			o.items[key] = nil
		}
	}
}

// put stores an item in the place of old, the item that its key holds (nil: none). The
// caller has decided that the item wins. Within one CausalWrite a removal comes after all
// puts, so a key that this step has removed is persisted first.
func (r *Replica) put(hash uint64, item *wire.Item, old *wire.Item) {
	if old != nil {
		r.collector.Removed(old)
	}
	if slices.Contains(r.step.Change.Drop, item.Key) {
		r.step.Commit()
	}
	stored := *item
	stored.Deps.Vector = r.vectors.Shared(item.Deps.Vector)
	r.step.Change.Put = append(r.step.Change.Put, stored)
	r.overlay.set(item.Key, item)
	r.slots.Put(hash, item, old, r.step.LastWrite()+1)
	if item.Deleted {
		r.collector.Note(item, hash, r.slots.Space().Slot(hash))
	}
}

// forget removes the item of a key from the state and from the slot's sum. itemHash is its
// version.ItemHash. K of the slot must cover the item, so that it is not taken again (I19).
func (r *Replica) forget(at hashing.Slot, old *wire.Item, itemHash uint64) {
	r.collector.Removed(old)
	for _, x := range r.exchanges {
		x.Dropped(old.Key)
	}
	r.step.Change.Drop = append(r.step.Change.Drop, old.Key)
	r.overlay.set(old.Key, nil)
	r.slots.Remove(at, itemHash, r.step.LastWrite()+1)
}

// merge stores an item of a peer if it wins over the item that its key holds (docs/causal.md
// §5), and reports whether it did. Merging is commutative, associative and idempotent, so
// replicas come to hold the same items, whichever arrive first (I18). An item that K
// covers and that is not here was deleted here and collected: it must not come back (I19).
func (r *Replica) merge(item *wire.Item, stored *wire.Item) bool {
	hash := hashing.Hash(item.Key)
	s := r.slots.Of(hash)
	old := r.overlay.current(item.Key, stored)
	d := item.Version.Dot
	r.rememberApplied(item, false, false) // also if the item loses: its write was applied elsewhere
	switch {
	case old != nil && old.Version.Dot == d:
		if !r.winsConflict(item, old) {
			return false
		}
	case old != nil && !version.Wins(item.Version, old.Version):
		return false
	case r.slots.DurableOrPending(s, d.Stream, d.N):
		return false // deleted here and collected; a smaller version that is stored came from elsewhere
	}
	r.put(hash, item, old)
	return true
}

// winsConflict decides between two items of one key under one dot. They are equal unless a
// faulty node has given one dot to two writes, against I16. Then all replicas keep the same
// item, whichever arrives first: the larger version, or else the larger content
// hash (docs/causal.md §5, rules 6 to 9).
func (r *Replica) winsConflict(item, old *wire.Item) bool {
	if item.Version == old.Version && version.SameContent(item, old) {
		return false
	}
	r.step.Event(core.Event{Kind: EventConflict, Peer: old.Version.Dot.Stream.Node, Note: "slot " + strconv.Itoa(int(r.slots.Space().Slot(hashing.Hash(item.Key))))})
	if item.Version != old.Version {
		return version.Wins(item.Version, old.Version)
	}
	return version.ContentHash(item) > version.ContentHash(old)
}

// keyReads are the reads of single keys from the store that are under way. The store may
// answer in a later step.
type keyReads struct {
	next uint64 // session of the last read
	list []keyRead
}

// keyRead is one read of a key.
type keyRead struct {
	session  uint64 // names the read in the answer
	key      string
	released uint64 // revision of the slot's last release when the read began; another one voids the answer
	do       func(stored *wire.Item)
}

// open is how many reads are under way.
func (k *keyReads) open() int { return len(k.list) }

// read reads a key from the store and calls do with the item that the key holds by then; nil:
// none. The view may have changed in between: do must check what it relies on.
func (r *Replica) read(key string, do func(current *wire.Item)) {
	k := &r.keyReads
	k.next++
	k.list = append(k.list, keyRead{k.next, key, r.slots.Of(hashing.Hash(key)).Released(), do})
	r.step.Read(core.Read{Kind: core.ReadKey, Key: key, Session: k.next})
}

// OnKeyRead takes in the answer to a read of a key.
func (r *Replica) OnKeyRead(in *core.KeyRead) {
	k := &r.keyReads
	i := slices.IndexFunc(k.list, func(o keyRead) bool { return o.session == in.Session })
	if i < 0 {
		return
	}
	kr := k.list[i]
	k.list = slices.Delete(k.list, i, i+1)
	if kr.released != r.slots.Of(hashing.Hash(kr.key)).Released() {
		r.read(kr.key, kr.do) // the slot was released meanwhile: the answer is of before
		return
	}
	kr.do(r.overlay.current(kr.key, in.Stored))
}

// slotReads are the reads of slots from the store that are under way.
type slotReads struct {
	next uint64 // session of the last read
	list []slotRead
}

// slotRead is one read of slots, of at most Limits.ChunkBytes.
type slotRead struct {
	session uint64 // names the read in the answer
	do      func(in *core.SlotsRead)
}

// open is how many reads are under way.
func (s *slotReads) open() int { return len(s.list) }

// readSlots reads the items of slots, after a place, and calls do with the first piece of
// them. Items of the overlay are newer than those of the answer.
func (r *Replica) readSlots(list []wire.SlotRange, after wire.SlotCursor, do func(in *core.SlotsRead)) {
	s := &r.slotReads
	s.next++
	s.list = append(s.list, slotRead{s.next, do})
	r.step.Read(core.Read{
		Kind: core.ReadSlots, Ranges: slots.Hashes(r.slots.Space(), list), Cursor: after,
		Limit: r.cfg.Limits.ChunkBytes, Session: s.next,
	})
}

// OnSlotsRead takes in the answer to a read of slots.
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
