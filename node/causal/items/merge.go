package items

import (
	"strconv"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// Merge stores an item of a peer if it wins over the item that its key holds (docs/causal.md
// §5), and reports whether it did. Merging is commutative, associative and idempotent, so
// replicas come to hold the same items, whichever arrive first (I18). An item that K
// covers and that is not here was deleted here and collected: it must not come back (I19).
func (t *Items) Merge(item *wire.Item, stored *wire.Item) bool {
	hash := hashing.Hash(item.Key)
	s := t.slots.Of(hash)
	old := t.Current(item.Key, stored)
	d := item.Version.Dot
	t.results.Remember(item, false, false) // also if the item loses: its write was applied elsewhere
	switch {
	case old != nil && old.Version.Dot == d:
		if !t.winsConflict(item, old) {
			return false
		}
	case old != nil && !version.Wins(item.Version, old.Version):
		return false
	case t.slots.DurableOrPending(s, d.Stream, d.N):
		return false // deleted here and collected; a smaller version that is stored came from elsewhere
	}
	t.Put(hash, item, old)
	return true
}

// winsConflict decides between two items of one key under one dot. They are equal unless a
// faulty node has given one dot to two writes, against I16. Then all replicas keep the same
// item, whichever arrives first: the larger version, or else the larger content
// hash (docs/causal.md §5, rules 6 to 9).
func (t *Items) winsConflict(item, old *wire.Item) bool {
	if item.Version == old.Version && version.SameContent(item, old) {
		return false
	}
	t.step.Event(core.Event{Kind: EventConflict, Peer: old.Version.Dot.Stream.Node, Note: "slot " + strconv.Itoa(int(t.slots.Space().Slot(hashing.Hash(item.Key))))})
	if item.Version != old.Version {
		return version.Wins(item.Version, old.Version)
	}
	return version.ContentHash(item) > version.ContentHash(old)
}
