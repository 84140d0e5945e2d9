package items

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

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

// Read reads a key from the store and calls do with the item that the key holds by then; nil:
// none. The view may have changed in between: do must check what it relies on.
func (t *Items) Read(key string, do func(current *wire.Item)) {
	k := &t.keys
	k.next++
	k.list = append(k.list, keyRead{k.next, key, t.slots.Of(hashing.Hash(key)).Released(), do})
	t.step.Read(core.Read{Kind: core.ReadKey, Key: key, Session: k.next})
}

// OnKeyRead takes in the answer to a read of a key.
func (t *Items) OnKeyRead(in *core.KeyRead) {
	k := &t.keys
	i := slices.IndexFunc(k.list, func(o keyRead) bool { return o.session == in.Session })
	if i < 0 {
		return
	}
	kr := k.list[i]
	k.list = slices.Delete(k.list, i, i+1)
	if kr.released != t.slots.Of(hashing.Hash(kr.key)).Released() {
		t.Read(kr.key, kr.do) // the slot was released meanwhile: the answer is of before
		return
	}
	kr.do(t.Current(kr.key, in.Stored))
}

// slotReads are the reads of slots from the store that are under way.
type slotReads struct {
	next uint64 // session of the last read
	list []slotRead
}

// slotRead is one read of slots, of at most Items.chunk bytes.
type slotRead struct {
	session uint64 // names the read in the answer
	do      func(in *core.SlotsRead)
}

// open is how many reads are under way.
func (s *slotReads) open() int { return len(s.list) }

// Pieces is how many reads of slots are under way.
func (t *Items) Pieces() int { return t.pieces.open() }

// ReadSlots reads the items of slots, after a place, and calls do with the first piece of
// them. Items of the overlay are newer than those of the answer.
func (t *Items) ReadSlots(list []wire.SlotRange, after wire.SlotCursor, do func(in *core.SlotsRead)) {
	s := &t.pieces
	s.next++
	s.list = append(s.list, slotRead{s.next, do})
	t.step.Read(core.Read{
		Kind: core.ReadSlots, Ranges: slots.Hashes(t.slots.Space(), list), Cursor: after,
		Limit: t.chunk, Session: s.next,
	})
}

// OnSlotsRead takes in the answer to a read of slots.
func (t *Items) OnSlotsRead(in *core.SlotsRead) {
	s := &t.pieces
	i := slices.IndexFunc(s.list, func(o slotRead) bool { return o.session == in.Session })
	if i < 0 {
		return
	}
	do := s.list[i].do
	s.list = slices.Delete(s.list, i, i+1)
	do(in)
}

// ReadAll reads all items of a slot after a place, piece by piece, and then calls do.
func (t *Items) ReadAll(at hashing.Slot, after wire.SlotCursor, do func(items []wire.Item)) {
	var all []wire.Item
	var next func(in *core.SlotsRead)
	list := []wire.SlotRange{{First: uint32(at), Count: 1}}
	next = func(in *core.SlotsRead) {
		all = append(all, in.Items...)
		if in.Last || len(in.Items) == 0 {
			do(all)
			return
		}
		last := in.Items[len(in.Items)-1].Key
		t.ReadSlots(list, wire.SlotCursor{Begun: true, Hash: hashing.Hash(last), Key: last}, next)
	}
	t.ReadSlots(list, after, next)
}
