package slots

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/wire"
)

// Keep keeps a copy of an item aside until its slot is ready.
func (t *Table) Keep(hash uint64, item *wire.Item) {
	s := t.Of(hash)
	s.aside = append(s.aside, footprint.Detach(item))
	t.asideBytes += footprint.Listed(item)
}

// AsideBytes is the memory of the items that are kept aside.
func (t *Table) AsideBytes() int { return t.asideBytes }

// TakeAside takes the items that were kept aside, to be merged into a slot that is to be
// ready. It reports false if the slot is not to be made ready: it is not owned, or ready,
// or items are being merged into it. If there are items, the caller calls Merged once for
// each, and then EndMerging.
func (t *Table) TakeAside(at hashing.Slot) (items []wire.Item, ok bool) {
	s := &t.slots[at]
	if !s.owned || s.ready || s.unmerged > 0 {
		return nil, false
	}
	items = s.aside
	s.aside, s.merging, s.unmerged = nil, items, len(items)
	for i := range items {
		t.asideBytes -= footprint.Listed(&items[i])
	}
	return items, true
}

// Merging reports that items are being merged into a slot.
func (t *Table) Merging(at hashing.Slot) bool { return t.slots[at].unmerged > 0 }

// Merged notes that one of the items was merged. It reports whether it was the last one:
// then EndMerging is due when the item is durable.
func (t *Table) Merged(at hashing.Slot) (last bool) {
	s := &t.slots[at]
	if s.unmerged == 1 {
		return true
	}
	s.unmerged--
	return false
}

// EndMerging notes that all the items are merged, durably. More may have been kept aside
// meanwhile. It reports false if the slot is not owned any more.
func (t *Table) EndMerging(at hashing.Slot) bool {
	s := &t.slots[at]
	if s.owned {
		s.unmerged = 0
	}
	return s.owned
}

// Apart is the largest counter of a key among the items of a slot that are not merged. A
// write is to be above it (I13).
func (s *Slot) Apart(key string) (counter uint64) {
	for _, list := range [][]wire.Item{s.aside, s.merging} {
		for i := range list {
			if list[i].Key == key {
				counter = max(counter, list[i].Version.Counter)
			}
		}
	}
	return counter
}
